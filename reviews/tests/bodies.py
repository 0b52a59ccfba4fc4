"""Request bodies that are wrong in one place."""

from typing import Any

import pytest


def bad_bodies(good: dict[str, Any], *wrong: tuple[Any, str]) -> Any:
    """Bodies that are wrong in one place, and that place."""
    cases = [(_with(good, place.removeprefix("/"), value), place) for value, place in wrong]
    return pytest.mark.parametrize(("body", "pointer"), [*cases, ({**good, "extra": 1}, "/extra")])


def _with(good: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    name, _, inner = place.partition("/")
    return {**good, name: _with(good[name], inner, value) if inner else value}
