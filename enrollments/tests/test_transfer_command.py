"""Moving learners from one course to another: each all the way or not at all."""

from pathlib import Path
from uuid import UUID

import pytest

from common.tests.factories import NOW, SYSTEM, a_learner, usr
from common.tests.operating import Ran, apply, operate
from common.tests.races import meet, wave
from common.tests.recorded import recording
from common.tests.unchanged import nothing_changed
from courses.tests.factories import a_closed_course, an_open_course, close, crs, places_of, seats_and_line
from enrollments import services as enrollments
from enrollments.models import Enrollment as EnrollmentRow
from enrollments.tests.broken import set_row
from enrollments.tests.factories import (
    a_full_course,
    a_partner,
    an_enrollment,
    complete,
    counters_equal_rows,
    enroll,
    learners,
    line,
    row_of,
    status_of,
    withdraw,
)

TRANSFER = "transfer_enrollments"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def arguments(folder: Path, here: UUID, there: UUID, *people: UUID) -> list[str]:
    """The command line that moves these people."""
    path = folder / "people.csv"
    path.write_text("\n".join(["learner_id", *map(usr, people)]) + "\n")
    return [str(path), "--from", crs(here), "--to", crs(there)]


def came_to(ran: Ran) -> list[tuple[str, str]]:
    """The outcome and code of each row."""
    return [(item["outcome"], item["code"]) for item in ran.items]


@pytest.mark.django_db
class TestTransfer:
    def test_gives_the_seat_there_and_the_one_here_to_the_head_of_the_line(self, folder: Path) -> None:
        here, (ada,), (head,) = a_full_course(waiting=1)
        there = an_open_course(capacity=1)
        with recording() as events:
            ran = apply(TRANSFER, *arguments(folder, here, there, ada))
        assert (ran.code, came_to(ran)) == (0, [("done", "transferred")])
        assert (learners(here, "active"), learners(there, "active")) == ([head], [ada])
        assert counters_equal_rows(here)
        assert counters_equal_rows(there)
        assert {(event.type, event.request_id) for event in events} == {
            ("enrollment.created", ran.run),
            ("enrollment.withdrawn", ran.run),
            ("waitlist.promoted", ran.run),
        }

    @pytest.mark.parametrize("waitlist", [True, False])
    def test_never_gives_up_a_seat_for_a_place_in_line_or_for_nothing(self, waitlist: bool, folder: Path) -> None:
        here, (ada,), _ = a_full_course()
        there, *_ = a_full_course(waitlist_enabled=waitlist)
        with recording() as events:
            ran = apply(TRANSFER, *arguments(folder, here, there, ada))
        assert (ran.code, came_to(ran)) == (1, [("refused", "course_full")])
        assert (status_of(here, ada), status_of(there, ada)) == ("active", None)
        assert events == []

    def test_applies_all_rules_to_each_row_by_itself(self, folder: Path) -> None:
        here, there = an_open_course(), an_open_course()
        done, moved, twice, stranger, both, last = (a_learner() for _ in range(6))
        for learner in (done, twice, both, last):
            an_enrollment(here, learner)
        for learner in (moved, both):
            an_enrollment(there, learner)
        complete(row_of(here, done))
        path = arguments(folder, here, there, done, moved, twice, twice, stranger, both, last)
        planned = operate(TRANSFER, *path)
        ran = apply(TRANSFER, *path)
        assert came_to(ran) == [
            ("refused", "enrollment_completed"),
            ("unneeded", "already_enrolled"),
            ("done", "transferred"),
            ("unneeded", "already_enrolled"),
            ("refused", "enrollment_not_found"),
            ("refused", "already_enrolled"),
            ("done", "transferred"),
        ]
        foreseen = [outcome for outcome, _ in came_to(planned)]
        assert foreseen == ["refused", "unneeded", "planned", "planned", "refused", "refused", "planned"]

    def test_leaves_everybody_where_they_are_if_the_course_to_go_to_takes_nobody(self, folder: Path) -> None:
        here, (ada,), _ = a_full_course()
        ran = apply(TRANSFER, *arguments(folder, here, a_closed_course(), ada))
        assert came_to(ran) == [("refused", "course_closed")]
        assert status_of(here, ada) == "active"

    def test_is_possible_out_of_a_course_that_is_closed(self, folder: Path) -> None:
        here, (ada,), _ = a_full_course()
        close(here)
        there = an_open_course()
        assert apply(TRANSFER, *arguments(folder, here, there, ada)).code == 0
        assert learners(there, "active") == [ada]

    def test_keeps_the_partner_through_whom_a_learner_came(self, folder: Path) -> None:
        here, (ada,), _ = a_full_course()
        partner_id = a_partner()
        set_row(row_of(here, ada), partner_id=partner_id, external_id="e-1")
        there = an_open_course()
        apply(TRANSFER, *arguments(folder, here, there, ada))
        row = EnrollmentRow.objects.get(course=there)
        assert (row.partner_id, row.external_id, row.source) == (partner_id, "e-1", "staff")


