"""Public identifiers: a type prefix and a UUIDv7 in Crockford base32 (the TypeID format, specification 0.3)."""

from uuid import UUID

from uuid_utils.compat import uuid7

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_LENGTH = 26

USER = "usr"
COURSE = "crs"
ENROLLMENT = "enr"
WAITLIST_ENTRY = "wle"
EVENT = "evt"
REVIEW = "rev"
REPORT = "rpt"
PARTNER = "ptn"
IMPORT = "imp"
WEBHOOK = "whk"
RUN = "run"


def new_uuid() -> UUID:
    """A UUIDv7 (RFC 9562): later ones sort after earlier ones, to the millisecond."""
    return uuid7()


def encode(prefix: str, value: UUID) -> str:
    """The public form of `value`, such as `crs_01h455vb4pex5vsknk084sn02q`."""
    number = value.int
    return (
        f"{prefix}_{_PAIRS[number >> 120]}{_PAIRS[number >> 110 & 1023]}{_PAIRS[number >> 100 & 1023]}"
        f"{_PAIRS[number >> 90 & 1023]}{_PAIRS[number >> 80 & 1023]}{_PAIRS[number >> 70 & 1023]}"
        f"{_PAIRS[number >> 60 & 1023]}{_PAIRS[number >> 50 & 1023]}{_PAIRS[number >> 40 & 1023]}"
        f"{_PAIRS[number >> 30 & 1023]}{_PAIRS[number >> 20 & 1023]}{_PAIRS[number >> 10 & 1023]}"
        f"{_PAIRS[number & 1023]}"
    )


def decode(prefix: str, text: str) -> UUID | None:
    """The UUID behind a public id, or None if `text` is malformed or of another type."""
    found, separator, suffix = text.rpartition("_")
    if found != prefix or not separator or len(suffix) != _LENGTH or suffix[0] > "7":
        return None
    number = 0
    for letter in suffix:
        value = _VALUES.get(letter)
        if value is None:
            return None
        number = number << 5 | value
    return UUID(int=number)
