"""Who is answered what, for every operation of the published document.

Each caller asks for the same things, which belong to the first learner and the first partner, in a state in which the
operation is possible. What is refused has changed nothing.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from rest_framework_simplejwt.tokens import AccessToken

from common import openapi
from common.accounts import tokens
from common.models import User
from common.tests.factories import PASSWORD, ApiClient, a_person, client_of, staff_member
from common.tests.unchanged import nothing_changed
from common.tests.webhooks import NOWHERE, a_webhook, evt, hand_on, happen, whk
from courses.tests.factories import a_closed_course, a_draft, an_open_course, crs
from enrollments.tests.factories import (
    a_partner,
    a_revoked_key,
    a_row,
    an_enrollment,
    an_import,
    enr,
    imp,
    partner_client,
    ptn,
    run,
    through_partner,
)
from reviews.tests.factories import a_held_review, a_review, moderator, reasons_to_choose_from, rev

pytestmark = pytest.mark.django_db

CALLERS = (
    "nobody", "learner", "other learner", "moderator", "course staff", "partner", "other partner", "expired token",
    "revoked key",
)  # fmt: skip

# The status for each caller, in the order of CALLERS. A key is nothing where people sign in, and the reverse.
# fmt: off
EXPECTED: dict[str, tuple[int, ...]] = {
    #                          nobody learner other moder. staff partner other expired revoked
    "accounts.register":         (201,  201,  201,  201,  201,   201,   201,  201,  201),
    "accounts.signIn":           (200,  200,  200,  200,  200,   200,   200,  200,  200),
    "accounts.refresh":          (200,  200,  200,  200,  200,   200,   200,  200,  200),
    "accounts.signOut":          (204,  204,  204,  204,  204,   204,   204,  204,  204),
    "accounts.me":               (401,  200,  200,  200,  200,   401,   401,  401,  401),
    "accounts.update":           (401,  200,  200,  200,  200,   401,   401,  401,  401),

    "courses.list":              (200,  200,  200,  200,  200,   200,   200,  401,  200),
    "courses.get":               (200,  200,  200,  200,  200,   200,   200,  401,  200),
    "courses.create":            (401,  403,  403,  403,  201,   401,   401,  401,  401),
    "courses.update":            (401,  403,  403,  403,  200,   401,   401,  401,  401),
    "courses.open":              (401,  403,  403,  403,  200,   401,   401,  401,  401),
    "courses.close":             (401,  403,  403,  403,  200,   401,   401,  401,  401),
    "courses.archive":           (401,  403,  403,  403,  200,   401,   401,  401,  401),

    "enrollments.enroll":        (401,  409,  201,  201,  201,   401,   401,  401,  401),
    "enrollments.standing":      (401,  200,  404,  404,  404,   401,   401,  401,  401),
    "enrollments.withdraw":      (401,  200,  404,  404,  404,   401,   401,  401,  401),
    "enrollments.list":          (401,  200,  200,  200,  200,   401,   401,  401,  401),
    "rosters.list":              (401,  403,  403,  403,  200,   401,   401,  401,  401),
    "rosters.waitlist":          (401,  403,  403,  403,  200,   401,   401,  401,  401),
    "rosters.complete":          (401,  403,  403,  403,  200,   401,   401,  401,  401),
    "rosters.revoke":            (401,  403,  403,  403,  200,   401,   401,  401,  401),

    "reviews.list":              (200,  200,  200,  200,  200,   200,   200,  401,  200),
    "reviews.summary":           (200,  200,  200,  200,  200,   200,   200,  401,  200),
    "reviews.write":             (401,  409,  403,  403,  403,   401,   401,  401,  401),
    "reviews.mine":              (401,  200,  404,  404,  404,   401,   401,  401,  401),
    "reviews.rewrite":           (401,  200,  404,  404,  404,   401,   401,  401,  401),
    "reviews.retract":           (401,  204,  404,  404,  404,   401,   401,  401,  401),
    "reviews.report":            (401,  403,  201,  201,  201,   401,   401,  401,  401),
    "moderation.list":           (401,  403,  403,  200,  403,   401,   401,  401,  401),
    "moderation.get":            (401,  403,  403,  200,  403,   401,   401,  401,  401),
    "moderation.decide":         (401,  403,  403,  200,  403,   401,   401,  401,  401),

    "events.list":               (401,  403,  403,  403,  403,   401,   401,  401,  401),

    "partners.enroll":           (401,  401,  401,  401,  401,   201,   201,  401,  401),
    "partners.list":             (401,  401,  401,  401,  401,   200,   200,  401,  401),
    "partners.withdraw":         (401,  401,  401,  401,  401,   200,   404,  401,  401),
    "imports.start":             (401,  401,  401,  401,  401,   202,   202,  401,  401),
    "imports.list":              (401,  401,  401,  401,  401,   200,   200,  401,  401),
    "imports.get":               (401,  401,  401,  401,  401,   200,   404,  401,  401),
    "imports.rows":              (401,  401,  401,  401,  401,   200,   404,  401,  401),
    "imports.report":            (401,  401,  401,  401,  401,   200,   404,  401,  401),
    "imports.retry":             (401,  401,  401,  401,  401,   202,   404,  401,  401),
    "imports.cancel":            (401,  401,  401,  401,  401,   200,   404,  401,  401),
    "events.listOfPartner":      (401,  401,  401,  401,  401,   200,   200,  401,  401),
    "webhooks.create":           (401,  401,  401,  401,  401,   201,   201,  401,  401),
    "webhooks.list":             (401,  401,  401,  401,  401,   200,   200,  401,  401),
    "webhooks.get":              (401,  401,  401,  401,  401,   200,   404,  401,  401),
    "webhooks.delete":           (401,  401,  401,  401,  401,   204,   404,  401,  401),
    "webhooks.rotateSecret":     (401,  401,  401,  401,  401,   200,   404,  401,  401),
    "webhooks.listDeliveries":   (401,  401,  401,  401,  401,   200,   404,  401,  401),
    "webhooks.resendDelivery":   (401,  401,  401,  401,  401,   200,   404,  401,  401),
}
# fmt: on

OPERATIONS = {
    entry["operationId"]: (method, path, entry)
    for path, methods in openapi.document()["paths"].items()
    for method, entry in methods.items()
}


class World:
    """The callers, and what they ask for."""

    def __init__(self) -> None:
        self.learner = a_person()
        self.partner_id = a_partner()
        self.course_id = an_open_course(waitlist_enabled=True)
        self.enrollment = an_enrollment(self.course_id, self.learner.pk)
        self.review = a_review(self.course_id, self.learner)

    def clients(self) -> dict[str, ApiClient]:
        """A client of each caller."""
        people: dict[str, User | None] = {
            "nobody": None,
            "learner": self.learner,
            "other learner": a_person(),
            "moderator": moderator(),
            "course staff": staff_member(),
        }
        return {
            **{name: client_of(person) for name, person in people.items()},
            "partner": partner_client(self.partner_id),
            "other partner": partner_client(),
            "expired token": client_of(Authorization=f"Bearer {expired_token(self.learner)}"),
            "revoked key": client_of(Authorization=f"Api-Key {a_revoked_key(self.partner_id)}"),
        }

    def path(self, name: str) -> dict[str, str]:
        """What the operation's path names."""
        wanted = [part.strip("{}") for part in OPERATIONS[name][1].split("/") if part.startswith("{")]
        return {each: self.things(name)[each]() for each in wanted}

    def things(self, name: str) -> dict[str, Callable[[], str]]:
        """How each thing that a path can name is made, in a state for this operation."""
        makers = {"courses.open": a_draft, "courses.archive": a_closed_course}
        of_partner = self.partner_id
        return {
            "course_id": lambda: crs(makers[name]() if name in makers else self.course_id),
            "enrollment_id": lambda: enr(self.enrollment.id),
            "review_id": lambda: rev(a_held_review() if name == "moderation.decide" else self.review),
            "reference": lambda: enr(through_partner(of_partner, self.course_id)),
            "import_id": lambda: imp(an_import_for(name, of_partner, self.course_id)),
            "webhook_id": lambda: whk(a_webhook(ptn(of_partner))),
            "event_id": lambda: evt(an_event_to_be_told_of(of_partner)),
        }

    def body(self, name: str) -> Any:
        """The document's example, where that cannot lead anywhere with other values."""
        entry = OPERATIONS[name][2]
        if "requestBody" not in entry:
            return None
        example = entry["requestBody"]["content"]["application/json"]["examples"]["example"]["value"]
        return {**example, **self.instead(name)}

    def instead(self, name: str) -> dict[str, Any]:
        match name:
            case "accounts.signIn":
                self.learner.set_password(PASSWORD)
                self.learner.save()
                return {"email": self.learner.email, "password": PASSWORD}
            case "accounts.refresh" | "accounts.signOut":
                return {"refresh": tokens.issue(self.learner).refresh}
            case "partners.enroll":
                return {"course_id": crs(self.course_id)}
            case "webhooks.create":
                return {"url": NOWHERE}
        return {}


