"""`python -m common.tests.pgbouncer COMMAND…`: runs it with PgBouncer between it and the database of DATABASE_URL.

In transaction mode, and each transaction on another connection to the server than the one before.
"""

import getpass
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from common.tests.patience import PATIENCE_SECONDS

# For each database. Some tests hold as many transactions open.
_POOL_SIZE = 40
_PORT = 6432  # names the socket; nothing listens on TCP
_CONFIGURATION = """\
[databases]
* = host={host} port={port}
[pgbouncer]
pool_mode = transaction
default_pool_size = {pool_size}
server_round_robin = 1
# What one client has SET is never another's: that would only show now and then.
server_reset_query = DISCARD ALL
server_reset_query_always = 1
query_wait_timeout = 5
server_login_retry = 0.05
listen_addr =
listen_port = {listen_port}
unix_socket_dir = {folder}
unix_socket_mode = 0777
auth_type = trust
auth_file = {folder}/users
logfile = {folder}/log
ignore_startup_parameters = extra_float_digits
{user}
"""


@contextmanager
def pgbouncer(url: str) -> Iterator[tuple[str, str]]:
    """PgBouncer serves before the server of `url` inside the block. Gives the URL through it, and the one past it."""
    program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    with psycopg.connect(url) as connection:
        there = connection.info
        host, port, role, name = there.host, there.port, there.user, there.dbname
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as path:
        folder = Path(path)
        folder.chmod(0o777)
        (folder / "users").write_text(f'"{role}" ""\n')
        values = {"host": host, "port": port, "pool_size": _POOL_SIZE, "listen_port": _PORT, "folder": folder}
        # It does not run as root.
        account = getpass.getuser() if os.geteuid() else "postgres"
        (folder / "ini").write_text(_CONFIGURATION.format(**values, user=f"user = {account}"))
        server = subprocess.Popen([program, "--quiet", str(folder / "ini")])
        try:
            _wait_until_it_serves(make_conninfo(host=path, port=_PORT, user=role, dbname=name), server)
            urls = [f"postgres:///{name}?host={h}&port={p}&user={role}" for h, p in ((path, _PORT), (host, port))]
            yield urls[0], urls[1]
        finally:
            server.terminate()
            server.wait(PATIENCE_SECONDS)


def _wait_until_it_serves(conninfo: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with suppress(psycopg.OperationalError), psycopg.connect(conninfo):
            return
        time.sleep(0.05)
    raise RuntimeError(f"PgBouncer does not serve {conninfo}.")


def main() -> int:
    """The exit code of the command, or 1 if there is nothing to do."""
    with pgbouncer(os.environ["DATABASE_URL"]) as (through, past):
        environment = {
            **os.environ,
            "DATABASE_URL": through,
            "DATABASE_THROUGH_PGBOUNCER": "true",
            "WORKER_DATABASE_URL": past,
        }
        return subprocess.run(sys.argv[1:], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
