"""Strict fields for what comes in, and the id and time fields of what goes out.

DRF reads `"5"` as 5 and 5 as `"5"`; the contract says that a wrong type is an error.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NoReturn
from uuid import UUID

from django.core.validators import RegexValidator
from rest_framework import serializers

from common import ids
from common.texts import NOT_ONE_LINE, ONE_LINE

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)


class Text(serializers.CharField):
    """A JSON string. Surrounding blanks are kept out, NUL is refused."""

    default_error_messages = {"invalid": "Must be a string."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Line(Text):
    """A JSON string on one line, fit for a heading or the subject of a mail: no control characters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators.append(RegexValidator(ONE_LINE, NOT_ONE_LINE, "control_character"))


class Integer(serializers.IntegerField):
    """A JSON number without a fraction."""

    default_error_messages = {"invalid": "Must be a whole number."}

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        return super().to_internal_value(data)


class Boolean(serializers.BooleanField):
    """JSON true or false."""

    default_error_messages = {"invalid": "Must be true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Time(serializers.DateTimeField):
    """A JSON string with an RFC 3339 time; the offset is required."""

    default_error_messages = {
        "invalid": "Must be an RFC 3339 time with an offset, such as 2030-01-31T09:00:00Z, from 1900 on."
    }

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str) or not _RFC3339.fullmatch(value.upper()):
            self.fail("invalid", format="RFC 3339")
        try:
            moment = datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail("invalid", format="RFC 3339")
        if moment < _EARLIEST:
            self.fail("invalid", format="RFC 3339")
        return moment


class DistinctList(serializers.ListField):
    """A JSON array in which nothing occurs twice."""

    default_error_messages = {"repeated": "Name each only once."}

    def to_internal_value(self, data: Any) -> list[Any]:
        values: list[Any] = super().to_internal_value(data)
        if len(set(values)) < len(values):
            self.fail("repeated")
        return values


class QueryInteger(serializers.IntegerField):
    """A whole number in a query string, in ASCII digits."""

    default_error_messages = {"invalid": "Must be a whole number."}

    def to_internal_value(self, data: Any) -> int:
        if not (isinstance(data, str) and data.isascii() and data.isdigit()):
            self.fail("invalid")
        return super().to_internal_value(data)


class QueryBoolean(serializers.ChoiceField):
    """`true` or `false` in a query string."""

    default_error_messages = {"invalid_choice": "Must be true or false."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=["true", "false"], **kwargs)

    def to_internal_value(self, data: Any) -> bool:
        return bool(super().to_internal_value(data) == "true")


class Choice(serializers.ChoiceField):
    """One of `values`, a set that the OpenAPI document knows as `name` wherever it occurs.

    `open`: the set may grow, so readers must take values that they do not know.
    """

    default_error_messages = {"invalid_choice": "Must be one of: {choices}."}

    def __init__(self, name: str, values: Iterable[str], *, open: bool = False, **kwargs: Any) -> None:
        super().__init__([str(value) for value in values], **kwargs)
        self.name = name
        self.open = open

    def fail(self, key: str, **kwargs: Any) -> NoReturn:
        super().fail(key, choices=", ".join(self.choices), **kwargs)


class Constant(serializers.Field):
    """A member that always has this value."""

    def __init__(self, value: str, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)
        self.value = value

    def to_representation(self, value: str) -> str:
        return value


class Null(serializers.Field):
    """A member that is always null, where another shape has a value."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: None) -> None:
        return value


class PublicId(serializers.Field):
    """A UUID on its way out, as the public id of type `prefix`."""

    def __init__(self, prefix: str, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)
        self.prefix = prefix

    def to_representation(self, value: UUID) -> str:
        return ids.encode(self.prefix, value)


def rfc3339(moment: datetime) -> str:
    """A UTC time in the contract's form, with `Z`."""
    return moment.isoformat().replace("+00:00", "Z")
