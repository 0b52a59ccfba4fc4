"""Whatever is killed in the middle of an import: each row is done exactly once, and the import comes to its end."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from signal import SIGKILL

import pytest
from django.db import transaction

from common import db, jobs
from common.models import Event, User
from common.tests.apart import run_apart
from common.tests.workers import Process, wait_until, workers
from courses.tests.factories import an_open_course
from enrollments import services as enrollments
from enrollments.jobs import run_import
from enrollments.models import Enrollment as EnrollmentRow
from enrollments.models import Import as ImportFile
from enrollments.models import PartnerLearner
from enrollments.tests.dying_import import INSTANTS, go_on
from enrollments.tests.factories import (
    a_partner,
    a_row,
    an_import,
    counters_equal_rows,
    imp,
    learners,
    line,
    rows_of,
    run,
)

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = 10_000
SEATS = 900


@pytest.fixture
def long_import() -> Iterator[tuple[enrollments.Import, list[object]]]:
    """An import of 10,000 rows for ten courses: 900 learners get a seat in each, and 100 wait."""
    courses = [an_open_course(capacity=SEATS, waitlist_enabled=True) for _ in range(10)]
    rows = [a_row(courses[number % 10], number) for number in range(ROWS)]
    return an_import(a_partner(), *rows), courses


def check_each_row_was_done_once(one: enrollments.Import, courses: list[object]) -> None:
    done = enrollments.get_import(partner_id=one.partner_id, import_id=one.id)
    assert (done.status, done.rows_processed) == ("completed", ROWS)
    assert (done.counts.enrolled, done.counts.waitlisted) == (10 * SEATS, ROWS - 10 * SEATS)
    results = [row.result for row in rows_of(one)]
    # File order decided: the first 900 of each course, whatever died in between.
    assert results == ["enrolled"] * (10 * SEATS) + ["waitlisted"] * (ROWS - 10 * SEATS)
    assert EnrollmentRow.objects.count() == PartnerLearner.objects.count() == User.objects.count() == ROWS
    for course_id in courses:
        assert counters_equal_rows(course_id)  # type: ignore[arg-type]
        assert (len(learners(course_id, "active")), len(line(course_id))) == (SEATS, 100)  # type: ignore[arg-type]
    events = Counter(Event.objects.exclude(type__startswith="course.").values_list("type", flat=True))
    assert events == {"enrollment.created": 10 * SEATS, "waitlist.joined": ROWS - 10 * SEATS, "import.completed": 1}
    assert Event.objects.values("subject").distinct().count() == Event.objects.count() - 10


def die(one: enrollments.Import, instant: str, count: int) -> None:
    """Another process goes on with the import, and is killed when the instant comes for the time `count`."""
    assert run_apart(go_on, str(one.id), instant, str(count)) == -SIGKILL


def test_a_process_that_is_killed_at_any_instant(long_import: tuple[enrollments.Import, list[object]]) -> None:
    one, courses = long_import
    *during, completion = INSTANTS
    for number, instant in enumerate(during):
        before = ImportFile.objects.get()
        die(one, instant, 1 if "line" in instant else 3 + number)
        seen = enrollments.get_import(partner_id=one.partner_id, import_id=one.id)
        assert (sum(row.result is not None for row in rows_of(one)), seen.status) == (seen.rows_processed, "running")
        assert seen.rows_processed >= sum(getattr(before, result) for result in enrollments.RowResult)
    die(one, completion, 1)
    assert Event.objects.filter(type="import.completed").count() == 0
    run(one)
    check_each_row_was_done_once(one, courses)


@pytest.fixture
def start_worker(tmp_path: Path, transactional_db: None) -> Iterator[Callable[[], Process]]:
    with workers(tmp_path / "log") as start:
        yield start


def test_a_worker_that_is_killed_again_and_again(
    long_import: tuple[enrollments.Import, list[object]], start_worker: Callable[[], Process]
) -> None:
    one, courses = long_import
    with transaction.atomic():
        jobs.defer(run_import, import_id=imp(one.id), request_id="r")
    for share in (0.1, 0.5):
        worker = start_worker()
        wait_until(lambda share=share: processed(one) > ROWS * share)  # type: ignore[misc]
        worker.kill()
        assert processed(one) < ROWS
    start_worker()
    wait_until(lambda: ImportFile.objects.filter(status="completed").exists())
    check_each_row_was_done_once(one, courses)


def processed(one: enrollments.Import) -> int:
    row = db.fetch_one(
        "SELECT enrolled + waitlisted + unchanged + rejected + failed FROM enrollments_import WHERE id = %s", [one.id]
    )
    assert row is not None
    return int(row[0])
