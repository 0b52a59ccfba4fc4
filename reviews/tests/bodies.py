"""Request bodies that are wrong in one place."""

from typing import Any

import pytest


def bad_bodies(good: dict[str, Any], *wrong: tuple[Any, str]) -> Any:
    """Bodies that are wrong in one place, and that place."""
    cases = [({**good, name.removeprefix("/"): value}, name) for value, name in wrong]
    return pytest.mark.parametrize(("body", "pointer"), [*cases, ({**good, "extra": 1}, "/extra")])
