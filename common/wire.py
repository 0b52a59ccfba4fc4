"""Shapes on the wire: bodies and queries on their way in, views on their way out."""

from collections.abc import Callable, Mapping
from functools import cache, lru_cache, partial
from typing import Any, ClassVar, Self

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from common import ids
from common.fields import PublicId, QueryInteger, Text

Convert = Callable[[Any], Any]
# What Django makes of a byte in a query string that is not UTF-8.
_UNDECODED = "\N{REPLACEMENT CHARACTER}"
# Most clients ask for the same few pages. A query string is no longer than a request line may be.
_QUERY_STRINGS = 500


class InvalidQuery(ValidationError):
    """The query string failed validation: its problem names parameters, not places in the body."""

    parameter = True


class _Strict(serializers.Serializer):
    """A field that it does not declare is an error, on every level."""

    noun: ClassVar[str]

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, Mapping):
            raise ValidationError([_no_object()])
        values: dict[str, Any] = {}
        errors: Any = {}
        try:
            values = super().to_internal_value(data)
        except ValidationError as fault:
            errors = fault.detail
        known = ", ".join(self.fields) or "none"
        for name in data:
            if name not in self.fields:
                errors[name] = [
                    serializers.ErrorDetail(f"There is no such {self.noun}. Known: {known}.", code="unknown")
                ]
        if errors:
            raise ValidationError(errors)
        return values


class Body(_Strict):
    """The shape of a request body, or of an object in one. A field that it does not declare is an error."""

    noun = "field"

    @classmethod
    def parse(cls, data: Any) -> dict[str, Any]:
        """The validated values.

        Raises:
            ValidationError: the body is no object, or a field is missing, unknown or wrong.
        """
        return _validated(_shape(cls), data)


class EmptyBody(Body):
    """No body, or `{}`."""

    example: ClassVar[dict[str, Any]] = {}


class Query(_Strict):
    """The shape of a query string. A parameter that it does not declare, or one given twice, is an error."""

    noun = "parameter"

    @classmethod
    def parse(cls, text: bytes) -> dict[str, Any]:
        """The validated values of a query string.

        Raises:
            InvalidQuery: a parameter is missing, unknown, repeated or wrong.
        """
        return _values_of(cls, text).copy()


@lru_cache(maxsize=_QUERY_STRINGS)
def _values_of(shape: type[Query], text: bytes) -> dict[str, Any]:
    parameters = QueryDict(text)
    garbled = {
        name: [_repeated() if len(values) > 1 else _not_text()]
        for name, values in parameters.lists()
        if len(values) > 1 or _UNDECODED in name + values[0]
    }
    if garbled:
        raise InvalidQuery(garbled)
    try:
        return _validated(_shape(shape), parameters.dict())
    except ValidationError as fault:
        raise InvalidQuery(fault.detail) from fault


class PageQuery(Query):
    """The parameters of every list."""

    limit = QueryInteger(min_value=1, max_value=100, default=20, help_text="How many rows a page has at most.")
    cursor = Text(required=False, allow_blank=True, help_text="`next_cursor` of the page before.")


def _no_object() -> serializers.ErrorDetail:
    return serializers.ErrorDetail("Must be a JSON object.", code="invalid")


def _repeated() -> serializers.ErrorDetail:
    return serializers.ErrorDetail("May be given only once.", code="repeated")


def _not_text() -> serializers.ErrorDetail:
    return serializers.ErrorDetail("Must be percent-encoded UTF-8.", code="encoding")


@cache
def _shape(declared: type[serializers.Serializer]) -> serializers.Serializer:
    """An instance for everybody, only ever asked to validate: making one copies every field of it."""
    return declared()


def _validated(shape: serializers.Serializer, data: Any) -> dict[str, Any]:
    if data is None:
        raise ValidationError([_no_object()])
    return dict(shape.run_validation(data))


class View(serializers.Serializer):
    """The shape of what goes out: every member named by hand, read from the attribute of the same name.

    The declaration serves the OpenAPI document, and is compiled for `render`: DRF's own walk over it costs more than
    the query behind a page.
    """

    @classmethod
    def render(cls, value: Any) -> dict[str, Any]:
        """`value` as members that `common.api.to_json` can write."""
        return cls._renderer()(value)

    @classmethod
    @cache
    def _renderer(cls) -> Callable[[Any], dict[str, Any]]:
        """A function in which every member is written out, as `dataclasses` writes its own."""
        conversions = {name: _conversion(field) for name, field in cls._declared_fields.items()}
        members = ", ".join(f"{name!r}: {_reading(name, convert)}" for name, convert in conversions.items())
        known = {f"_{name}": convert for name, convert in conversions.items()}
        return eval(f"lambda value: {{{members}}}", known)  # type: ignore[no-any-return]  # noqa: S307 - our own declarations

    @classmethod
    def of(cls, **fields: Any) -> Self:
        """An instance for the OpenAPI document, for use as a nested field."""
        return cls(read_only=True, **fields)


def _reading(name: str, convert: Convert | None) -> str:
    """How the member `name` is read from `value`, in Python."""
    read = f"value.{name}" if name.isidentifier() else f"getattr(value, {name!r})"
    return read if convert is None else f"None if (given := {read}) is None else _{name}(given)"


def _conversion(field: serializers.Field) -> Convert | None:
    """How a value of this field becomes one that JSON knows; None if it is one."""
    match field:
        case PublicId():
            return partial(ids.encode, field.prefix)
        case serializers.ListSerializer():
            render = type(field.child).render
            return lambda values: [render(value) for value in values]
        case View():
            return type(field).render
    return None
