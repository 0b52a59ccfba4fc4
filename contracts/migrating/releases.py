"""Which migrations a release had."""

from pathlib import Path

import yaml

APPS = ("common", "courses", "enrollments", "reviews")
_ROOT = Path(__file__).resolve().parents[2]
_NAME = "migrations.yaml"


def of_release(folder: Path) -> dict[str, str]:
    """The last migration of each app in the release that is kept in this folder."""
    last: dict[str, str] = yaml.safe_load((folder / _NAME).read_text())
    return last


def newest() -> dict[str, str]:
    """The last migration of each app as it is now."""
    return {app: max(path.stem for path in (_ROOT / app / "migrations").glob("[0-9]*.py")) for app in APPS}


def keep(folder: Path, version: str) -> None:
    """The migrations as they are now are those of the release that is kept in this folder."""
    text = f"# The last migration of each app in release {version}.\n{yaml.safe_dump(newest())}"
    (folder / _NAME).write_text(text)
