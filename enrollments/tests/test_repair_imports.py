"""The checks of imports: those that nobody goes on with, and rows that failed."""

import pytest

from common import db, jobs
from common.tests.operating import apply, operate
from courses.tests.factories import an_open_course, crs
from enrollments import services as enrollments
from enrollments.models import Import, ImportRow
from enrollments.services import import_runs
from enrollments.tests.factories import a_partner, a_row, an_import, imp, ptn, run

pytestmark = pytest.mark.django_db

STUCK = ("repair_enrollments", "--all", "--check", "stuck-imports")
FAILED = ("repair_enrollments", "--all", "--check", "failed-import-rows")


def an_import_whose_job_has_failed() -> enrollments.Import:
    one = an_import(a_partner(), a_row(an_open_course()))
    enrollments.go_on_later(import_id=one.id, request_id="r")
    db.execute("UPDATE procrastinate_jobs SET status = 'failed'")
    return one


def an_import_with_failed_rows(monkeypatch: pytest.MonkeyPatch) -> enrollments.Import:
    with monkeypatch.context() as patch:

        def breaking(*_: object) -> None:
            raise ZeroDivisionError

        patch.setattr(import_runs, "_enroll", breaking)
        course_id = an_open_course()
        return run(an_import(a_partner(), a_row(course_id, 1), a_row(course_id, 2)))


class TestStuckImports:
    def test_are_those_without_a_job_that_waits_or_runs(self) -> None:
        stuck = an_import_whose_job_has_failed()
        going = an_import(a_partner(), a_row(an_open_course()))
        enrollments.go_on_later(import_id=going.id, request_id="r")
        run(an_import(a_partner(), a_row(an_open_course())))
        ran = operate(*STUCK)
        assert (ran.code, [item["subject"] for item in ran.items]) == (3, [imp(stuck.id)])
        assert ran.items[0]["before"] == {"status": "queued", "done_through": 0}

    def test_get_a_job_and_come_to_their_end(self) -> None:
        stuck = an_import_whose_job_has_failed()
        ran = apply(*STUCK)
        assert ran.outcomes == [("stuck-imports", "done", "job_deferred")]
        assert operate(*STUCK).code == 0
        jobs.run_pending()
        assert Import.objects.get(pk=stuck.id).status == "completed"

    def test_of_other_partners_are_left_alone(self) -> None:
        mine, _ = an_import_whose_job_has_failed(), an_import_whose_job_has_failed()
        ran = operate("repair_enrollments", "--partner", ptn(mine.partner_id))
        assert [item["subject"] for item in ran.items] == [imp(mine.id)]

    def test_are_of_no_course(self) -> None:
        course_id = an_open_course()
        assert operate("repair_enrollments", "--course", crs(course_id), "--check", "stuck-imports").code == 2
        assert "stuck-imports" in operate("repair_enrollments", "--course", crs(course_id)).err


class TestFailedImportRows:
    def test_are_tried_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        one = an_import_with_failed_rows(monkeypatch)
        (found,) = operate(*FAILED).items
        assert (found["subject"], found["before"]) == (imp(one.id), {"status": "completed", "failed": 2})
        assert apply(*FAILED).outcomes == [("failed-import-rows", "done", "rows_queued")]
        assert operate(*FAILED).code == 0
        jobs.run_pending()
        assert set(ImportRow.objects.values_list("result", flat=True)) == {"enrolled"}

    def test_are_not_those_that_a_rule_refused(self) -> None:
        run(an_import(a_partner(), a_row(an_open_course(capacity=0))))
        assert operate(*FAILED).code == 0

    def test_cannot_be_untried(self, monkeypatch: pytest.MonkeyPatch) -> None:
        an_import_with_failed_rows(monkeypatch)
        an_import_whose_job_has_failed()
        ran = apply("repair_enrollments", "--all")
        assert {(outcome, code) for _, outcome, code in ran.outcomes} == {
            ("done", "job_deferred"),
            ("done", "rows_queued"),
        }
        undone = apply("undo_run", ran.run)
        assert {(outcome, code) for _, outcome, code in undone.outcomes} == {("refused", "cannot_be_undone")}
