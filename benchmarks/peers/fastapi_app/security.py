"""Who calls."""

import os
from typing import Annotated
from uuid import UUID

import jwt
from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from benchmarks.peers.fastapi_app.database import Session
from benchmarks.peers.fastapi_app.models import Person
from benchmarks.peers.fastapi_app.repositories import People

_bearer = HTTPBearer()


async def current_person(
    credentials: Annotated[HTTPAuthorizationCredentials, Depends(_bearer)], session: Session
) -> Person:
    """The active person whom the token names; else 401."""
    try:
        claims = jwt.decode(credentials.credentials, os.environ["SECRET_KEY"], algorithms=["HS256"])
    except jwt.InvalidTokenError as fault:
        raise HTTPException(401, "The token is not valid.") from fault
    person = await People(session).get(UUID(claims["sub"]))
    if person is None or not person.is_active:
        raise HTTPException(401, "There is no such account.")
    return person


Caller = Annotated[Person, Depends(current_person)]
