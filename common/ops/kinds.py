"""Kinds of items: each knows how one of its own is done, and how it is taken back. Apps define them, commands use them.

A check is a kind that finds its items itself. Every class that is defined in the `checks` package or the `bulk.py` of
an installed app is known here, without being listed anywhere.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from inspect import isabstract
from pkgutil import iter_modules, resolve_name
from types import ModuleType
from typing import Any, ClassVar
from uuid import UUID

from django.apps import apps
from django.utils.module_loading import module_has_submodule

from common.ops import finding
from common.ops.types import Item, Outcome, Result, Work


class Kind(ABC):
    """`do` and `revert` run inside a transaction of the run's, and answer for each item in turn.

    They take their locks in the order of docs/locking.md, look again, and call services of their app.
    """

    name: ClassVar[str]
    # For people: what holds where nothing is to be done.
    sentence: ClassVar[str]
    # The type of public id of what an item is about.
    prefix: ClassVar[str]
    # Whether each item has a transaction of its own.
    one_by_one: ClassVar[bool] = False

    def foresee(self, items: Sequence[Item], options: Mapping[str, Any], now: datetime) -> list[Item]:
        """The items, with what can be said before anything is done: a detail, or that they would be refused."""
        return list(items)

    def foresee_revert(self, items: Sequence[Item]) -> list[Item]:
        """The items of an undo, with what can be said before anything is reverted: that something has touched them."""
        return list(items)

    @abstractmethod
    def do(self, items: Sequence[Item], work: Work) -> list[Result]:
        """Each item is done, or the result says why not."""

    @abstractmethod
    def revert(self, items: Sequence[Item], work: Work) -> list[Result]:
        """What was in the state `before` is in the state `after` again, if nothing else has touched it.

        Items of an undo have their states the other way round than those that they undo.
        """


class Check(Kind):
    """An invariant: the query finds what breaks it, a service mends what was found.

    `sql` answers with `course_id`, `key`, `before` and `after`, the states as jsonb; the order of its rows is the one
    in which they are mended. In it `{scope}` stands for a condition, and `%(now)s` for the time. `scopes` has that
    condition by the name of the scope, `course` with `%(courses)s` and `partner` with `%(partner)s`; a check without
    one of them cannot be limited so. The condition `again` limits it to what decides on `%(keys)s`, in the courses
    `%(courses)s`.
    """

    # Checks are made and mended in ascending order: what one mends, a later one may build on.
    order: ClassVar[int]
    sql: ClassVar[str]
    scopes: ClassVar[Mapping[str, str]]

    @abstractmethod
    def lock(self, items: Sequence[Item]) -> None:
        """Nobody else changes what decides on these items until the transaction ends."""

    @abstractmethod
    def mend(self, items: Sequence[Item], work: Work) -> list[Result]:
        """The items, as they were found under the lock, are mended."""

    def do(self, items: Sequence[Item], work: Work) -> list[Result]:
        """Lock, look again, and mend what is still to be mended.

        What a person has seen and let pass is mended only if it is still as that person saw it.
        """
        self.lock(items)
        found = finding.again(self, items, work.now)
        wanted = [found[item.key] for item in items if _is_wanted(item, found, work)]
        mended = dict(zip((item.key for item in wanted), self.mend(wanted, work), strict=True)) if wanted else {}
        return [mended.get(item.key) or _left_alone(item, found) for item in items]


def _is_wanted(item: Item, found: Mapping[UUID | None, Item], work: Work) -> bool:
    fresh = found.get(item.key)
    return fresh is not None and (not work.is_strict or fresh.before == item.before)


def _left_alone(item: Item, found: Mapping[UUID | None, Item]) -> Result:
    fresh = found.get(item.key)
    if fresh is None:
        return Result(outcome=Outcome.UNNEEDED, detail="It is as it should be by now.")
    return Result(
        outcome=Outcome.CHANGED,
        code="changed_since",
        detail="It has changed since the plan was made, so nothing was done. Make a new plan.",
        before=fresh.before,
    )


@cache
def checks() -> dict[str, Check]:
    """Every check by its name, in their order."""
    found = [kind for kind in kinds().values() if isinstance(kind, Check)]
    return {check.name: check for check in sorted(found, key=lambda check: check.order)}


@cache
def kinds() -> dict[str, Kind]:
    """Every kind by its name."""
    found: dict[str, Kind] = {}
    for module in _modules():
        for value in vars(module).values():
            if _is_kind_of(module, value):
                assert value.name not in found, f"Two kinds are called {value.name}."
                found[value.name] = value()
    return found


def _is_kind_of(module: ModuleType, value: object) -> bool:
    is_kind = isinstance(value, type) and issubclass(value, Kind) and not isabstract(value)
    return is_kind and value.__module__ == module.__name__


def _modules() -> Iterator[ModuleType]:
    for app in apps.get_app_configs():
        assert app.module is not None
        if module_has_submodule(app.module, "bulk"):
            yield resolve_name(f"{app.name}.bulk")
        if module_has_submodule(app.module, "checks"):
            package = resolve_name(f"{app.name}.checks")
            for path in getattr(package, "__path__", ()):
                for each in iter_modules([path]):
                    yield resolve_name(f"{app.name}.checks.{each.name}")
