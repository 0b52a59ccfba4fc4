"""Keyset pages: a page begins after a sort key, so the last one costs what the first does."""

from collections.abc import Sequence
from typing import Any

from django.db.models import BooleanField, F, Func, Value
from django.db.models.expressions import Combinable
from django.db.models.lookups import GreaterThan, LessThan

from common.compiled import Slot


class _Row(Func):
    """A row constructor. PostgreSQL compares rows member by member and walks an index over the same members."""

    template = "ROW(%(expressions)s)"
    output_field = BooleanField()  # only so that Django takes it as a lookup's side


def slots(columns: Sequence[object]) -> tuple[Slot, ...]:
    """What stands for the key in a compiled statement."""
    return tuple(Slot(f"after_{index}") for index, _ in enumerate(columns))


def values(key: Sequence[object] | None) -> dict[str, object]:
    """What goes into these slots when the statement runs."""
    return {f"after_{index}": part for index, part in enumerate(key or ())}


def beyond(columns: Sequence[str | Combinable], key: Sequence[Any], *, descending: bool) -> GreaterThan | LessThan:
    """The condition for rows after `key` in the order of `columns`, which all run in one direction."""
    expressions = [F(column) if isinstance(column, str) else column for column in columns]
    compare = LessThan if descending else GreaterThan
    return compare(_Row(*expressions), _Row(*(part if isinstance(part, Combinable) else Value(part) for part in key)))
