"""An import from the job that does it to its end: cut short, cancelled, with rows that fail, and tried again."""

from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.db import DataError, OperationalError

from common import db, jobs
from common.errors import InvalidInput, PayloadTooLarge
from common.tests.factories import NOW, SYSTEM
from common.tests.recorded import recording
from common.tests.unchanged import nothing_changed
from courses.tests.factories import a_closed_course, an_open_course
from enrollments import services as enrollments
from enrollments.files import rows_of_csv
from enrollments.jobs import resume_imports
from enrollments.models import Enrollment as EnrollmentRow
from enrollments.models import Import as ImportFile
from enrollments.services import import_runs
from enrollments.tests.factories import a_partner, a_row, an_import, counters_equal_rows, counts, imp, rows_of, run

pytestmark = pytest.mark.django_db


class TestImport:
    def test_is_queued_with_a_job_that_does_it(self) -> None:
        partner_id, course_id = a_partner(), an_open_course()
        started = enrollments.start_import(
            partner_id=partner_id,
            rows=rows_of_csv(BytesIO(b"course_id,external_id,email,name\n" + ",".join(a_row(course_id)).encode())),
            file_name="a.csv",
            actor=SYSTEM,
            now=NOW,
        )
        assert (started.status, started.rows_total, started.rows_processed) == ("queued", 1, 0)
        assert (started.started_at, started.finished_at) == (None, None)
        assert jobs.waiting() == [("enrollments.run_import", {"import_id": imp(started.id), "request_id": "test"})]
        jobs.run_pending()
        done = enrollments.get_import(partner_id=partner_id, import_id=started.id)
        assert (done.status, done.rows_processed, counts(done)) == ("completed", 1, {"enrolled": 1})
        assert done.started_at is not None
        assert done.finished_at is not None

    def test_goes_on_in_another_job_when_its_time_is_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("enrollments.jobs._SLICE_SECONDS", 0)
        monkeypatch.setattr(import_runs, "_ROWS_IN_TRANSACTION", 2)
        course_id = an_open_course()
        one = an_import(a_partner(), *(a_row(course_id, number) for number in range(5)))
        enrollments.go_on_later(import_id=one.id, request_id="r")
        assert jobs.run_pending() == 4
        assert counts(enrollments.get_import(partner_id=one.partner_id, import_id=one.id)) == {"enrolled": 5}

    def test_without_rows_is_completed(self) -> None:
        with recording() as events:
            done = run(an_import(a_partner()))
        assert (done.status, done.rows_total) == ("completed", 0)
        assert [event.type for event in events] == ["import.completed"]

    def test_that_cannot_be_read_to_its_end_leaves_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("enrollments.services.importing._COPIED_AT_ONCE", 2)
        partner_id, course_id = a_partner(), an_open_course()
        rows = [a_row(course_id, number) for number in range(5)]
        with nothing_changed(), pytest.raises(InvalidInput, match="Line 7"):
            an_import(partner_id, *rows, ("x", '"', "", ""))

    def test_has_a_greatest_number_of_rows(self, settings: LazySettings) -> None:
        settings.IMPORT_MAX_ROWS = 3
        partner_id, course_id = a_partner(), an_open_course()
        an_import(partner_id, *(a_row(course_id, number) for number in range(3)))
        with nothing_changed(), pytest.raises(PayloadTooLarge, match="3 rows"):
            an_import(partner_id, *(a_row(course_id, number) for number in range(4)))

    def test_run_again_does_nothing(self) -> None:
        one = run(an_import(a_partner(), a_row(an_open_course())))
        with nothing_changed():
            assert not enrollments.run_import(import_id=one.id, seconds=60, now=NOW)

    def test_left_without_a_job_gets_one(self) -> None:
        one = an_import(a_partner(), a_row(an_open_course()))
        assert jobs.waiting() == []
        resume_imports()
        resume_imports()
        assert [arguments["import_id"] for _, arguments in jobs.waiting()] == [imp(one.id)]
        jobs.run_pending()
        resume_imports()
        assert jobs.waiting() == []

    def test_whose_job_has_failed_is_left_to_staff(self, monkeypatch: pytest.MonkeyPatch) -> None:
        one = an_import(a_partner(), a_row(an_open_course()))
        enrollments.go_on_later(import_id=one.id, request_id="r")
        db.execute("UPDATE procrastinate_jobs SET status = 'failed'")
        resume_imports()
        assert jobs.waiting() == []


