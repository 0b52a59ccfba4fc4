"""Which functions are use cases: whatever somebody does that changes something, and nothing else."""

from collections.abc import Callable, Iterator
from inspect import isfunction, signature, unwrap
from types import ModuleType

import pytest
from django.utils.module_loading import import_string

from common.accounts.services import sign_in

APPS = ("courses", "enrollments", "reviews")


def handed_out(app: str) -> Iterator[Callable[..., object]]:
    # By name, since `common` may know no app.
    services: ModuleType = import_string(f"{app}.services")
    found = (getattr(services, name) for name in services.__all__)
    return (each for each in found if isfunction(each))


def is_step(function: Callable[..., object]) -> bool:
    """Whether it works in the transaction of another; `common.db.step` wraps it so."""
    return function.__code__.co_name == "checked"


@pytest.mark.parametrize("app", APPS)
def test_whatever_somebody_does_is_a_use_case(app: str) -> None:
    assert [
        each.__name__
        for each in handed_out(app)
        if "actor" in signature(unwrap(each)).parameters and not is_step(each) and not hasattr(each, "use_case")
    ] == []


@pytest.mark.parametrize("app", APPS)
def test_steps_and_reads_are_none(app: str) -> None:
    names = [each.__name__ for each in handed_out(app) if hasattr(each, "use_case")]
    assert names
    assert [name for name in names if name.startswith(("get_", "list_", "find_", "check_", "has_", "lock_"))] == []


def test_are_named_after_their_app() -> None:
    names = {each.use_case for app in APPS for each in handed_out(app) if hasattr(each, "use_case")}
    assert {"courses.open_course", "enrollments.enroll", "reviews.write_review"} <= names
    assert sign_in.use_case == "accounts.sign_in"  # type: ignore[attr-defined]
