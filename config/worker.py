"""gunicorn's threaded worker: connections dealt evenly, a queue that has an end, a stop that answers everybody."""

import mmap
import os
import select
import selectors
import time
from collections import deque
from functools import partial
from typing import Any

from gunicorn import glogging
from gunicorn.workers.gthread import ThreadWorker

_BLOCK = 65_536
_WORKERS = 256
_NOBODY = 2**32 - 1
# So long a worker with fewer connections has to take a new one before another does.
_TURN_SECONDS = 0.001

# How many connections each worker holds: made before the workers are forked, written by each in its own place.
_held = memoryview(mmap.mmap(-1, 4 * _WORKERS)).cast("I")
for _place in range(_WORKERS):
    _held[_place] = _NOBODY


class Logger(glogging.Logger):
    """gunicorn's. Requests are logged by the application, with their ids."""

    def access(self, *_request: Any) -> None:
        """Nothing: gunicorn would gather all that a line could say, and then not write it."""


class Worker(ThreadWorker):
    """At most WEB_QUEUE requests wait for a thread; any more are refused at once, by the thread that accepts them.

    At a stop, whoever has connected by then is answered, and nobody else can connect. Without this, those who are not
    accepted yet, and those who come while it finishes, would wait, and be cut off.
    """

    poller: Any

    def __init__(self, age: int, *args: Any, **kwargs: Any) -> None:
        self._place = age % _WORKERS
        super().__init__(age, *args, **kwargs)
        self._most_at_hand = self.cfg.threads + int(os.environ.get("WEB_QUEUE", "64"))
        self._at_hand = 0  # those with a thread and those that wait for one; all changes are of the main thread

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """As gunicorn's. Before it waits it tells the others what it holds; at a stop, that it takes no more."""
        _held[self._place] = self.nr_conns if self.alive else _NOBODY
        super().wait_for_and_dispatch_events(timeout)

    def leave(self) -> None:
        """No other worker leaves connections to this one."""
        _held[self._place] = _NOBODY

    def accept(self, listener: Any) -> None:
        """As gunicorn's; but who has fewer connections goes first.

        The worker that wakes first would take all that come at once, and clients keep theirs: of sixteen, one process
        was seen to have all, as often as eight, and the other none.
        """
        if self.nr_conns > min(_held):
            time.sleep(_TURN_SECONDS)
        super().accept(listener)

    def enqueue_req(self, conn: Any) -> None:
        """As gunicorn's. Of a new connection nobody knows yet what it asks: while there is no room, that is awaited."""
        if conn.parser is None and not conn.data_ready and self._is_full():
            conn.timeout = time.monotonic() + self.cfg.keepalive
            self.pending_conns.append(conn)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))
            return
        self._at_hand += 1
        super().enqueue_req(conn)

    def finish_request(self, conn: Any, fs: Any) -> None:
        """As gunicorn's."""
        self._at_hand -= 1
        super().finish_request(conn, fs)

    def on_pending_socket_readable(self, conn: Any, client: Any) -> None:
        """As gunicorn's, where there is room."""
        if not (self._is_full() and self._refuses(conn, self.pending_conns)):
            super().on_pending_socket_readable(conn, client)

    def on_client_socket_readable(self, conn: Any, client: Any) -> None:
        """As gunicorn's, where there is room."""
        if not (self._is_full() and self._refuses(conn, self.keepalived_conns)):
            super().on_client_socket_readable(conn, client)

    def _is_full(self) -> bool:
        return self._at_hand >= self._most_at_hand and not self.cfg.is_ssl

    def _refuses(self, conn: Any, place: "deque[Any]") -> bool:
        """Whether there is nothing more to do. The connection, if it is kept, stays where it is, to be listened to."""
        from common.overload import Way, refusal  # noqa: PLC0415 -- needs the settings, which the application has loaded

        conn.init()
        conn.sock.setblocking(False)  # noqa: FBT003 -- of the standard library
        try:
            block = conn.sock.recv(_BLOCK)
        except OSError:
            return False
        request = conn.parser.unreader.take_buffered() + block
        answer = refusal(request)
        if isinstance(answer, Way):
            conn.parser.unreader.unread(request)
            return answer is Way.INCOMPLETE and len(block) > 0 and len(request) < _BLOCK
        if not (self._sends(conn, answer.content) and answer.keeps_connection):
            place.remove(conn)
            self.poller.unregister(conn.sock)
            self.nr_conns -= 1
            conn.close()
        return True

    @staticmethod
    def _sends(conn: Any, content: bytes) -> bool:
        try:
            return bool(conn.sock.send(content) == len(content))
        except OSError:
            return False

    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001 -- of gunicorn
        """As gunicorn's; at a stop for the last time."""
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        listeners, self.sockets = self.sockets, []
        for listener in listeners:
            waiting = select.poll()
            waiting.register(listener, select.POLLIN)
            while self.nr_conns < self.worker_connections and waiting.poll(0):
                self.accept(listener)
            listener.close()
