"""A gate that is passed only beside another one with another database. They meet in the folder that is its argument."""

import os
import sys
from pathlib import Path

from common.tests.patience import eventually


def main(place: Path) -> int:
    """0 if somebody else came."""
    (place / os.environ["TEST_DATABASE"]).touch()
    return 0 if eventually(lambda: len(list(place.iterdir())) == 2) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
