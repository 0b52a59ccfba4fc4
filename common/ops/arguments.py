"""What commands take as arguments, and say of what they do not take."""

from argparse import ArgumentTypeError
from collections.abc import Callable

from common.texts import fault_of_line

# More would not fit into a column of whole numbers.
_MOST = 2_147_483_647


def between(least: int, most: int) -> Callable[[str], int]:
    """Takes a whole number from `least` to `most`, both of which count."""

    def number(text: str) -> int:
        # The length comes first: Python refuses to read a number of thousands of digits.
        if not text.isdecimal() or len(text) > len(str(_MOST)) or not least <= int(text) <= most:
            upper = f"to {most}" if most < _MOST else "on"
            raise ArgumentTypeError(f"a number from {least} {upper} is needed")
        return int(text)

    return number


at_least_one = between(1, _MOST)


def one_line(max_length: int) -> Callable[[str], str]:
    """Takes a line of at most so many characters, without the blanks around it."""

    def line(text: str) -> str:
        fault = fault_of_line(text.strip(), max_length=max_length)
        if fault is not None:
            raise ArgumentTypeError(fault)
        return text.strip()

    return line
