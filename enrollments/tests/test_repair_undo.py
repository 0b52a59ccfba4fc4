"""Taking a repair back: what nothing else has touched since is as it was, and the rest is listed."""

from pathlib import Path
from uuid import UUID

import pytest

from common.models import OpsRun
from common.ops import holding
from common.tests.operating import Ran, apply, operate
from common.tests.recorded import recording
from common.tests.unchanged import nothing_changed
from courses.tests.factories import an_open_course, crs, seats_and_line
from enrollments.models import Enrollment as EnrollmentRow
from enrollments.tests.broken import a_stray_row, set_places, without_live_index
from enrollments.tests.factories import a_full_course, an_enrollment, enr, learners, line, row_of, status_of, withdraw

pytestmark = pytest.mark.django_db

UNDO = "undo_run"


def repair(*options: str) -> str:
    """The run that mended what there was to mend."""
    return apply("repair_enrollments", "--all", *options).run


def rows_of(course_id: UUID) -> list[dict[str, object]]:
    """Every column of every row of the course."""
    return list(EnrollmentRow.objects.filter(course_id=course_id).order_by("pk").values())


class TestUndo:
    def test_gives_back_counters_however_wrong(self) -> None:
        course_id = an_open_course(capacity=5)
        set_places(course_id, seats_taken=3, waiting=2)
        run = repair()
        assert seats_and_line(course_id) == (0, 0)
        with recording() as events:
            assert apply(UNDO, run).outcomes == [("seat-counters", "done", "recounted")]
        assert seats_and_line(course_id) == (3, 2)
        assert [event.type for event in events] == ["enrollment.repaired"]

    @pytest.mark.parametrize("options", [(), ("--batch-size", "1")])
    def test_gives_back_rows_and_their_share_of_the_counters(self, options: tuple[str, ...]) -> None:
        archived, *_ = a_full_course(capacity=2, waiting=3)
        idle, *_ = a_full_course(capacity=1, waiting=3)
        crowded, *_ = a_full_course(capacity=3, waiting=1)
        set_places(archived, status="archived", waiting=1)
        set_places(idle, capacity=3)
        set_places(crowded, capacity=1, seats_taken=1, waiting=7)
        courses = (archived, idle, crowded)
        before = [(seats_and_line(each), rows_of(each)) for each in courses]
        run = repair("--move-to-waitlist", *options)
        assert [(seats_and_line(each), rows_of(each)) for each in courses] != before
        undone = apply(UNDO, run, *options)
        assert undone.code == 0
        assert [(seats_and_line(each), rows_of(each)) for each in courses] == before

    def test_gives_back_standings_that_the_index_forbids_if_it_is_not_there(self) -> None:
        course_id, (seated,), _ = a_full_course()
        with without_live_index():
            a_stray_row(course_id, "waiting", learner_id=seated, queue_number=2)
            before = rows_of(course_id)
            run = repair("--check", "both-standings")
            assert apply(UNDO, run).code == 0
            assert rows_of(course_id) == before
            apply("repair_enrollments", "--all")

    def test_is_refused_by_that_index_if_it_is_there(self) -> None:
        course_id, (seated,), _ = a_full_course()
        with without_live_index():
            a_stray_row(course_id, "waiting", learner_id=seated, queue_number=2)
            run = repair("--check", "both-standings")
        undone = apply(UNDO, run)
        assert undone.outcomes == [("both-standings", "refused", "enrollment_one_live_standing")]

    def test_leaves_and_lists_what_has_been_touched_since(self) -> None:
        course_id, _, (first, second, third) = a_full_course(capacity=1, waiting=3)
        set_places(course_id, capacity=3)
        run = repair()
        withdraw(course_id, second)
        undone = apply(UNDO, run)
        assert undone.code == 1
        by_subject = {item["subject"]: (item["outcome"], item["code"]) for item in undone.items}
        assert by_subject == {
            enr(row_of(course_id, first)): ("done", "restored"),
            enr(row_of(course_id, second)): ("changed", "changed_since"),
        }
        assert line(course_id) == [first]
        assert status_of(course_id, second) == "withdrawn"
        # The third got the seat that the second gave up, and keeps it: that was no part of the run.
        assert status_of(course_id, third) == "active"
        assert seats_and_line(course_id) == (2, 1)

    def test_of_counters_that_have_moved_since_is_none(self) -> None:
        course_id = an_open_course(capacity=5)
        set_places(course_id, seats_taken=3)
        run = repair()
        an_enrollment(course_id)
        assert apply(UNDO, run).outcomes == [("seat-counters", "changed", "changed_since")]
        assert seats_and_line(course_id) == (1, 0)

    def test_of_events_is_none_since_the_log_only_grows(self) -> None:
        a_stray_row(an_open_course(), "active")
        run = repair("--check", "missing-events")
        with recording() as events:
            assert apply(UNDO, run).outcomes == [("missing-events", "refused", "cannot_be_undone")]
        assert events == []

    def test_can_be_undone_and_so_on(self) -> None:
        course_id, _, waiting = a_full_course(capacity=1, waiting=2)
        set_places(course_id, capacity=2)
        run = repair()
        repaired = rows_of(course_id)
        for _ in range(2):
            run = apply(UNDO, run).run
            assert line(course_id) == waiting
            run = apply(UNDO, run).run
            assert rows_of(course_id) == repaired
        assert len(learners(course_id, "active")) == 2
        assert OpsRun.objects.filter(undoes__isnull=False).count() == 4

    def test_twice_finds_that_it_is_done(self) -> None:
        course_id, *_ = a_full_course(capacity=1, waiting=2)
        set_places(course_id, capacity=2)
        run = repair()
        apply(UNDO, run)
        again = apply(UNDO, run)
        assert [outcome for _, outcome, _ in again.outcomes] == ["changed"]


class TestCommand:
    def run(self) -> tuple[str, UUID]:
        course_id = an_open_course(capacity=5)
        set_places(course_id, seats_taken=3)
        return repair(), course_id

    def test_is_a_dry_run_without_apply(self) -> None:
        run, course_id = self.run()
        with nothing_changed():
            ran = operate(UNDO, run)
        assert ran.code == 3
        (item,) = ran.items
        assert (item["subject"], item["outcome"]) == (crs(course_id), "planned")
        assert (item["before"]["seats_taken"], item["after"]["seats_taken"]) == (0, 3)

    def test_can_be_planned_and_carried_out(self, tmp_path: Path) -> None:
        run, course_id = self.run()
        plan = tmp_path / "plan"
        operate(UNDO, run, "--plan-out", str(plan))
        assert operate(UNDO, "--apply", str(plan), "--yes").code == 0
        assert seats_and_line(course_id) == (3, 0)

    @pytest.mark.parametrize("run", ["run_01h455vb4pex5vsknk084sn02q", "nonsense", "crs_01h455vb4pex5vsknk084sn02q"])
    def test_needs_a_run(self, run: str) -> None:
        with nothing_changed():
            assert apply(UNDO, run).code == 2
            assert operate(UNDO).code == 2

    def test_waits_for_nobody_who_runs_what_is_to_be_undone(self) -> None:
        run, _ = self.run()
        with holding.alone("repair_enrollments"), nothing_changed():
            assert apply(UNDO, run).code == 2

    def test_of_a_run_that_did_nothing_does_nothing(self) -> None:
        ran: Ran = operate(UNDO, repair())
        assert (ran.code, ran.items) == (0, [])
