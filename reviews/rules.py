"""The rules of reviewing and moderating, as pure functions over plain values.

The hold rules look for what a person would see, so they read a text with its look-alike letters made plain and its
invisible ones taken out. Whatever they trip on only waits for a moderator: they may err, but not often, and seldom to
the side of letting advertising through.
"""

import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise

from common.errors import InvalidInput
from reviews.errors import InvalidDecision
from reviews.types import Circumstances, Decision, HoldPolicy, HoldReason, Reason, Status

# -- which decision leads where ------------------------------------------------------------------

DECISIONS: dict[tuple[Status, Decision], Status] = {
    (Status.PENDING, Decision.APPROVE): Status.PUBLISHED,
    (Status.PENDING, Decision.HIDE): Status.HIDDEN,
    (Status.PUBLISHED, Decision.APPROVE): Status.PUBLISHED,  # keeps it, against reports
    (Status.PUBLISHED, Decision.HIDE): Status.HIDDEN,
    (Status.HIDDEN, Decision.APPROVE): Status.PUBLISHED,
}


def check_decision(*, status: Status, decision: Decision, open_reports: int, is_retracted: bool) -> Status:
    """The state that follows from a decision. To approve a published review keeps it, which needs reports to answer.

    Raises:
        InvalidDecision: the state does not allow it.
    """
    if is_retracted:
        raise InvalidDecision("Its author has taken the review back: there is nothing to decide.", "retracted")
    following = DECISIONS.get((status, decision))
    if following is None:
        raise InvalidDecision("The review is hidden already.", status)
    if following is status and not open_reports:
        raise InvalidDecision("The review is public already, and no report on it is open.", status)
    return following


def check_reason(*, reason: Reason, decision: Decision) -> None:
    """The author may be told this reason of this decision.

    Raises:
        InvalidInput: it is for the other decision, or not used any more.
    """
    if reason.decision is not decision:
        raise InvalidInput(
            field="reason",
            reasons=[f"This reason is for a decision to {reason.decision}."],
            reason_code="reason_of_other_decision",
        )
    if not reason.is_active:
        raise InvalidInput(field="reason", reasons=["This reason is not used any more."], reason_code="reason_inactive")


def reports_hold(*, open_reports: int, is_kept: bool, policy: HoldPolicy) -> bool:
    """Whether so many open reports take a public text off the list. One that a moderator has kept stays."""
    return not is_kept and open_reports >= policy.reports_to_hold


# -- which text waits ----------------------------------------------------------------------------


def hold_reason(*, comment: str, around: Circumstances, policy: HoldPolicy) -> HoldReason | None:
    """The first rule that this text trips, None if it need not wait for a moderator."""
    if around.is_public_already:
        return None
    tripped = (
        (HoldReason.HIDDEN_BEFORE, around.hidden_before),
        (HoldReason.LINKS, has_link(comment)),
        (HoldReason.CONTACT, has_contact_details(comment)),
        (HoldReason.WORDS, has_listed_word(comment, policy.words)),
        (HoldReason.SHOUTING, is_shouting(comment, policy)),
        (HoldReason.DUPLICATE, around.stands_elsewhere),
        (HoldReason.FREQUENCY, around.written_in_window >= policy.reviews_per_window),
    )
    return next((reason for reason, trips in tripped if trips), None)


def has_link(comment: str) -> bool:
    """Whether the text leads to a place on the web, also if the address is disguised a little."""
    text = _EMAIL.sub(" ", _plain(comment))
    if _LINK.search(text):
        return True
    return any(match.group().lower() not in _NAMES_WITH_A_DOT for match in _BARE_ADDRESS.finditer(text))


def has_contact_details(comment: str) -> bool:
    """Whether the text says how to reach somebody: an email address, a telephone number, an account elsewhere."""
    text = _plain(comment)
    if _EMAIL.search(text) or _ACCOUNT.search(text):
        return True
    numbers = _NOT_TELEPHONE.sub(" # ", _LINK.sub(" # ", text))
    return any(_could_be_dialled(match.group()) for match in _TELEPHONE.finditer(numbers))