class TestCancelling:
    def test_leaves_what_was_done_and_does_no_more(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(import_runs, "_ROWS_IN_TRANSACTION", 2)
        partner_id, course_id = a_partner(), an_open_course()
        one = an_import(partner_id, *(a_row(course_id, number) for number in range(5)))
        assert enrollments.run_import(import_id=one.id, seconds=0, now=NOW)
        cancelled = enrollments.cancel_import(partner_id=partner_id, import_id=one.id, actor=SYSTEM, now=NOW)
        assert (cancelled.status, counts(cancelled)) == ("cancelled", {"enrolled": 2})
        assert cancelled.finished_at is not None
        with nothing_changed():
            assert not enrollments.run_import(import_id=one.id, seconds=60, now=NOW)
        assert [row.result for row in rows_of(cancelled)] == ["enrolled", "enrolled", None, None, None]

    def test_in_the_middle_of_a_run_ends_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(import_runs, "_ROWS_IN_TRANSACTION", 1)
        partner_id, course_id = a_partner(), an_open_course()
        one = an_import(partner_id, *(a_row(course_id, number) for number in range(4)))
        together = import_runs._do_together

        def cancel_after_two(import_id: UUID, batch: Any, now: Any) -> None:
            together(import_id, batch, now)
            if EnrollmentRow.objects.count() == 2 and ImportFile.objects.get().status == "running":
                enrollments.cancel_import(partner_id=partner_id, import_id=import_id, actor=SYSTEM, now=NOW)

        monkeypatch.setattr(import_runs, "_do_together", cancel_after_two)
        done = run(one)
        assert (done.status, counts(done)) == ("cancelled", {"enrolled": 2})

    def test_of_what_has_ended_is_refused(self) -> None:
        one = run(an_import(a_partner()))
        with (
            nothing_changed(),
            pytest.raises(enrollments.InvalidImportTransition, match="completed cannot be cancelled"),
        ):
            enrollments.cancel_import(partner_id=one.partner_id, import_id=one.id, actor=SYSTEM, now=NOW)


@pytest.fixture
def broken_for(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """External ids whose rows break."""
    broken: set[str] = set()
    enroll = import_runs._enroll

    def breaking(file: ImportFile, rows: Any, now: Any) -> Any:
        outcomes = enroll(file, rows, now)
        if any(row.sent.external_id in broken for row in rows):
            raise DataError("broken")
        return outcomes

    monkeypatch.setattr(import_runs, "_enroll", breaking)
    return broken


class TestFaults:
    def test_of_one_row_leave_the_others_alone(self, broken_for: set[str]) -> None:
        broken_for |= {"e-3", "e-6"}
        course_id = an_open_course(capacity=7, waitlist_enabled=True)
        one = run(an_import(a_partner(), *(a_row(course_id, number) for number in range(10))))
        assert counts(one) == {"enrolled": 7, "waitlisted": 1, "failed": 2}
        failed = [row for row in rows_of(one) if row.result == "failed"]
        assert [(row.external_id, row.code) for row in failed] == [("e-3", "internal_error"), ("e-6", "internal_error")]
        assert [row.external_id for row in rows_of(one) if row.result == "waitlisted"] == ["e-9"]
        assert counters_equal_rows(course_id)

    def test_are_cured_by_trying_the_failed_rows_again(self, broken_for: set[str]) -> None:
        broken_for |= {"e-1", "e-2"}
        course_id = an_open_course()
        one = run(an_import(a_partner(), *(a_row(course_id, number) for number in range(4))))
        broken_for.remove("e-1")
        with recording() as events:
            retried = enrollments.retry_import(partner_id=one.partner_id, import_id=one.id, actor=SYSTEM, now=NOW)
            assert (retried.status, retried.rows_processed, retried.finished_at) == ("queued", 2, None)
            jobs.run_pending()
        again = enrollments.get_import(partner_id=one.partner_id, import_id=one.id)
        assert (again.status, counts(again)) == ("completed", {"enrolled": 3, "failed": 1})
        assert again.started_at == one.started_at
        assert [event.type for event in events] == ["enrollment.created", "import.completed"]

    def test_without_any_there_is_nothing_to_try_again(self) -> None:
        one = run(an_import(a_partner(), a_row(a_closed_course())))
        with nothing_changed():
            same = enrollments.retry_import(partner_id=one.partner_id, import_id=one.id, actor=SYSTEM, now=NOW)
        assert same == one

    def test_are_not_tried_again_before_the_end(self) -> None:
        one = an_import(a_partner())
        with (
            nothing_changed(),
            pytest.raises(enrollments.InvalidImportTransition, match="queued cannot be tried again"),
        ):
            enrollments.retry_import(partner_id=one.partner_id, import_id=one.id, actor=SYSTEM, now=NOW)

    @pytest.mark.parametrize(("times", "expected"), [(1, {"enrolled": 2}), (2, {"failed": 2})])
    def test_of_a_database_too_busy_fail_the_rows_after_a_second_try(
        self, monkeypatch: pytest.MonkeyPatch, times: int, expected: dict[str, int]
    ) -> None:
        self.raise_at_first(monkeypatch, times, "55P03")
        course_id = an_open_course()
        one = run(an_import(a_partner(), a_row(course_id, 1), a_row(course_id, 2)))
        assert counts(one) == expected
        assert {row.code for row in rows_of(one)} <= {None, "dependency_unavailable"}

    @pytest.mark.parametrize("sqlstate", ["57P01", "08006", None])
    def test_of_a_lost_connection_are_no_rows_fault(
        self, monkeypatch: pytest.MonkeyPatch, sqlstate: str | None
    ) -> None:
        self.raise_at_first(monkeypatch, 1, sqlstate)
        one = an_import(a_partner(), a_row(an_open_course()))
        with pytest.raises(OperationalError):
            run(one)
        assert counts(run(one)) == {"enrolled": 1}

    def raise_at_first(self, monkeypatch: pytest.MonkeyPatch, times: int, sqlstate: str | None) -> None:
        enroll, faults = import_runs._enroll, [sqlstate] * times

        class Cause(Exception):
            pass

        def faltering(file: ImportFile, rows: Any, now: Any) -> Any:
            outcomes = enroll(file, rows, now)
            if faults:
                cause = Cause()
                cause.sqlstate = faults.pop()  # type: ignore[attr-defined]
                raise OperationalError from cause
            return outcomes

        monkeypatch.setattr(import_runs, "_enroll", faltering)


def test_a_partner_has_no_part_in_anothers_imports() -> None:
    one, other = run(an_import(a_partner())), a_partner()
    with nothing_changed():
        for use_case in (enrollments.get_import, enrollments.report_import):
            with pytest.raises(enrollments.ImportNotFound):
                use_case(partner_id=other, import_id=one.id)
        for change_it in (enrollments.cancel_import, enrollments.retry_import):
            with pytest.raises(enrollments.ImportNotFound):
                change_it(partner_id=other, import_id=one.id, actor=SYSTEM, now=NOW)
