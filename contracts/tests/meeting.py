"""A gate that is passed only beside another one with another database. They meet in the folder that is its argument."""

import os
import sys
from pathlib import Path
from time import monotonic, sleep

PATIENCE_SECONDS = 30


def main(place: Path) -> int:
    """0 if somebody else came."""
    (place / os.environ["TEST_DATABASE"]).touch()
    until = monotonic() + PATIENCE_SECONDS
    while len(list(place.iterdir())) < 2:
        if monotonic() > until:
            return 1
        sleep(0.01)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
