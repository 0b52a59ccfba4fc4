"""What the service is measured beside: two peers on the same tables, and the limit of Python over HTTP."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from benchmarks import service
from benchmarks.database import Database, peer_environment
from benchmarks.lists import LISTS, REVIEW_LISTS, cursor_before
from benchmarks.load import Meter
from benchmarks.service import Service
from benchmarks.targets import Stage
from benchmarks.world import World, course

OURS, LIMIT, FASTAPI, DRF = "this service", "bare WSGI", "FastAPI", "DRF"
PEERS = (FASTAPI, DRF)
COURSES, REVIEWS = LISTS[0], REVIEW_LISTS[0]


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A running service by name. `after` is the query of its own that leads on from the review with this id."""

    name: str
    stage: Stage
    after: Callable[[str], str]

    def reviews(self, query: str = "") -> str:
        """The path of the reviews of the course that has most."""
        return f"/api/v1/courses/{self.stage.name_of(1)}/reviews?limit=20{query}"

    def deep_reviews(self) -> str:
        """As `reviews`, of the page in the middle that `lists` says."""
        _, offset = REVIEWS.far_page(self.stage.world)
        if self.name == OURS:
            return self.reviews(f"&sort=newest&cursor={cursor_before(self.stage, REVIEWS, offset)}")
        statement = f"SELECT {REVIEWS.key} OFFSET {offset} LIMIT 1"
        with self.stage.database.connect() as connection:
            (last,) = connection.execute(statement, [REVIEWS.of]).fetchone() or ("",)
        return self.reviews(self.after(str(last)))


@contextmanager
def contenders(world: World, database: Database) -> Iterator[list[Contender]]:
    """All of them at work on this database, with the same people to come."""
    environment = peer_environment(database)
    ways: dict[str, AbstractContextManager[Service]] = {
        OURS: service.running(database.url),
        LIMIT: service.under_gunicorn("benchmarks.peers.bare", environment),
        FASTAPI: service.under_uvicorn("benchmarks.peers.fastapi_app.main:app", environment),
        DRF: service.under_gunicorn("benchmarks.peers.drf_app.wsgi", environment),
    }
    with ExitStack() as running:
        found = [_contender(name, world, database, running.enter_context(way)) for name, way in ways.items()]
        for each in found:
            shared = found[0].stage
            each.stage.newcomers, each.stage.writers, each.stage.filling = (
                shared.newcomers,
                shared.writers,
                shared.filling,
            )
        yield found


def _contender(name: str, world: World, database: Database, running: Service) -> Contender:
    meter = Meter(service_pid=running.pid, server_pid=database.server_pid())
    stage = Stage(world=world, database=database, service=running, meter=meter)
    if name != OURS:
        stage.name_of = lambda number: str(course(number))
    return Contender(name=name, stage=stage, after=_cursor_of_drf if name == DRF else "&after={}".format)


def _cursor_of_drf(last: str) -> str:
    return f"&cursor={quote(b64encode(urlencode({'p': last}).encode()))}"
