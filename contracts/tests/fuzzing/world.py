"""What there is before requests are made up: a caller of each role, and things in every state to ask for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from common.accounts import tokens
from common.models import User
from common.tests.factories import PASSWORD, a_person, client_of, staff_member
from common.tests.webhooks import NOWHERE, a_webhook, evt, hand_on, happen, whk
from config.groups import GROUPS
from courses.tests.factories import a_closed_course, a_draft, an_archived_course, an_open_course, crs
from enrollments.tests.factories import (
    a_full_course,
    a_partner,
    a_place_in_line,
    a_row,
    an_enrollment,
    an_import,
    complete,
    enr,
    imp,
    partner_client,
    ptn,
    run,
    through_partner,
)
from reviews.tests.factories import a_held_review, a_hidden_review, a_review, moderator, reasons_to_choose_from, rev

VISITOR, PARTNER = "visitor", "partner"
PEOPLE: dict[str, Callable[[], User | None]] = {
    VISITOR: lambda: None,
    "learner": a_person,
    "course staff": staff_member,
    "moderator": moderator,
    "analyst": lambda: a_person(permissions=("common.view_event",)),
    PARTNER: lambda: None,
}
PERMISSIONS: dict[str, tuple[str, ...]] = {
    "course staff": GROUPS["Course staff"],
    "moderator": GROUPS["Moderators"],
    "analyst": ("common.view_event",),
}
# Of no type that there is, of a type but malformed, and good ones of nothing.
NOBODYS = ("nonsense", "crs_0", "crs_01h455vb4pex5vsknk084sn02q", "enr_01h455vb4pex5vsknk084sn02q")


@dataclass(frozen=True, kw_only=True)
class World:
    """One caller, and the ids of what the caller may ask for.

    `credentials` is the caller's Authorization, None for a visitor. `places` gives the values to try for each path
    parameter, also where the query or a body has a member of that name; `bodies` for members of certain bodies.
    """

    credentials: str | None
    places: dict[str, tuple[str, ...]]
    bodies: dict[str, dict[str, tuple[str, ...]]]


def a_world(role: str) -> World:
    """A new world around a caller of this role."""
    reasons_to_choose_from()
    person, partner_id = PEOPLE[role](), a_partner()
    client = partner_client(partner_id) if role == PARTNER else client_of(person)
    places = _places_of_people(person or a_person())
    ours = _places_of_partner(partner_id)
    return World(
        credentials=client.defaults.get("HTTP_AUTHORIZATION"),
        places={name: (*places.get(name, ()), *ours.get(name, ()), *NOBODYS) for name in places | ours},
        bodies=_bodies(places["course_id"]),
    )


def callers_of(entry: dict[str, Any]) -> list[str]:
    """The roles that the document lets call this operation."""
    permission, schemes = entry.get("x-permission"), entry["security"]
    people = [role for role in PEOPLE if role not in {VISITOR, PARTNER}]
    if not schemes:
        return list(PEOPLE)
    if schemes == [{"apiKeyAuth": []}]:
        return [PARTNER]
    if {} in schemes:
        return [VISITOR, *people]
    return [role for role in people if permission is None or permission in PERMISSIONS.get(role, ())]


def _places_of_people(person: User) -> dict[str, list[str]]:
    """Courses in every state, the person in every standing, reviews as they can be."""
    free, full = an_open_course(), a_full_course(waiting=2)[0]
    attended, finished, reviewed, awaited = an_open_course(), an_open_course(), an_open_course(), a_full_course()[0]
    an_enrollment(attended, person.pk)
    an_enrollment(reviewed, person.pk)
    completed, waiting = an_enrollment(finished, person.pk), a_place_in_line(awaited, person.pk)
    complete(completed.id)
    # Those that come first meet each other most: a review of another's in a course.
    courses = [reviewed, free, full, attended, finished, awaited, a_draft(), a_closed_course(), an_archived_course()]
    reviews = [a_review(reviewed), a_review(reviewed, person), a_held_review(), a_hidden_review()]
    return {
        "course_id": [crs(each) for each in courses],
        "enrollment_id": [enr(each) for each in (completed.id, an_enrollment(free).id, waiting.id)],
        "review_id": [rev(each) for each in reviews],
    }


def _places_of_partner(partner_id: UUID) -> dict[str, list[str]]:
    """What the partner has brought and is told of, and some of what belongs to another."""
    free, full, other = an_open_course(), a_full_course()[0], a_partner("Other")
    brought = [through_partner(partner_id, free, 1), through_partner(partner_id, full, 2)]
    imports = [an_import(partner_id, a_row(free, 3)), run(an_import(partner_id, a_row(free, 4), a_row(full, 5)))]
    webhooks = [a_webhook(ptn(partner_id)), a_webhook(ptn(other))]
    event = happen(owner=ptn(partner_id))
    hand_on()
    return {
        "reference": [enr(each) for each in (*brought, through_partner(other, free, 6))],
        "import_id": [imp(each.id) for each in (*imports, an_import(other))],
        "webhook_id": [whk(each) for each in webhooks],
        "event_id": [evt(event)],
    }


def _bodies(courses: list[str]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Values that cannot be made up."""
    known = a_person()
    known.set_password(PASSWORD)
    known.save()
    return {
        "SignInRequest": {"email": (known.email,), "password": (PASSWORD, "not the one")},
        "RefreshRequest": {"refresh": (tokens.issue(known).refresh, "not.a.token")},
        "PartnerEnrollRequest": {"course_id": tuple(courses)},
        # The name of a host would be looked up.
        "WebhookRequest": {"url": (NOWHERE, "http://1.1.1.1/", "https://127.0.0.1/")},
    }