@pytest.mark.django_db
class TestWhoOnlyWaits:
    def test_is_refused_until_somebody_decides(self, folder: Path) -> None:
        here, _, (ada,) = a_full_course(waiting=1)
        ran = apply(TRANSFER, *arguments(folder, here, an_open_course(), ada))
        assert came_to(ran) == [("refused", "needs_a_decision")]
        assert line(here) == [ada]

    def test_is_kept_waiting_in_the_other_line_or_gets_a_seat_there(self, folder: Path) -> None:
        here, _, (ada, ben) = a_full_course(waiting=2)
        there = an_open_course(capacity=1, waitlist_enabled=True)
        ran = apply(TRANSFER, *arguments(folder, here, there, ada, ben), "--waitlist", "keep")
        assert came_to(ran) == [("done", "transferred")] * 2
        assert (learners(there, "active"), line(there), line(here)) == ([ada], [ben], [])

    def test_stays_in_the_old_line_if_there_is_no_other(self, folder: Path) -> None:
        here, _, (ada,) = a_full_course(waiting=1)
        there, *_ = a_full_course(waitlist_enabled=False)
        ran = apply(TRANSFER, *arguments(folder, here, there, ada), "--waitlist", "keep")
        assert came_to(ran) == [("refused", "course_full")]
        assert line(here) == [ada]

    def test_is_dropped_out_of_the_line_and_gets_nothing(self, folder: Path) -> None:
        here, (seated,), (ada,) = a_full_course(waiting=1)
        there = an_open_course()
        ran = apply(TRANSFER, *arguments(folder, here, there, ada, seated), "--waitlist", "drop")
        assert came_to(ran) == [("done", "left_waitlist"), ("done", "transferred")]
        assert (status_of(here, ada), status_of(there, ada)) == ("left", None)


@pytest.mark.django_db
class TestUndo:
    def test_moves_everybody_back_and_forth_again(self, folder: Path) -> None:
        here, there = an_open_course(capacity=2), an_open_course(capacity=2)
        ada, ben = a_learner(), a_learner()
        an_enrollment(here, ada)
        an_enrollment(here, ben)
        ran = apply(TRANSFER, *arguments(folder, here, there, ada, ben))
        undone = apply("undo_run", ran.run)
        assert (undone.code, came_to(undone)) == (0, [("done", "restored")] * 2)
        assert learners(here, "active") == [ada, ben]
        assert [status_of(there, each) for each in (ada, ben)] == ["withdrawn"] * 2
        assert apply("undo_run", undone.run).code == 0
        assert (seats_and_line(here), learners(there, "active")) == ((0, 0), [ada, ben])

    def test_leaves_in_the_new_course_whose_old_seat_is_gone(self, folder: Path) -> None:
        here, (ada,), (head,) = a_full_course(waiting=1)
        there = an_open_course()
        ran = apply(TRANSFER, *arguments(folder, here, there, ada))
        undone = apply("undo_run", ran.run)
        assert came_to(undone) == [("refused", "course_full")]
        assert (learners(here, "active"), learners(there, "active")) == ([head], [ada])

    def test_leaves_alone_who_has_moved_on(self, folder: Path) -> None:
        here, there, ada = an_open_course(), an_open_course(), a_learner()
        an_enrollment(here, ada)
        ran = apply(TRANSFER, *arguments(folder, here, there, ada))
        assert came_to(operate("undo_run", ran.run)) == [("planned", "")]
        withdraw(there, ada)
        assert came_to(operate("undo_run", ran.run)) == [("changed", "changed_since")]
        assert came_to(apply("undo_run", ran.run)) == [("changed", "changed_since")]
        assert [status_of(each, ada) for each in (here, there)] == ["withdrawn"] * 2

    def test_gives_back_a_place_in_line_that_was_kept_or_dropped(self, folder: Path) -> None:
        here, _, (ada, ben) = a_full_course(waiting=2)
        there, *_ = a_full_course()
        kept = apply(TRANSFER, *arguments(folder, here, there, ada), "--waitlist", "keep")
        dropped = apply(TRANSFER, *arguments(folder, here, there, ben), "--waitlist", "drop")
        assert (line(here), line(there)) == ([], [ada])
        for ran in (kept, dropped):
            assert apply("undo_run", ran.run).code == 0
        assert (line(here), line(there)) == ([ada, ben], [])


