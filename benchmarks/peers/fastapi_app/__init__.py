"""A peer: FastAPI with routers, services and repositories over SQLAlchemy (async) and asyncpg, under uvicorn."""
