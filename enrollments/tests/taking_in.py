"""A server process that answers one request with a large file, and says how much memory it ever had."""

import io
import resource
import sys
from pathlib import Path

import django


def run(database: str, key: str, path: str, content_type: str) -> None:
    """Send the file at `path` to the service, whose data is in `database`; print the status and the peak in bytes."""
    django.setup()
    from django.db import connection  # noqa: PLC0415  # needs the settings

    from common.wsgi import Application  # noqa: PLC0415

    connection.settings_dict["NAME"] = database
    statuses: list[str] = []
    with Path(path).open("rb") as body:
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/api/v1/partner/imports",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "CONTENT_TYPE": content_type,
            "CONTENT_LENGTH": str(Path(path).stat().st_size),
            "HTTP_AUTHORIZATION": f"Api-Key {key}",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BufferedReader(body.raw),
            "wsgi.errors": sys.stderr,
        }
        answer = Application()(environ, lambda status, _headers: statuses.append(status))
        for _ in answer:
            pass
    connection.close()
    sys.stdout.write(f"{statuses[0][:3]} {_peak_bytes()}")


def _peak_bytes() -> int:
    status = Path("/proc/self/status")
    if status.exists():
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) * 1024
    # Elsewhere than on Linux: this never is below what the parent had.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    run(*sys.argv[1:])
