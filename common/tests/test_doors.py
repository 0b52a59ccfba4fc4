"""What an import graph cannot see of the doors between apps: foreign keys, signatures, annotations."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, is_dataclass
from inspect import Parameter, getattr_static, isfunction, signature
from pathlib import Path
from pkgutil import resolve_name
from types import ModuleType
from typing import Any, get_args, get_type_hints

import pytest
from django.apps import apps
from django.conf import settings
from django.db.models import Field, Manager, Model, QuerySet

from common.models import User

ROWS = (Model, QuerySet, Manager)
OURS = [config.name for config in apps.get_app_configs() if Path(config.path).parent == settings.BASE_DIR]
DOMAINS = [name for name in OURS if name not in {"common", "config"}]


def services_of(app: str) -> ModuleType:
    module: ModuleType = resolve_name(f"{app}.services")
    return module


DOORS = [services_of(app) for app in DOMAINS]
FUNCTIONS = [getattr(door, name) for door in DOORS for name in door.__all__ if isfunction(getattr_static(door, name))]


def keys_into_other_apps() -> Iterator[Field]:
    for model in apps.get_models():
        for field in model._meta.get_fields():
            if model._meta.app_label in OURS and isinstance(field, Field) and field.related_model is not None:
                there = field.related_model._meta.app_label  # type: ignore[union-attr]
                if there in OURS and there != model._meta.app_label:
                    yield field


def positional(function: Callable[..., Any]) -> list[str]:
    """The parameters that can be given without their names."""
    parameters = signature(function).parameters.values()
    return [each.name for each in parameters if each.kind is not Parameter.KEYWORD_ONLY]


def unannotated(function: Callable[..., Any]) -> set[str]:
    """The parameters whose type is not said, and `return`."""
    return {*signature(function).parameters, "return"} - get_type_hints(function).keys()


def rows_in(annotation: Any, seen: frozenset[Any] = frozenset()) -> set[str]:
    """The models and querysets that a type mentions, in its arguments and in the fields of values too."""
    if annotation in seen:
        return set()
    seen |= {annotation}
    found = set()
    if isinstance(annotation, type) and issubclass(annotation, ROWS):
        found.add(annotation.__name__)
    inner = list(get_args(annotation))
    if is_dataclass(annotation) or hasattr(annotation, "_fields"):  # which named tuples have
        inner += get_type_hints(annotation).values()
    for each in inner:
        found |= (
            rows_in(each, seen) if not isinstance(each, list) else set().union(*(rows_in(one, seen) for one in each))
        )
    return found


class TestForeignKeys:
    def test_into_other_apps_cannot_be_walked_back(self) -> None:
        keys = list(keys_into_other_apps())
        assert {"enrollments.Enrollment.course", "enrollments.Enrollment.learner"} <= {str(key) for key in keys}
        assert [str(key) for key in keys if not key.remote_field.hidden] == []


class TestServices:
    def test_are_the_doors_of_each_domain(self) -> None:
        assert {"courses", "enrollments"} <= set(DOMAINS)
        assert len(FUNCTIONS) > 30

    @pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: f"{function.__module__}.{function.__name__}")
    def test_take_keywords_and_say_in_types_and_words_what_they_do(self, function: Callable[..., Any]) -> None:
        assert unannotated(function) == set()
        assert (function.__doc__ or "").strip()
        # A rule that is handed on may take the one value that it judges without a name: `is_open(places, now=now)`.
        subject = positional(function)
        assert subject == [] or (function.__module__.endswith(".rules") and len(subject) == 1)

    @pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: f"{function.__module__}.{function.__name__}")
    def test_let_no_row_in_or_out(self, function: Callable[..., Any]) -> None:
        assert {name: rows_in(hint) for name, hint in get_type_hints(function).items() if rows_in(hint)} == {}


@dataclass
class Leak:
    person: User


class TestTheseTests:
    def test_notice_a_row_at_any_depth(self) -> None:
        assert rows_in(User) == {"User"}
        assert rows_in(dict[str, list[User | None]]) == {"User"}
        assert rows_in(Callable[[QuerySet], int]) == {"QuerySet"}
        assert rows_in(list[Leak]) == {"User"}
        assert rows_in(dict[str, int | None]) == set()

    def test_notice_what_is_positional_or_unannotated(self) -> None:
        def careless(first, *, second, third: int):  # type: ignore[no-untyped-def]
            return first, second, third

        assert positional(careless) == ["first"]
        assert unannotated(careless) == {"first", "second", "return"}
