"""One table of cases, five doors: whoever enrolls somebody, and however, the rules are the same."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command

from common import clock, ids
from common.errors import DomainError
from common.models import Event, User
from common.tests.factories import SYSTEM, a_person, client_of
from common.tests.recorded import recording
from courses.tests.factories import (
    a_closed_course,
    a_draft,
    an_archived_course,
    an_open_course,
    change,
    close,
    crs,
)
from enrollments import services as enrollments
from enrollments.models import Enrollment as EnrollmentRow
from enrollments.models import Import as ImportFile
from enrollments.tests.factories import (
    a_full_course,
    a_partner,
    a_place_in_line,
    an_enrollment,
    an_import,
    complete,
    counters_equal_rows,
    csv_of,
    partner_client,
    promote,
    ptn,
    revoke,
    row_of,
    rows_of,
    run,
    withdraw,
)

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
EMAIL = "ada@example.org"


def ada() -> User:
    return User.objects.get(email=EMAIL)


# -- cases: what is there before, and what comes of it -------------------------------------------


def in_line_and_promoted() -> UUID:
    course_id, _, _ = a_full_course()
    a_place_in_line(course_id, ada().pk)
    change(course_id, capacity=2)
    promote(course_id)
    return course_id


def waited_for_with_a_free_seat() -> UUID:
    course_id, _, _ = a_full_course(waiting=1)
    change(course_id, capacity=5)
    return course_id


def opening_later() -> UUID:
    return an_open_course(enrollment_opens_at=clock.now() + HOUR)


def ended() -> UUID:
    return an_open_course(enrollment_closes_at=clock.now() - HOUR)


def enrolled(then: Callable[[UUID], object] | None = None) -> UUID:
    """A course in which Ada is, and what happened to that since."""
    course_id = an_open_course(capacity=3)
    an_enrollment(course_id, ada().pk)
    if then is not None:
        then(course_id)
    return course_id


def in_line(then: Callable[[UUID], object] | None = None) -> UUID:
    """A course for which Ada waits, and what happened to that since."""
    course_id, _, _ = a_full_course()
    a_place_in_line(course_id, ada().pk)
    if then is not None:
        then(course_id)
    return course_id


def leave(course_id: UUID) -> None:
    withdraw(course_id, ada().pk)


def complete_it(course_id: UUID) -> None:
    complete(row_of(course_id, ada().pk))


def revoke_it(course_id: UUID) -> None:
    revoke(row_of(course_id, ada().pk))


def free_a_seat(course_id: UUID) -> None:
    change(course_id, capacity=9)


# fmt: off
CASES: dict[str, tuple[Callable[[], UUID], str]] = {
    "a free seat":                        (lambda: an_open_course(capacity=3), "enrolled"),
    "seats without limit":                (lambda: an_open_course(capacity=None), "enrolled"),
    "the last seat":                      (lambda: an_open_course(capacity=1, waitlist_enabled=True), "enrolled"),
    "full, with a waitlist":              (lambda: a_full_course()[0], "waitlisted 1"),
    "full, and others wait":              (lambda: a_full_course(waiting=2)[0], "waitlisted 3"),
    "a seat is free, but somebody waits": (waited_for_with_a_free_seat, "waitlisted 2"),
    "full, without a waitlist":           (lambda: a_full_course(waitlist_enabled=False)[0], "course_full"),
    "no seats at all":                    (lambda: an_open_course(capacity=0), "course_full"),
    "no seats at all, with a waitlist":   (lambda: an_open_course(capacity=0, waitlist_enabled=True), "waitlisted 1"),
    "closed":                             (a_closed_course, "course_closed"),
    "archived":                           (an_archived_course, "course_closed"),
    "before its window":                  (opening_later, "course_closed"),
    "after its window":                   (ended, "course_closed"),
    "a draft":                            (a_draft, "course_not_found"),
    "unknown":                            (ids.new_uuid, "course_not_found"),
    "twice":                              (enrolled, "already_enrolled"),
    "after completing":                   (lambda: enrolled(complete_it), "already_enrolled"),
    "after withdrawing":                  (lambda: enrolled(leave), "enrolled"),
    "after being revoked":                (lambda: enrolled(revoke_it), "enrolled"),
    "in, and it closed":                  (lambda: enrolled(close), "course_closed"),
    "in line":                            (in_line, "already_waitlisted"),
    "in line, and a seat is free":        (lambda: in_line(free_a_seat), "already_waitlisted"),
    "after leaving the line":             (lambda: in_line(leave), "waitlisted 1"),
    "in line, and it closed":             (lambda: in_line(close), "course_closed"),
    "promoted":                           (in_line_and_promoted, "already_enrolled"),
}
# fmt: on


# -- doors: what the case comes to through each ---------------------------------------------------


def by_service(course_id: UUID, tmp_path: Path) -> str:
    try:
        outcome = enrollments.enroll(
            course_id=course_id, learner_id=ada().pk, source=enrollments.Source.SELF, actor=SYSTEM, now=clock.now()
        )
    except DomainError as refusal:
        return refusal.code
    return "enrolled" if isinstance(outcome, enrollments.Enrolled) else f"waitlisted {outcome.waitlist_entry.position}"


def by_http(course_id: UUID, tmp_path: Path) -> str:
    body = client_of(ada()).post(f"courses/{crs(course_id)}/enrollments").json()
    if "code" in body:
        return str(body["code"])
    return "enrolled" if body["outcome"] == "enrolled" else f"waitlisted {body['waitlist_entry']['position']}"


def by_partner_api(course_id: UUID, tmp_path: Path) -> str:
    learner = {"external_id": "e-1", "email": EMAIL, "name": "Ada"}
    body = partner_client().post("partner/enrollments", {"course_id": crs(course_id), "learner": learner}).json()
    if "code" in body:
        return str(body["code"])
    return "enrolled" if body["result"] == "enrolled" else f"waitlisted {body['waitlist_position']}"


def by_import(course_id: UUID, tmp_path: Path) -> str:
    return _result_of(run(an_import(a_partner(), (crs(course_id), "e-1", EMAIL, "Ada")), now=clock.now()))


def by_command(course_id: UUID, tmp_path: Path) -> str:
    file = tmp_path / "ada.csv"
    file.write_bytes(csv_of((crs(course_id), "e-1", EMAIL, "Ada")))
    partner_id = a_partner()
    call_command("import_enrollments", str(file), partner=ptn(partner_id), stdout=StringIO(), stderr=StringIO())
    return _result_of(enrollments.get_import(partner_id=partner_id, import_id=ImportFile.objects.get().pk))


def _result_of(one: enrollments.Import) -> str:
    [row] = rows_of(one)
    if row.result == "waitlisted":
        return f"waitlisted {Event.objects.filter(type='waitlist.joined').latest('id').data['position']}"
    return row.code or str(row.result)


# The door, and the source that it notes.
DOORS: dict[str, tuple[Callable[[UUID, Path], str], str]] = {
    "service": (by_service, "self"),
    "HTTP": (by_http, "self"),
    "partner API": (by_partner_api, "partner"),
    "import": (by_import, "import"),
    "command": (by_command, "import"),
}
EVENTS = {"enrolled": ["enrollment.created"], "waitlisted": ["waitlist.joined"]}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("case", CASES)
def test_a_case_comes_to_the_same_through_every_door(case: str, door: str, tmp_path: Path) -> None:
    a_person(email=EMAIL)
    scene, expected = CASES[case]
    enter, source = DOORS[door]
    course_id = scene()
    rows_before = EnrollmentRow.objects.count()
    with recording() as recorded:
        outcome = enter(course_id, tmp_path)
    assert outcome == expected
    events = [event for event in recorded if event.type != "import.completed"]
    word = expected.partition(" ")[0]
    assert [event.type for event in events] == EVENTS.get(word, [])
    assert EnrollmentRow.objects.count() == rows_before + len(events)
    assert User.objects.filter(email__iexact=EMAIL).count() == 1
    for event in events:
        check_row(event, word, source, course_id)
    if expected != "course_not_found":
        assert counters_equal_rows(course_id)


def check_row(event: Any, word: str, source: str, course_id: UUID) -> None:
    """The one new row is Ada's, as the outcome says, and the one event is about it."""
    row = EnrollmentRow.objects.latest("id")
    assert (row.learner_id, row.course_id, row.source) == (ada().pk, course_id, source)
    assert row.status == {"enrolled": "active", "waitlisted": "waiting"}[word]
    assert event.data["enrollment_id"] == ids.encode(ids.ENROLLMENT, row.pk)
    assert event.data["source"] == source
    assert (event.data.get("position") is not None) == (word == "waitlisted")
