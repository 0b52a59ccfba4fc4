"""The engine, and a session for each request."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

# As the service: planned for the values of one course, a first page of reviews walks those of all courses.
_SETTINGS = {"plan_cache_mode": "force_generic_plan"}
engine = create_async_engine(
    "postgresql+asyncpg://", pool_size=10, max_overflow=0, connect_args={"server_settings": _SETTINGS}
)
_sessions = async_sessionmaker(engine, expire_on_commit=False)


async def session() -> AsyncIterator[AsyncSession]:
    """A session whose transaction ends with the request, unless a service has committed it before."""
    async with _sessions() as opened:
        yield opened


Session = Annotated[AsyncSession, Depends(session)]