def has_listed_word(comment: str, words: tuple[str, ...]) -> bool:
    """Whether a listed word or phrase stands in the text on its own, whatever its case, accents and punctuation.

    In scripts that write no spaces between words it may stand anywhere.
    """
    text = f" {canonical(comment)} "
    return any(word in text for word in _as_they_stand(words))


@lru_cache(maxsize=8)
def _as_they_stand(words: tuple[str, ...]) -> tuple[str, ...]:
    """The listed words as they would stand in a canonical text. Made once for a list."""
    listed = filter(None, map(canonical, words))
    return tuple(word if _WITHOUT_SPACES.search(word) else f" {word} " for word in listed)


def is_shouting(comment: str, policy: HoldPolicy) -> bool:
    """Whether too many of the text's letters are capitals. Short texts may shout; abbreviations do not."""
    letters = [letter for letter in comment if letter.isalpha()]
    if len(letters) < policy.shouting_min_letters:
        return False
    share = sum(letter.isupper() for letter in letters) / len(letters)
    return share >= policy.shouting_share and any(_is_loud(part.split()) for part in _PUNCTUATION.split(comment))


def _is_loud(words: list[str]) -> bool:
    """Whether there is more than single abbreviations here: a long word of capitals, or two side by side."""
    is_long = any(word.isupper() and len(word) > _LONGEST_ABBREVIATION for word in words)
    return is_long or any(one.isupper() and other.isupper() for one, other in pairwise(words))


def canonical(comment: str) -> str:
    """The text without what a copyist would change: case, accents, punctuation, blanks, invisible letters."""
    apart = unicodedata.normalize("NFKD", _plain(comment).casefold())
    bare = unicodedata.normalize("NFC", "".join(letter for letter in apart if letter not in _ACCENTS))
    kept = (letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in bare)
    return " ".join("".join(kept).split())


def digest(comment: str, policy: HoldPolicy) -> bytes | None:
    """What the same text, copied with small changes, has in common; None for a text too short to tell."""
    text = canonical(comment)
    if len(text) < policy.duplicate_min_length:
        return None
    return blake2b(text.encode(), digest_size=16).digest()


def _plain(comment: str) -> str:
    """The text as it looks: wide letters as narrow ones, digits of any script as 0 to 9, invisible ones gone."""
    narrow = unicodedata.normalize("NFKC", comment)
    if narrow.isascii():
        return narrow
    digits = (str(unicodedata.decimal(letter, letter)) for letter in narrow)
    return "".join(letter for letter in digits if unicodedata.category(letter) != "Cf")