@pytest.mark.django_db
class TestCommand:
    @pytest.mark.parametrize("missing", ["--from", "--to"])
    def test_needs_both_courses(self, missing: str, folder: Path) -> None:
        here, (ada,), _ = a_full_course()
        words = arguments(folder, here, an_open_course(), ada)
        place = words.index(missing)
        with nothing_changed():
            assert apply(TRANSFER, *words[:place], *words[place + 2 :]).code == 2
            for value in ("", "crs_nonsense", "crs_01h455vb4pex5vsknk084sn02q"):
                assert apply(TRANSFER, *words[: place + 1], value, *words[place + 2 :]).code == 2

    def test_needs_two_of_them(self, folder: Path) -> None:
        here, (ada,), _ = a_full_course()
        with nothing_changed():
            assert apply(TRANSFER, *arguments(folder, here, here, ada)).code == 2

    def test_takes_no_file_without_learners_for_everybody(self, folder: Path) -> None:
        here, (ada,), _ = a_full_course()
        ran = apply(TRANSFER, *arguments(folder, here, an_open_course()))
        assert (ran.code, ran.items) == (0, [])
        assert status_of(here, ada) == "active"

    def test_says_beforehand_how_many_seats_there_are(self, folder: Path) -> None:
        here, (ada,), _ = a_full_course()
        ran = operate(TRANSFER, *arguments(folder, here, an_open_course(capacity=3), ada))
        assert (ran.code, ran.items[0]["detail"]) == (3, "3 seats free, 0 in line")


def move(here: UUID, there: UUID, learner: UUID) -> object:
    """Move the learner by the use case itself."""
    standing = enrollments.get_standing(course_id=here, learner_id=learner)
    return enrollments.transfer(
        learner_id=learner,
        from_course_id=here,
        to_course_id=there,
        expected_version=standing.version,
        actor=SYSTEM,
        now=NOW,
    )


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_one_of_two_gets_the_last_seat_there_and_the_other_keeps_the_one_here(self) -> None:
        here, there = an_open_course(), an_open_course(capacity=1)
        ada, ben = an_enrollment(here).learner_id, an_enrollment(here).learner_id
        _, second = meet(lambda: move(here, there, ada), lambda: move(here, there, ben))
        assert isinstance(second, enrollments.CourseFull)
        assert (learners(here, "active"), learners(there, "active")) == ([ben], [ada])

    def test_a_newcomer_who_is_faster_leaves_the_seat_here(self) -> None:
        here, there = an_open_course(), an_open_course(capacity=1)
        ada = an_enrollment(here).learner_id
        _, moved = meet(lambda: enroll(there), lambda: move(here, there, ada))
        assert isinstance(moved, enrollments.CourseFull)
        assert learners(here, "active") == [ada]

    def test_two_who_change_places_do_not_wait_for_each_other_for_ever(self) -> None:
        here, there = an_open_course(capacity=2), an_open_course(capacity=2)
        ada, ben = an_enrollment(here).learner_id, an_enrollment(there).learner_id
        first, second = meet(lambda: move(here, there, ada), lambda: move(there, here, ben))
        assert isinstance(first, enrollments.Enrolled)
        assert isinstance(second, enrollments.Enrolled)
        assert (learners(here, "active"), learners(there, "active")) == ([ben], [ada])

    def test_many_who_move_both_ways_at_once_are_each_in_exactly_one_course(self) -> None:
        here, there = an_open_course(capacity=12), an_open_course(capacity=12)
        people = [(here, there, an_enrollment(here).learner_id) for _ in range(10)]
        people += [(there, here, an_enrollment(there).learner_id) for _ in range(10)]
        wave(lambda one: move(*one), people)
        for _, _, learner in people:
            assert EnrollmentRow.objects.filter(learner=learner, status="active").count() == 1
        for course_id in (here, there):
            assert counters_equal_rows(course_id)
            assert places_of(course_id).seats_taken <= 12
