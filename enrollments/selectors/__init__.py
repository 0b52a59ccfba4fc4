"""Reads: who is in and who waits; partners and their keys."""

from enrollments.selectors.partners import find_live_key, get_of_partner, list_of_partner, live_keys, to_partner
from enrollments.selectors.standings import (
    count_waiting,
    find_newest,
    find_standing,
    find_standings,
    get_enrollment,
    get_standing,
    head_of_line,
    list_of_learner,
    list_roster,
    list_waitlist,
    positions,
)

__all__ = [
    "count_waiting",
    "find_live_key",
    "find_newest",
    "find_standing",
    "find_standings",
    "get_enrollment",
    "get_of_partner",
    "get_standing",
    "head_of_line",
    "list_of_learner",
    "list_of_partner",
    "list_roster",
    "list_waitlist",
    "live_keys",
    "positions",
    "to_partner",
]
