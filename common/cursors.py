"""Opaque cursors: the sort key of the last row seen, signed and bound to the list that it was made for."""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.core import signing

from common.errors import InvalidCursor

_SALT = "lectern.cursor"
# So many letters fit as they are.
_SHORT = 150


def make(*, key: tuple[object, ...], binding: tuple[object, ...]) -> str:
    """A cursor that leads on from the row with the sort key `key`, for the list that `binding` describes."""
    content = [[_plain(part) for part in key], _bound(binding)]
    # JSON writes twelve letters for an emoji, and the whole has to fit into a URL. To try costs more than to sign.
    is_long = sum(len(str(part)) for part in (*key, *binding)) > _SHORT
    return signing.TimestampSigner(salt=_SALT).sign_object(content, compress=is_long)


def read(*, cursor: str, binding: tuple[object, ...], max_age: timedelta | None) -> tuple[object, ...]:
    """The sort key inside `cursor`, its datetimes, decimals and UUIDs restored.

    Raises:
        InvalidCursor: the cursor is damaged, older than `max_age`, or was made for another binding.
    """
    try:
        key, bound = signing.TimestampSigner(salt=_SALT).unsign_object(cursor, max_age=max_age)
    except (signing.BadSignature, ValueError) as fault:
        raise InvalidCursor from fault
    if bound != _bound(binding):
        raise InvalidCursor
    return tuple(_restored(part) for part in key)


def _bound(binding: tuple[object, ...]) -> list[str]:
    return [str(part) for part in binding]


def _plain(part: object) -> object:
    match part:
        case UUID():
            return ["u", part.hex]
        case datetime():
            return ["t", part.isoformat()]
        case Decimal():
            return ["d", str(part)]
    return part


def _restored(part: object) -> object:
    match part:
        case ["u", str(text)]:
            return UUID(text)
        case ["t", str(text)]:
            return datetime.fromisoformat(text)
        case ["d", str(text)]:
            return Decimal(text)
    return part
