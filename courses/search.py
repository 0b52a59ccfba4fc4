"""Which courses have a word: a question whose price PostgreSQL cannot tell, so that it is asked in one of three ways.

It does not know how many courses have a word that begins like this, and takes reading a text for as cheap as reading a
number. Left to itself it reads every course there is, in the order of the list, for a word that few or none have.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchVectorExact
from django.db.models import BooleanField, F, Func, QuerySet

from common import texts
from common.compiled import Slot, Statement
from courses.models import SEARCHED, Course

# Courses with a word are few up to so many, and near are so many.
_FEW, AS_NEAR = 5_000, 10_000
FOUND, NEAR, ALL = "found", "near", "all"
MATCHES = "matches"
_TERMS = Slot("terms")
_IS_FOUND = Func(F("pk"), Slot(FOUND), template="%(expressions)s)", arg_joiner=" = ANY(", output_field=BooleanField())

# What each way makes of a queryset of courses. NEAR says of each whether it matches, and is not to be read further than
# AS_NEAR. In ALL the limit keeps PostgreSQL from reading the texts one by one after all.
WAYS: dict[str, Callable[[QuerySet[Course]], QuerySet[Course]]] = {
    FOUND: lambda courses: courses.filter(_IS_FOUND),
    NEAR: lambda courses: courses.annotate(**{MATCHES: SearchVectorExact(SEARCHED, _query(_TERMS))}),
    ALL: lambda courses: courses.filter(pk__in=_matching(Course.objects.all(), _TERMS).values("pk")[: 2**31]),
}


def look_up(text: str) -> tuple[list[str], dict[str, Any]]:
    """The ways to go, one after the other until a page is full, and what belongs into their slots.

    What few courses have is found already. What many have is soon met in the order of the list; unless they all stand
    at its end, as those of a title with `w` by their titles.
    """
    terms = _terms(text)
    found = [row[0] for row in _some().rows(terms=terms)] if terms else []
    return ([FOUND], {FOUND: found}) if len(found) <= _FEW else ([NEAR, ALL], {"terms": terms})


def searched(courses: QuerySet[Course], text: str) -> QuerySet[Course]:
    """Courses in which every word of `text` begins a word."""
    ways, slots = look_up(text)
    return courses.filter(pk__in=slots[FOUND]) if ways == [FOUND] else _matching(courses, slots["terms"])


@cache
def _some() -> Statement:
    return Statement(_matching(Course.objects.all(), _TERMS).values_list("pk")[: _FEW + 1], planned_by_value=True)


def _terms(text: str) -> str:
    """What PostgreSQL is to look for; empty if there is no word in `text`."""
    return " & ".join(f"{word}:*" for word in texts.words(text))


def _matching(courses: QuerySet[Course], terms: str | Slot) -> QuerySet[Course]:
    return courses.annotate(searched=SEARCHED).filter(searched=_query(terms))


def _query(terms: str | Slot) -> SearchQuery:
    return SearchQuery(terms, search_type="raw", config="simple")
