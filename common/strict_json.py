"""JSON as RFC 8259 has it and no more: no NaN, no name twice in one object, a bounded size of numbers and depth."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class NotStrict(ValueError):
    """The text has what RFC 8259 does not have, or warns of; in words for people."""


def read(text: str) -> Any:
    """The value that `text` is.

    Raises:
        json.JSONDecodeError: it is not JSON.
        NotStrict: it is JSON of a kind that is not taken.
    """
    return _strictly(lambda: _DECODER.decode(text))


def read_at(text: str, at: int) -> tuple[Any, int]:
    """The value that begins at this place of `text`, and the place after it. Raises as `read` does."""
    return _strictly(lambda: _DECODER.raw_decode(text, at))


def _strictly(decode: Callable[[], T]) -> T:
    try:
        return decode()
    except (json.JSONDecodeError, NotStrict):
        raise
    except RecursionError as fault:
        raise NotStrict("The JSON is nested too deeply.") from fault
    except ValueError as fault:
        # Python's own limit, at 4300 digits.
        raise NotStrict("A number in the body has too many digits.") from fault


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(members)
    if len(value) != len(members):
        name, _ = Counter(name for name, _ in members).most_common(1)[0]
        raise NotStrict(f"{json.dumps(name)} occurs twice in one object.")
    return value


def _refuse_constant(name: str) -> None:
    raise NotStrict(f"The body is not JSON: {name} is no JSON number.")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant)
