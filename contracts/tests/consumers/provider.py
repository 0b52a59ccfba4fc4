"""The running service, as `pact` verifies it: each state is made before its request, and undone after it."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection, transaction
from pact import Verifier

from common.events import services as events
from contracts.tests.consumers.states import STATES

os.environ["PACT_DO_NOT_TRACK"] = "true"
HOST = "127.0.0.1"
_STATE = "/_pact/state"


class _Quietly(WSGIRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        """Says nothing."""


class _Provider:
    """The service with one address more, at which `pact` asks for a state. All of it on one connection."""

    def __init__(self) -> None:
        self._service = get_wsgi_application()
        self._open: transaction.Atomic | None = None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] != _STATE:
            return self._service(environ, start_response)
        asked = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        self.undo()
        values = self._make(asked["state"]) if asked["action"] == "setup" else {}
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(values).encode()]

    def _make(self, state: str) -> dict[str, str]:
        self._open = transaction.atomic()
        self._open._from_testcase = True  # as Django's own, it does not count as that of a use case
        self._open.__enter__()
        values = STATES[state]()
        while events.place_committed():
            pass
        return values

    def undo(self) -> None:
        """What the last state and its request have changed is gone."""
        if self._open is not None:
            transaction.set_rollback(True)
            self._open.__exit__(None, None, None)
            self._open = None


@contextmanager
def running() -> Iterator[str]:
    """The service runs. Gives its address."""
    provider = _Provider()
    server = make_server(HOST, 0, provider, handler_class=_Quietly)

    def serve() -> None:
        server.serve_forever(poll_interval=0.05)
        provider.undo()
        connection.close()

    thread = Thread(target=serve)
    # Between requests Django would close a connection that is in a transaction.
    moments = (request_started, request_finished)
    for moment in moments:
        moment.disconnect(close_old_connections)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        for moment in moments:
            moment.connect(close_old_connections)


def verify(pact: Path, address: str) -> str:
    """What the verifier says against the service; empty if the service does all that the consumer needs."""
    verifier = Verifier("lectern", host=HOST).add_transport(url=address).add_source(pact)
    verifier.state_handler(f"{address}{_STATE}", teardown=True, body=True)
    verifier.set_coloured_output(enabled=False)
    try:
        verifier.verify()
    except RuntimeError:
        return str(verifier.output(strip_ansi=True))
    return ""
