"""A way to the database that tests can cut, mend and silence."""

import socket
import threading
from contextlib import suppress

from django.db import connection


class Line:
    """The only way that some clients have to the database.

    Cut, it refuses whoever comes and loses whoever is there. Silent, it takes what is said and hands on nothing.
    """

    def __init__(self) -> None:
        connection.ensure_connection()
        there = connection.connection.info
        self._database = f"{there.host}/.s.PGSQL.{there.port}"
        self._lock = threading.Lock()
        self._ends: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self._is_silent = False
        self.port = 0
        self.mend()

    def mend(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def fall_silent(self) -> None:
        self._is_silent = True

    def cut(self) -> None:
        with self._lock:
            cut, self._listener, self._ends = [self._listener, *self._ends], None, []
        for end in filter(None, cut):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with self._lock:
                    if self._listener is not listener:
                        client.close()
                        return
                    server = socket.socket(socket.AF_UNIX)
                    self._ends += [client, server]
                    server.connect(self._database)
                for source, target in ((client, server), (server, client)):
                    threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if not self._is_silent:
                    target.sendall(data)
        # Also after a client that was killed amid an answer, which ends with an error: the server must learn of it.
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)
