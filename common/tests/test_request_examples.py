"""Every request that the OpenAPI document shows is really made, and gets the answer that it promises."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from common import openapi
from common.accounts import services as accounts
from common.accounts import tokens
from common.tests.factories import ApiClient, a_person, client_of, staff_member
from courses.tests.factories import a_closed_course, a_draft, an_open_course, crs
from enrollments.tests.factories import a_place_in_line, an_enrollment, enr, partner_client
from reviews.tests.factories import a_held_review, a_review, rev

Example = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What has to be there before a request: who makes it, and the values of its path parameters.

    `secrets` stand in for what cannot be shown: a token that is good now.
    """

    client: ApiClient
    path: dict[str, str]
    secrets: dict[str, str]


def scene(client: ApiClient, *, secrets: dict[str, str] | None = None, **path: str) -> Scene:
    return Scene(client=client, path=path, secrets=secrets or {})


def _stranger(example: Example) -> Scene:
    return scene(client_of())


def _registered(example: Example) -> Scene:
    accounts.register(**example, display_name="Ada")
    return scene(client_of())


def _signed_in(example: Example) -> Scene:
    return scene(client_of(), secrets={"refresh": tokens.issue(a_person()).refresh})


def _person(example: Example) -> Scene:
    return scene(client_of(a_person()))


def _staff(example: Example) -> Scene:
    return scene(client_of(staff_member()))


def _staff_at_draft(example: Example) -> Scene:
    return scene(client_of(staff_member()), course_id=crs(a_draft()))


def _staff_at_open_course(example: Example) -> Scene:
    return scene(client_of(staff_member()), course_id=crs(an_open_course()))


def _staff_at_closed_course(example: Example) -> Scene:
    return scene(client_of(staff_member()), course_id=crs(a_closed_course()))


def _learner_at_open_course(example: Example) -> Scene:
    return scene(client_of(a_person()), course_id=crs(an_open_course()))


def _staff_at_enrollment(example: Example) -> Scene:
    return scene(client_of(staff_member()), enrollment_id=enr(an_enrollment(an_open_course()).id))


def _learner_of_course(example: Example) -> Scene:
    course_id = an_open_course()
    learner = a_person()
    an_enrollment(course_id, learner.pk)
    return scene(client_of(learner), course_id=crs(course_id))


def _partner_at_open_course(example: Example) -> Scene:
    return scene(partner_client(), secrets={"course_id": crs(an_open_course())})


def _reviewer(example: Example) -> Scene:
    course_id = an_open_course()
    author = a_person()
    an_enrollment(course_id, author.pk)
    a_review(course_id, author)
    return scene(client_of(author), course_id=crs(course_id))


def _reader_of_review(example: Example) -> Scene:
    course_id = an_open_course()
    return scene(client_of(a_person()), course_id=crs(course_id), review_id=rev(a_review(course_id)))


def _moderator_at_held_review(example: Example) -> Scene:
    held = a_held_review()
    moderator = a_person(groups=("Moderators",))
    return scene(client_of(moderator), review_id=rev(held))


SCENES: dict[str, Callable[[Example], Scene]] = {
    "accounts.register": _stranger,
    "accounts.signIn": _registered,
    "accounts.refresh": _signed_in,
    "accounts.signOut": _stranger,
    "accounts.update": _person,
    "courses.create": _staff,
    "courses.update": _staff_at_draft,
    "courses.open": _staff_at_draft,
    "courses.close": _staff_at_open_course,
    "courses.archive": _staff_at_closed_course,
    "enrollments.enroll": _learner_at_open_course,
    "rosters.complete": _staff_at_enrollment,
    "rosters.revoke": _staff_at_enrollment,
    "partners.enroll": _partner_at_open_course,
    "reviews.write": _learner_of_course,
    "reviews.rewrite": _reviewer,
    "reviews.report": _reader_of_review,
    "moderation.decide": _moderator_at_held_review,
}
REQUESTS = {
    f"{entry['operationId']}-{name}": (method, path, entry, example["value"])
    for path, methods in openapi.document()["paths"].items()
    for method, entry in methods.items()
    for media in entry.get("requestBody", {}).get("content", {}).values()
    for name, example in media["examples"].items()
}


def test_every_operation_with_a_body_has_a_scene() -> None:
    assert {entry["operationId"] for _, _, entry, _ in REQUESTS.values()} == set(SCENES)


@pytest.mark.django_db
@pytest.mark.parametrize("name", REQUESTS)
def test_the_example_is_taken(name: str) -> None:
    method, path, entry, example = REQUESTS[name]
    before = SCENES[entry["operationId"]](example)
    response = getattr(before.client, method)(path.format(**before.path), {**example, **before.secrets})
    successes = [int(status) for status in entry["responses"] if status.startswith("2")]
    assert response.status_code == min(successes), response.content


@pytest.mark.django_db
def test_the_other_answer_of_enrolling_is_given_too() -> None:
    course_id = an_open_course(capacity=1, waitlist_enabled=True)
    an_enrollment(course_id)
    a_place_in_line(course_id)
    response = client_of(a_person()).post(f"courses/{crs(course_id)}/enrollments", {})
    assert response.status_code == 202
    assert response.json()["waitlist_entry"]["position"] == 2
