"""What a piece of text must be like, wherever it comes from."""

import re
from unicodedata import category

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

# No control characters: fit for a heading, or the subject of a mail.
ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f]*$"
NOT_ONE_LINE = "Must be on one line, without control characters."
NO_EMAIL = "Must be an email address."
EMAIL_LENGTH = 254
# Of those who have an account and no email. No mail can go there (RFC 2606).
NO_MAIL_DOMAIN = "no-mail.invalid"

_ONE_LINE = re.compile(ONE_LINE)
# What joins letters, in Persian for one.
_JOINERS = "\u200c\u200d"


def fault_of_line(text: str, *, max_length: int) -> str | None:
    """What keeps `text` from being one non-empty line of so many characters at most, None for nothing."""
    if not text:
        return "May not be empty."
    if len(text) > max_length:
        return f"May have at most {max_length} characters."
    return None if _ONE_LINE.match(text) and not text.endswith("\n") else NOT_ONE_LINE


def fault_of_email(text: str) -> str | None:
    """What keeps `text` from being an email address of an account, None for nothing."""
    if len(text) > EMAIL_LENGTH:
        return f"May have at most {EMAIL_LENGTH} characters."
    try:
        validate_email(text)
    except ValidationError:
        return NO_EMAIL
    # Without regard to case, Django's pattern and PostgreSQL take a long s for an s: one account for two people.
    return None if text.rpartition("@")[0].isascii() else NO_EMAIL


def words(text: str) -> list[str]:
    """The words of `text`, told apart as PostgreSQL's text search does it, which has none for a mark that is alone.

    Marks are parts of words: without its vowel signs hardly a word of Hindi or Thai is one.
    """
    return "".join(each if _is_in_words(each) else " " for each in text).split()


def _is_in_words(each: str) -> bool:
    return each.isalnum() or each == "_" or each in _JOINERS or category(each).startswith("M")
