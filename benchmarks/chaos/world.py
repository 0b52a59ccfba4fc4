"""Who and what there is in the chaos run: what world.sql makes, as far as others refer to it."""

import random
import time
from pathlib import Path
from uuid import UUID, uuid4

import jwt

from benchmarks.world import course, person
from common import ids

SEED = Path(__file__).with_name("world.sql")
STAFF = 0
PEOPLE_EACH = 30
HOT, LINES, COURSES = 2, 12, 20
HOT_SEATS, SEATS = 8, 3
PARTNER = ids.encode(ids.PARTNER, UUID("01900000-0000-7000-f000-000000000001"))
PARTNER_KEY = "lectern_chaos_only-for-the-chaos-run"
_TOKEN_SECONDS = 600


def values(clients: int) -> dict[str, int]:
    """What world.sql is to be filled with."""
    return {
        "learners": (clients + 1) * PEOPLE_EACH,
        "courses": COURSES,
        "lines": LINES,
        "hot": HOT,
        "hot_seats": HOT_SEATS,
        "seats": SEATS,
    }


def people_of(client: int) -> range:
    """The learners on whose behalf this client acts, and nobody else."""
    return range(1 + client * PEOPLE_EACH, 1 + (client + 1) * PEOPLE_EACH)


def some_course(chance: random.Random) -> int:
    """Every second time one that everybody wants."""
    return chance.randint(1, HOT) if chance.random() < 0.5 else chance.randint(HOT + 1, COURSES)


def course_name(number: int) -> str:
    """The public id of a course."""
    return ids.encode(ids.COURSE, course(number))


def bearer(number: int, secret_key: str) -> str:
    """The header of a person who is signed in, such as common.accounts.tokens issues."""
    now = int(time.time())
    claims = {"token_type": "access", "iat": now, "exp": now + _TOKEN_SECONDS, "jti": uuid4().hex}
    return "Bearer " + jwt.encode({**claims, "sub": str(person(number))}, secret_key, algorithm="HS256")
