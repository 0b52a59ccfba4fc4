"""What each client did and was told, in memory and on disk."""

import json
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

UNANSWERED = "unanswered"
# So a request goes out, and then nobody listens to what comes back.
CUT = "cut"


@dataclass(kw_only=True)
class Attempt:
    """One request of an operation. `status` is None if nothing came back."""

    sent: float
    ended: float
    status: int | None = None
    fault: str = ""
    code: str = ""

    @property
    def is_unknown(self) -> bool:
        """Whether it may have been done, or not."""
        return self.status is None or self.status >= 500


@dataclass(kw_only=True)
class Operation:
    """One intention of one client, tried until there is an answer: `status` and `answer`, or None for ever."""

    id: str
    client: int
    kind: str
    person: int
    course: int
    method: str
    path: str
    key: str | None = None
    body: dict[str, Any] | None = None
    row: str = ""  # of what the client knows to be there: the public id
    attempts: list[Attempt] = field(default_factory=list)
    status: int | None = None
    answer: dict[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """The code of the refusal, empty for a success."""
        return str(self.answer.get("code", "")) if self.status is not None and self.status >= 400 else ""

    @property
    def was_unknown(self) -> bool:
        """Whether an attempt may have been done without the client's knowing."""
        return any(attempt.is_unknown for attempt in self.attempts)

    @property
    def took(self) -> float:
        """Seconds from the first request to the answer."""
        return self.attempts[-1].ended - self.attempts[0].sent


class Journal:
    """All operations that are over. Each is on disk as soon as it is noted."""

    def __init__(self, path: Path) -> None:
        self.operations: list[Operation] = []
        self._file = path.open("w")
        self._lock = threading.Lock()

    def note(self, operation: Operation) -> None:
        """The operation is over."""
        line = json.dumps(asdict(operation))
        with self._lock:
            self.operations.append(operation)
            self._file.write(line + "\n")
            self._file.flush()

    def close(self) -> None:
        """Nothing more is noted."""
        self._file.close()
