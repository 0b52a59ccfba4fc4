"""Shapes on the wire: bodies and queries on their way in, views on their way out."""

from collections.abc import Callable, Mapping
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar, Self

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from common import ids
from common.fields import PublicId, QueryInteger, Text

Convert = Callable[[Any], Any]
# What Django makes of a byte in a query string that is not UTF-8.
_UNDECODED = "\N{REPLACEMENT CHARACTER}"


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
    def parse(cls, parameters: Any) -> dict[str, Any]:
        """The validated values.

        Raises:
            InvalidQuery: a parameter is missing, unknown, repeated or wrong.
        """
        garbled = {
            name: [_repeated() if len(values) > 1 else _not_text()]
            for name, values in parameters.lists()
            if len(values) > 1 or _UNDECODED in name + values[0]
        }
        if garbled:
            raise InvalidQuery(garbled)
        values = parameters.dict()
        try:
            return _validated(_shape(cls), values)
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

    The declaration serves the OpenAPI document; `render` goes over it as over a compiled plan, since DRF's own walk
    costs more than the query behind a page.
    """

    @classmethod
    def render(cls, value: Any) -> dict[str, Any]:
        """`value` as members that `common.api.to_json` can write."""
        names, read, conversions = cls._plan()
        rendered = dict(zip(names, read(value), strict=True))
        for name, convert in conversions:
            if rendered[name] is not None:
                rendered[name] = convert(rendered[name])
        return rendered

    @classmethod
    @cache
    def _plan(cls) -> tuple[list[str], Convert, list[tuple[str, Convert]]]:
        """The members' names, what reads all of them at once, and how those that JSON does not know are converted."""
        names = list(cls._declared_fields)
        read: Convert = attrgetter(*names) if len(names) > 1 else lambda value: (getattr(value, names[0]),)
        conversions = [(name, _conversion(field)) for name, field in cls._declared_fields.items()]
        return names, read, [(name, convert) for name, convert in conversions if convert is not None]

    @classmethod
    def of(cls, **fields: Any) -> Self:
        """An instance for the OpenAPI document, for use as a nested field."""
        return cls(read_only=True, **fields)


def _conversion(field: serializers.Field) -> Convert | None:
    match field:
        case PublicId():
            prefix = field.prefix
            return lambda value: ids.encode(prefix, value)
        case serializers.ListSerializer():
            render = type(field.child).render
            return lambda values: [render(value) for value in values]
        case View():
            return type(field).render
    return None
