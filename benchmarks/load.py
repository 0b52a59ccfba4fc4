"""Loads: `wrk` against the service, `pgbench` against the database, each with the processor time that it cost."""

import json
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import cpu
from benchmarks.database import Database
from benchmarks.service import Service
from common import embedded_postgres

_SCRIPTS = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Wave:
    """What came of one load. Processor times are for one request, None where they cannot be seen from here."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    application_ms: float | None
    database_ms: float | None
    statuses: dict[str, int] = field(default_factory=dict)
    broken: int = 0
    courses: frozenset[int] = frozenset()  # those whose places it changed

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    @property
    def server_errors(self) -> int:
        """Answers of 5xx, and requests without an answer."""
        return self.broken + sum(count for status, count in self.statuses.items() if status.startswith("5"))


@dataclass(frozen=True, kw_only=True)
class Meter:
    """Reads the processor time of both sides."""

    service_pid: int | None
    server_pid: int | None

    def around(self, load: Callable[[], dict[str, object]]) -> Wave:
        """The result of `load`, with what it cost."""
        before = self._read()
        result = load()
        used = [None if start is None else end - start for start, end in zip(before, self._read(), strict=True)]
        requests = int(str(result["requests"])) or 1
        application, database = (None if seconds is None else seconds / requests * 1000 for seconds in used)
        return Wave(**result, application_ms=application, database_ms=database)  # type: ignore[arg-type]

    def _read(self) -> list[float | None]:
        return [None if pid is None else cpu.seconds_used(pid) for pid in (self.service_pid, self.server_pid)]


def over_http(service: Service, meter: Meter, *, script: str, lines: list[str], clients: int, seconds: int) -> Wave:
    """`clients` connections, each with one request at a time; `lines` are what `script` reads."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        # One thread: a second one would only take processor time from those who are measured.
        options = ["--threads", "1", "--connections", str(clients), "--duration", f"{seconds}s"]
        command = ["wrk", *options, "--timeout", "10s", "--script", script, service.url, "--", file.name]

        def load() -> dict[str, object]:
            done = subprocess.run(command, cwd=_SCRIPTS, capture_output=True, text=True, check=False)
            results = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
            if not results or "no learners left" in done.stdout + done.stderr:
                raise RuntimeError(f"wrk failed:\n{done.stdout}\n{done.stderr}")
            return dict(json.loads(results[0].removeprefix("RESULT ")))

        return meter.around(load)


def bare_sql(
    database: Database, meter: Meter, *, variables: dict[str, int], clients: int, seconds: int, protocol: str
) -> Wave:
    """The statements of enroll.sql from `clients` connections."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(embedded_postgres.binaries() / "pgbench"), "--no-vacuum", "--file", str(_SCRIPTS / "enroll.sql")]
        command += ["--client", str(clients), "--jobs", "1", "--time", str(seconds), "--protocol", protocol]
        command += ["--log", "--log-prefix", f"{folder}/log"]
        command += [f"--define={name}={value}" for name, value in variables.items()]
        address = {f"PG{name.upper()}": value for name, value in database.address.items()}

        def load() -> dict[str, object]:
            done = subprocess.run(
                [*command, database.name], env={**address, "PATH": "/usr/bin:/bin"}, capture_output=True, check=False
            )
            if done.returncode:
                raise RuntimeError(f"pgbench failed:\n{done.stderr.decode()[:2000]}")
            return _summary(Path(folder), seconds)

        return meter.around(load)


def _summary(folder: Path, seconds: int) -> dict[str, object]:
    """What pgbench's log says: a line for each transaction, its third field the time it took in microseconds."""
    lines = [line for log in folder.iterdir() for line in log.read_text().splitlines()]
    took = sorted(int(line.split()[2]) / 1000 for line in lines)
    return {
        "requests": len(took),
        "seconds": seconds,
        "p50_ms": took[len(took) // 2],
        "p99_ms": took[len(took) * 99 // 100],
    }