_ACCENTS = frozenset(map(chr, range(0x300, 0x370)))
# Thai, Lao, Khmer, Japanese, Chinese, Korean: no spaces, or endings glued to the word.
_WITHOUT_SPACES = re.compile("[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_LONGEST_ABBREVIATION = 5
_PUNCTUATION = re.compile(r"[^\w\s]+")

# -- addresses -----------------------------------------------------------------------------------

_OPTIONS = re.IGNORECASE | re.VERBOSE
_DOT_WORD = r"(?:dot|punkt|punto|ponto|точка)"
_DOT_BRACKETED = rf"\s?[\[({{<]\s?(?:\.|{_DOT_WORD})\s?[\])}}>]\s?"
_EMAIL = re.compile(
    rf"""
    (?<![\w.+-])[\w.+-]{{1,64}}
    (?: (?: \s?@\s? | \s?[\[({{<]\s?(?:@|at|ät|arroba|собака)\s?[\])}}>]\s? | \s(?:arroba|собака)\s )
        (?:[\w-]{{1,63}}(?:\.|{_DOT_BRACKETED}|\s{_DOT_WORD}\s)){{1,4}}
      | \sat\s(?:gmail|googlemail|hotmail|outlook|yahoo|icloud|proton(?:mail)?|gmx|web|yandex|qq|163)
        (?:\.|\s{_DOT_WORD}\s)
    )
    [^\W\d_]{{2,24}}\b
    """,
    _OPTIONS,
)

# Not those that are words of their own (it, in, is, at, be, so, to, no, me, my): a blank forgotten after a full stop
# is no address. With a path behind it, it is one.
_TOP = (
    "com|net|org|info|biz|edu|gov|io|co|ai|app|dev|shop|store|online|site|website|club|xyz|top|win|vip|link|click|live|"
    "pro|academy|courses|training|blog|news|tv|cc|de|fr|ch|nl|pl|pt|cz|sk|hu|ro|gr|ru|su|ua|kz|cn|jp|kr|tw|hk|sg|vn|th|"
    "ph|uk|eu|ie|dk|fi|tr|ir|ae|il|za|ng|ke|br|mx|ar|cl|au|nz|рф|укр"
)
_TOP_WITH_PATH = f"{_TOP}|at|be|ca|ee|es|fm|gd|gg|gl|id|im|in|is|it|la|ly|me|no|page|pw|se|sh|so|st|to|us|ws"
# Part of a host name: at least one letter. Written so that no text, however made, takes long to search.
_LABEL = r"(?=[\d_-]{0,62}[^\W\d_])[\w-]{1,63}"
_LINK = re.compile(
    rf"""
      \b(?:https?|hxxps?|ftp)\s?:\s?/\s?/
    | \bwww\d?\.\w
    | (?<![\w.-])(?:{_LABEL}\.)+(?:{_TOP_WITH_PATH})(?::\d+)?/[\w?\#@~%-]      # bit.ly/3xYz
    | \b{_LABEL}{_DOT_BRACKETED}(?:{_TOP_WITH_PATH})\b                         # example[.]com
    | \b(?!(?:a|an|the|this|that|of|in|after|before|during|since)\s)          # example dot com, but not the bubble
      {_LABEL}\s{_DOT_WORD}\s(?:com|net|org|info|de|ru|io)\b
      (?!\s(?:bubble|boom|crash|bust|era|crisis|craze|mania|hype|years|stock|start-?up|compan))
    """,
    _OPTIONS,
)
# Here the case tells: "great.Net result" forgets a blank, and "VB.NET" is a language.
_TOP_IN_ONE_CASE = f"{_TOP}|{_TOP.upper().replace('|NET', '')}"
_BARE_ADDRESS = re.compile(rf"(?<![\w.@/-])(?:{_LABEL}\.)+(?:{_TOP_IN_ONE_CASE})(?![\w-])")
_NAMES_WITH_A_DOT = frozenset(
    ("asp.net", "vb.net", "ado.net", "ml.net", "paint.net", "java.net", "java.io", "system.io", "socket.io", "draw.io")
)

# -- telephones and accounts ---------------------------------------------------------------------

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_NOT_TELEPHONE = re.compile(
    rf"""
      \bISBN(?:-1[03])?:?\s?[\dX][\dX\s-]{{8,16}}
    | (?<!\d)97[89][\s-]?(?:\d[\s-]?){{9}}\d                                    # an ISBN without its name
    | (?<!\d)10\.\d{{4,9}}/\S+                                                 # a DOI
    | (?<![\d./-])\d{{1,2}}[./-]\d{{1,2}}[./-](?:\d{{4}}|\d\d)(?![./-]?\d)      # dates
    | (?<![\d./-])\d{{4}}[./-]\d{{1,2}}[./-]\d{{1,2}}(?![./-]?\d)
    | (?<![\d./-])(?:0?[1-9]|1[0-2])[./-](?:19|20)\d\d(?![./-]?\d)
    | (?<![\d.:])[0-2]?\d[.:][0-5]\d(?:\s?(?:[-–]|to|bis|a|à)\s?[0-2]?\d[.:][0-5]\d)?(?![.:]?\d)
    | (?<![\d.])(?:{_OCTET}\.){{3}}{_OCTET}(?!\.?\d)                           # an IP address
    """,
    _OPTIONS,
)
_TELEPHONE = re.compile(
    r"""
      (?<![\w.,+-])(?:
        \+\d(?:[\s().-]{0,2}\d){7,14}                                                # +49 170 1234567
      | \(?0\d{1,5}\)?(?:[\s./-]{1,3}\d{2,}){1,5} | 0\d{8,12}                        # 0170/1234567, 020 7946 0958
      | (?:1[\s.-])?(?:\([2-9]\d\d\)\s?|[2-9]\d\d[\s.-])\d{3}[\s.-]\d{4} | [2-9]\d{9}   # (555) 123-4567
      | 8(?:[\s-]\(?|\()\d{3}\)?[\s-]?\d{3}[\s-]?\d\d[\s-]?\d\d | 8[3489]\d{9}        # 8 (999) 123-45-67
      | 1[3-9]\d[\s-]?\d{4}[\s-]?\d{4}                                               # 138 0013 8000
      | [6-9]\d{4}[\s-]\d{5}                                                         # 98765 43210
      | [5-9]\d\d\s\d{3}\s\d{3} | [67]\d\d(?:\s\d\d){3}                              # 600 123 456, 612 34 56 78
      | \((?!19|20)\d{2,5}\)\s?\d{3,5}[\s-]?\d{3,4}                                 # (11) 91234-5678
      )(?!\w|[.,]\d)
    | \b(?:call|phone|tel|telephone|telefon|teléfono|téléphone|mobile|handy|hotline|sms|whats\s?app|viber|тел|телефон
         | 电话)
      [^\w\n]{0,5}(?:\w{1,10}\s){0,3}[+(]?\d(?:[\s()./-]{0,2}\d){5,13}(?!\d)          # call me at 555-1234
    """,
    _OPTIONS,
)
_MESSENGER = (
    r"(?:whats\s?app|telegram|viber|wechat|weixin|skype|discord|insta(?:gram)?|snapchat|微信|вотсап|ватсап|телеграм\w*)"
)
_ACCOUNT = re.compile(
    rf"""
      \b(?: (?:write|text|message|contact|dm|pm|add|ping|reach|call|find|follow)\s(?:to\s)?(?:me|us)
          | schreib\w*\smir | kontaktier\w*\smich | escr[ií]beme | contáctame | [ée]cri(?:s|vez)-moi
          | contacte[rz]?-moi | (?:на)?пиши(?:те)?\sмне | 加我 )
      (?:\W{{1,3}}\w{{1,12}}){{0,4}}?\W{{0,3}}{_MESSENGER}
    | {_MESSENGER}[^\w@+\n]{{0,5}}(?:@\w{{3}}|\+?\d{{5}})
    """,
    _OPTIONS,
)


def _could_be_dialled(found: str) -> bool:
    digits = [letter for letter in found if letter.isdigit()]
    if found.startswith("0") and not 9 <= len(digits) <= 15:
        return False
    is_binary = set(digits) <= {"0", "1"}
    is_round = digits[-4:] == ["0"] * 4 and found[0] in "123456789"
    return not is_binary and not is_round


# -- what the ratings come to --------------------------------------------------------------------


def average(counts: tuple[int, ...]) -> Decimal | None:
    """The mean of the ratings to two decimals, halves up; `counts` are those of 1, 2, 3, 4 and 5 stars."""
    total = sum(counts)
    if not total:
        return None
    stars = sum(rating * count for rating, count in enumerate(counts, start=1))
    return (Decimal(stars) / total).quantize(Decimal("0.01"), ROUND_HALF_UP)
