"""A mail server on this machine: it speaks enough SMTP to take mails, to refuse them, and to hang up on the sender."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes
from email.message import Message


class MailServer:
    """Answers a command as `answers` says, by its first word, the last answer from then on; else as usual.

    An empty answer is a line that is dropped.
    """

    def __init__(self) -> None:
        self.received: list[Message] = []
        self.answers: dict[str, list[str]] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with suppress(OSError), line, line.makefile("rwb") as stream:

            def answer(command: str, usual: str) -> bool:
                planned = self.answers.get(command, [usual])
                text = planned.pop(0) if len(planned) > 1 else planned[0]
                if not text:
                    raise ConnectionAbortedError
                stream.write(f"{text}\r\n".encode())
                stream.flush()
                return text[0] in "23"

            answer("HELLO", "220 mail.test")
            while command := stream.readline().decode().strip().upper():
                word = command.split(":")[0].split(" ")[0]
                if word == "DATA" and answer("DATA", "354 go on"):
                    content = b"".join(iter(stream.readline, b".\r\n"))
                    if answer("END", "250 taken"):
                        self.received.append(message_from_bytes(content))
                elif word != "DATA" and answer(word, "250 fine") and word == "QUIT":
                    return


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A mail server that is gone after the block."""
    one = MailServer()
    try:
        yield one
    finally:
        one.close()
