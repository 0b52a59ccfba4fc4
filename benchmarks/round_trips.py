"""How often a client and PostgreSQL take turns, counted on the wire."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_BLOCK = 65_536


class Relay:
    """Stands between clients and a server, and counts how often a client speaks after the server has spoken."""

    def __init__(self, host: str, port: str) -> None:
        self.round_trips = 0
        self._host = host
        self._server_port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Nobody new is let in; those inside stay until they leave."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._serve(client, self._connect())

    def _connect(self) -> socket.socket:
        if self._host.startswith("/"):
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{self._host}/.s.PGSQL.{self._server_port}")
            return server
        return socket.create_connection((self._host, int(self._server_port)))

    def _serve(self, client: socket.socket, server: socket.socket) -> None:
        spoke_last = [server]

        def pass_on(source: socket.socket, target: socket.socket) -> None:
            with suppress(OSError), source, target:
                while data := source.recv(_BLOCK):
                    if source is client and spoke_last[0] is server:
                        self.round_trips += 1
                    spoke_last[0] = source
                    target.sendall(data)
                target.shutdown(socket.SHUT_RDWR)

        for source, target in ((client, server), (server, client)):
            threading.Thread(target=pass_on, args=(source, target), daemon=True).start()


@contextmanager
def relay(host: str, port: str) -> Iterator[Relay]:
    """A relay to the server at this address, a folder of sockets or a name."""
    running = Relay(host, port)
    try:
        yield running
    finally:
        running.close()
