"""The application: `uvicorn benchmarks.peers.fastapi_app.main:app`."""

from fastapi import FastAPI

from benchmarks.peers.fastapi_app.routers import router

app = FastAPI(title="Courses")
app.include_router(router)
