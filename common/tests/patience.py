"""How long tests wait for what must come: so long that no machine is too slow, as only a defect waits to the end."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 60.0


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether it came true while there was patience."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