def expired_token(person: User) -> AccessToken:
    token = AccessToken.for_user(person)
    token.set_exp(lifetime=-timedelta(seconds=1))
    return token


def an_import_for(name: str, partner_id: UUID, course_id: UUID) -> UUID:
    """An import that can be cancelled, or one that can be retried, or any."""
    one = an_import(partner_id, a_row(course_id, 7))
    return one.id if name == "imports.cancel" else run(one).id


def an_event_to_be_told_of(partner_id: UUID) -> UUID:
    event_id = happen(owner=ptn(partner_id))
    hand_on()
    return event_id


def ask(client: ApiClient, name: str, path: dict[str, str], body: Any) -> int:
    """The status of the answer to the operation."""
    method, address, _ = OPERATIONS[name]
    response = getattr(client, method)(address.format(**path), **({} if body is None else {"data": body}))
    return int(response.status_code)


def test_every_operation_has_a_row_with_a_status_for_every_caller() -> None:
    assert set(EXPECTED) == set(OPERATIONS)
    assert {len(row) for row in EXPECTED.values()} == {len(CALLERS)}


@pytest.mark.parametrize("name", EXPECTED)
def test_callers_are_answered_as_in_the_table(name: str) -> None:
    reasons_to_choose_from()
    world = World()
    clients, path, body = world.clients(), world.path(name), world.body(name)
    expected = dict(zip(CALLERS, EXPECTED[name], strict=True))
    for key in ("partner", "other partner"):
        clients[key].get("partner/enrollments")  # notes the first use of the key
    with nothing_changed():
        refused = {caller: ask(clients[caller], name, path, body) for caller in CALLERS if expected[caller] >= 400}
    answered = {}
    for caller in expected.keys() - refused.keys():
        with transaction.atomic():
            answered[caller] = ask(clients[caller], name, path, body)
            transaction.set_rollback(True)
    assert refused | answered == expected
