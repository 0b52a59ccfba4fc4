"""One client's line to the service: real HTTP, a connection that is kept, and cut now and then."""

import http.client
import json
import time
from typing import Any

from benchmarks.chaos.journal import CUT, UNANSWERED, Attempt

# What is not answered by then never will be, as far as the client is concerned.
_PATIENCE_SECONDS = 5
# After so many requests a new connection, as a proxy would spread them: else all would stay with one web worker.
_REQUESTS_EACH = 10


class Line:
    """Sends requests; what comes of one is an attempt and the body of the answer."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: http.client.HTTPConnection | None = None
        self._sent = 0

    def send(
        self, method: str, path: str, headers: dict[str, str], body: dict[str, Any] | None, *, cut: bool
    ) -> tuple[Attempt, dict[str, Any], http.client.HTTPMessage | None]:
        """Send once. With `cut`, hang up as soon as the request is out."""
        attempt = Attempt(sent=time.monotonic(), ended=0.0)
        answer: dict[str, Any] = {}
        received = None
        self._sent += 1
        if self._sent % _REQUESTS_EACH == 0:
            self.close()
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_PATIENCE_SECONDS)
            content = None if body is None else json.dumps(body)
            more = {} if body is None else {"Content-Type": "application/json"}
            self._connection.request(method, path, content, {"X-Forwarded-Proto": "https", **headers, **more})
            if cut:
                attempt.fault = CUT
                self.close()
            else:
                response = self._connection.getresponse()
                content = response.read()
                received = response.headers
                answer = json.loads(content) if content else {}
                attempt.status, attempt.code = response.status, str(answer.get("code", ""))
        except (OSError, http.client.HTTPException, json.JSONDecodeError) as fault:
            attempt.fault = f"{UNANSWERED}: {type(fault).__name__}"
            attempt.status = None
            self.close()
        attempt.ended = time.monotonic()
        return attempt, answer, received

    def close(self) -> None:
        """The connection is gone."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
