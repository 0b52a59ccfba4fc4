"""The benchmark's own databases: a seeded one that is kept between runs, and a copy of it for each run."""

import hashlib
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote

import environ
import psycopg
from psycopg import sql

from benchmarks import cpu
from benchmarks.world import MANY, World
from common import embedded_postgres

_ROOT = Path(__file__).parent.parent
_SECRET_KEY = secrets.token_urlsafe(50)
# As it was at the beginning: what is measured gets its own settings into the environment.
_CHOSEN = os.environ.get("DATABASE_URL")
_SEEDS = [Path(__file__).with_name(name) for name in ("seed.sql", "seed_reviews.sql")]


class Database:
    """One database of a server, which others of the same server can be reached from."""

    def __init__(self, address: dict[str, str], name: str) -> None:
        self.address = address
        self.name = name

    @property
    def url(self) -> str:
        """As DATABASE_URL takes it."""
        user = quote(self.address["user"], safe="")
        if password := self.address.get("password"):
            user += ":" + quote(password, safe="")
        host, port = self.address["host"], self.address["port"]
        if host.startswith("/"):
            return f"postgres://{user}@:{port}/{host}/{self.name}"
        return f"postgres://{user}@{host}:{port}/{self.name}"

    def reached_by(self, *, host: str, port: int) -> "Database":
        """The same database by another way."""
        return Database({**self.address, "host": host, "port": str(port)}, self.name)

    def connect(self) -> psycopg.Connection:
        """A new connection, each statement its own transaction."""
        return psycopg.connect(**self.address, dbname=self.name, autocommit=True)

    def beside(self, name: str) -> "Database":
        """Another database of the same server, whether it exists or not."""
        return Database(self.address, name)

    def comment(self) -> str | None:
        """The database's comment; None if there is no such database."""
        with self.beside("postgres").connect() as connection:
            row = connection.execute(
                "SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = %s",
                [self.name],
            ).fetchone()
        return row[0] if row else None

    def drop(self) -> None:
        """There is no such database."""
        with self.beside("postgres").connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(self.name)))

    def create(self, template: str = "template1") -> None:
        """The database exists, as a copy of `template`."""
        with self.beside("postgres").connect() as connection:
            statement = "CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy"
            connection.execute(sql.SQL(statement).format(sql.Identifier(self.name), sql.Identifier(template)))

    def server_pid(self) -> int | None:
        """The process that all processes of the server are children of; None if it runs on another machine."""
        with self.connect() as connection:
            backend = connection.info.backend_pid
            return cpu.parent_of(backend) if cpu.name_of(backend) == "postgres" else None


@contextmanager
def prepared(world: World, say: Callable[[str], None]) -> Iterator[Database]:
    """A database that holds `world`, for this run alone. It is gone afterwards; what it was copied from stays."""
    with server() as base:
        seeded = base.beside(f"{base.name}_seed_{world.rows}")
        fingerprint = _fingerprint(world)
        if seeded.comment() != fingerprint:
            say(f"Seeding {world.rows:,} rows of each kind; later runs start from a copy …")
            _seed(seeded, world, fingerprint)
        say("Copying the seeded database …")
        base.drop()
        base.create(template=seeded.name)
        with base.connect() as connection:
            connection.execute("CHECKPOINT")
        try:
            yield base
        finally:
            base.drop()


@contextmanager
def prepared_from(base: Database, seed: Path, values: dict[str, int], say: Callable[[str], None]) -> Iterator[Database]:
    """As `prepared`, beside another database of the same server: what `seed` makes with these values."""
    size = "_".join(map(str, values.values()))
    seeded, used = base.beside(f"{base.name}_{seed.stem}_{size}"), base.beside(f"{base.name}_{seed.stem}")
    fingerprint = _fingerprint_of([seed])
    if seeded.comment() != fingerprint:
        say(f"Seeding {seed.stem}; later runs start from a copy …")
        _fill(seeded, [seed.read_text().format(**values)], fingerprint)
    used.drop()
    used.create(template=seeded.name)
    try:
        yield used
    finally:
        used.drop()


@contextmanager
def server() -> Iterator[Database]:
    """`<name>_bench` beside the database of DATABASE_URL, else on an embedded server that runs only meanwhile."""
    if url := _CHOSEN:
        chosen = environ.Env.db_url_config(url)
        parts = {"host": chosen["HOST"], "port": str(chosen["PORT"]), "user": chosen["USER"]}
        given = {name: value for name, value in {**parts, "password": chosen["PASSWORD"]}.items() if value}
        with psycopg.connect(**given, dbname="postgres") as connection:
            found = connection.info
            address = {**given, "host": found.host, "port": str(found.port), "user": found.user}
        yield Database(address, f"{chosen['NAME']}_bench")
        return
    folder = _ROOT / "var" / "postgres-bench"
    try:
        found = Database(embedded_postgres.ensure_running(folder, durable=True), "lectern_bench")
        if _makes_room(found):
            embedded_postgres.stop(folder)
            embedded_postgres.ensure_running(folder, durable=True)
        yield found
    finally:
        embedded_postgres.stop(folder)


def _makes_room(found: Database) -> bool:
    """Whether the server has to start anew to have room for the connections of several services at once."""
    with found.beside("postgres").connect() as connection:
        row = connection.execute("SELECT current_setting('max_connections')::int < 100").fetchone()
        if row == (True,):
            connection.execute("ALTER SYSTEM SET max_connections = 100")
    return row == (True,)


def _seed(database: Database, world: World, fingerprint: str) -> None:
    _fill(database, [seed.read_text().format(**asdict(world), many=MANY) for seed in _SEEDS], fingerprint)


def _fill(database: Database, statements: list[str], fingerprint: str) -> None:
    database.drop()
    database.create()
    migrate = [sys.executable, "manage.py", "migrate", "--noinput", "--verbosity", "0"]
    subprocess.run(migrate, cwd=_ROOT, env=service_environment(database.url), check=True)
    with database.connect() as connection:
        for each in statements:
            connection.execute(each)
        connection.execute("VACUUM ANALYZE")
        comment = sql.SQL("COMMENT ON DATABASE {} IS {}")
        connection.execute(comment.format(sql.Identifier(database.name), sql.Literal(fingerprint)))


def _fingerprint(world: World) -> str:
    """Changes with the tables and with the seed."""
    return f"{world.rows} rows, {world.newcomers} newcomers, {_fingerprint_of(_SEEDS)}"


def _fingerprint_of(seeds: list[Path]) -> str:
    sources = [*seeds, *sorted(_ROOT.glob("*/migrations/*.py"))]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


def peer_environment(database: Database) -> dict[str, str]:
    """The environment of a peer on this database: its address as libpq's variables, and the key of the tokens."""
    address = {f"PG{name.upper()}": value for name, value in database.address.items()}
    return {**service_environment(database.url), **address, "PGDATABASE": database.name}


def service_environment(database_url: str) -> dict[str, str]:
    """The environment of a production service on this database, whatever the developer's own is like."""
    return {
        **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}},
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database_url,
        "SECRET_KEY": _SECRET_KEY,
        "DEBUG": "false",
        "HTTPS": "true",
        "ALLOWED_HOSTS": "127.0.0.1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
