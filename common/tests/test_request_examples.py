"""Every request that the OpenAPI document shows is really made, and gets the answer that it promises."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import MULTIPART_CONTENT

from common import openapi
from common.accounts import services as accounts
from common.accounts import tokens
from common.tests.factories import ApiClient, a_person, client_of, staff_member
from common.tests.webhooks import a_webhook, evt, hand_on, happen, whk
from courses.tests.factories import a_closed_course, a_draft, an_open_course, crs
from enrollments.tests.factories import (
    a_partner,
    a_place_in_line,
    an_enrollment,
    an_import,
    enr,
    imp,
    partner_client,
    ptn,
    run,
)
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


def _partner(example: Example) -> Scene:
    return scene(partner_client())


def _partner_at_queued_import(example: Example) -> Scene:
    partner_id = a_partner()
    return scene(partner_client(partner_id), import_id=imp(an_import(partner_id).id))


def _partner_at_completed_import(example: Example) -> Scene:
    partner_id = a_partner()
    return scene(partner_client(partner_id), import_id=imp(run(an_import(partner_id)).id))


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


def _partner_to_be_told(example: Example) -> Scene:
    return scene(partner_client(), secrets={"url": "https://1.1.1.1/not-looked-up"})


def _partner_with_webhook(example: Example) -> Scene:
    partner_id = a_partner()
    return scene(partner_client(partner_id), webhook_id=whk(a_webhook(ptn(partner_id))))


def _partner_with_delivery(example: Example) -> Scene:
    partner_id = a_partner()
    webhook_id = a_webhook(ptn(partner_id))
    event_id = happen(owner=ptn(partner_id))
    hand_on()
    return scene(partner_client(partner_id), webhook_id=whk(webhook_id), event_id=evt(event_id))


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
    "imports.start": _partner,
    "imports.retry": _partner_at_completed_import,
    "imports.cancel": _partner_at_queued_import,
    "webhooks.create": _partner_to_be_told,
    "webhooks.rotateSecret": _partner_with_webhook,
    "webhooks.resendDelivery": _partner_with_delivery,
    "reviews.write": _learner_of_course,
    "reviews.rewrite": _reviewer,
    "reviews.report": _reader_of_review,
    "moderation.decide": _moderator_at_held_review,
}
REQUESTS = {
    f"{entry['operationId']}-{media_type}-{name}": (method, path, entry, media_type, example["value"])
    for path, methods in openapi.document()["paths"].items()
    for method, entry in methods.items()
    for media_type, media in entry.get("requestBody", {}).get("content", {}).items()
    for name, example in media["examples"].items()
}


def written(media_type: str, example: Any) -> dict[str, Any]:
    """What the test client has to be given to send the example."""
    if media_type != "multipart/form-data":
        return {"data": example, "content_type": media_type}
    parts = {name: SimpleUploadedFile("learners.csv", content.encode()) for name, content in example.items()}
    return {"data": parts, "content_type": MULTIPART_CONTENT}


def test_every_operation_with_a_body_has_a_scene() -> None:
    assert {entry["operationId"] for _, _, entry, _, _ in REQUESTS.values()} == set(SCENES)


@pytest.mark.django_db
@pytest.mark.parametrize("name", REQUESTS)
def test_the_example_is_taken(name: str) -> None:
    method, path, entry, media_type, example = REQUESTS[name]
    before = SCENES[entry["operationId"]](example)
    sent = {**example, **before.secrets} if before.secrets else example
    response = getattr(before.client, method)(path.format(**before.path), **written(media_type, sent))
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
