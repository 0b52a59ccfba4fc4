"""Web processes: new connections are dealt evenly, and nobody waits for a search of what was there from the start."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import mean

import pytest
from django.conf import settings

from common.tests.serving import Gunicorn, gunicorn
from common.tests.workers import wait_until

READY = re.compile(r"Worker ready \(pid: (\d+)\)")
CONNECTIONS = 16
REQUEST = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="/proc tells who has a connection")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "gunicorn.log"


@pytest.fixture
def server(log: Path) -> Iterator[Gunicorn]:
    with gunicorn(log, DATABASE_URL="postgres://nobody@127.0.0.1:1/none", WEB_CONCURRENCY="2") as one:
        wait_until(lambda: len(ready(log)) == 2)
        yield one


def ready(log: Path) -> list[int]:
    return [int(pid) for pid in READY.findall(log.read_text())]


def sockets_of(pid: int) -> set[str]:
    """The inodes of the process's sockets."""
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            found.update(re.findall(r"socket:\[(\d+)\]", str(link.readlink())))
    return found


def inodes_of(clients: list[socket.socket]) -> set[str]:
    """The inodes of the server's ends of these connections: proc_net_tcp(5)."""
    ends = {(client.getpeername()[1], client.getsockname()[1]) for client in clients}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[9] for row in rows if (int(row[1].split(":")[1], 16), int(row[2].split(":")[1], 16)) in ends}


def connected(port: int) -> socket.socket:
    """A connection with a request on it, whether or not anybody has accepted it yet."""
    connection = socket.create_connection(("127.0.0.1", port), 20)
    connection.sendall(REQUEST)
    return connection


def dealt(port: int, workers: list[int]) -> list[int]:
    """How many of the connections that come at once, and stay, each of the workers gets."""
    with ExitStack() as kept:
        connections = [kept.enter_context(connected(port)) for _ in range(CONNECTIONS)]
        for connection in connections:
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        there = inodes_of(connections)
        found = [len(there & sockets_of(pid)) for pid in workers]
    wait_until(lambda: not any(there & sockets_of(pid) for pid in workers))
    return found


def deals_evenly(port: int, workers: list[int]) -> bool:
    """Whether the smaller share is about half of all, time and again."""
    rounds = [dealt(port, workers) for _ in range(20)]
    assert {sum(shares) for shares in rounds} == {CONNECTIONS}
    return mean(min(shares) for shares in rounds) > CONNECTIONS / 2 - 1.5


def test_connections_are_dealt_evenly(server: Gunicorn, log: Path) -> None:
    assert deals_evenly(server.port, ready(log))


def test_who_takes_the_place_of_a_killed_one_gets_its_share(server: Gunicorn, log: Path) -> None:
    os.kill(ready(log)[0], signal.SIGKILL)
    wait_until(lambda: len(ready(log)) == 3)
    assert deals_evenly(server.port, ready(log)[1:])


def test_what_is_loaded_at_the_start_is_never_looked_through_for_garbage() -> None:
    # In a process of its own: the configuration changes the environment of whoever loads it.
    script = "import gc, unittest.mock, config.wsgi, config.gunicorn as served; "
    script += "served.post_worker_init(unittest.mock.Mock()); served.on_exit(None); print(gc.get_freeze_count())"
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    )
    assert int(told.stdout) > 100_000
