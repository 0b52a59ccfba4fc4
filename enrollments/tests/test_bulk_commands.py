"""Operators' files: learners enrolled, withdrawn and moved, a row at a time, by the rules that hold for everybody."""

import io
from pathlib import Path
from uuid import UUID

import pytest

from common.models import OpsItem, OpsRun, User
from common.tests.factories import a_learner, a_person, usr
from common.tests.operating import Ran, apply, operate
from common.tests.recorded import recording
from common.tests.unchanged import nothing_changed
from courses.tests.factories import a_closed_course, a_draft, an_open_course, close, crs, seats_and_line
from enrollments.models import Enrollment as EnrollmentRow
from enrollments.tests.factories import (
    a_full_course,
    a_place_in_line,
    an_enrollment,
    complete,
    enr,
    enroll,
    learners,
    line,
    row_of,
    status_of,
    withdraw,
)

pytestmark = pytest.mark.django_db

ENROLL, WITHDRAW = "bulk_enroll", "bulk_withdraw"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def a_file(folder: Path, *rows: tuple[object, ...], header: str = "course_id,learner_id") -> str:
    """A file with these rows; UUIDs in it are courses if they come first in a row of two, else learners."""
    lines = [header, *(",".join(map(str, row)) for row in rows)]
    path = folder / "rows.csv"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def placed(*pairs: tuple[UUID, UUID]) -> list[tuple[str, str]]:
    return [(crs(course_id), usr(learner_id)) for course_id, learner_id in pairs]


def came_to(ran: Ran) -> list[tuple[int, str, str]]:
    """The line, outcome and code of each row."""
    return [(item["line"], item["outcome"], item["code"]) for item in ran.items]


class TestEnroll:
    def test_gives_seats_and_then_places_in_line(self, folder: Path) -> None:
        course_id = an_open_course(capacity=1, waitlist_enabled=True)
        first, second = a_learner(), a_learner()
        with recording() as events:
            ran = apply(ENROLL, a_file(folder, *placed((course_id, first), (course_id, second))))
        assert (ran.code, came_to(ran)) == (0, [(2, "done", "enrolled"), (3, "done", "waitlisted")])
        assert [item["after"]["status"] for item in ran.items] == ["active", "waiting"]
        assert (learners(course_id, "active"), line(course_id)) == ([first], [second])
        assert EnrollmentRow.objects.get(learner=first).source == "staff"
        assert [(event.type, event.actor, event.request_id) for event in events] == [
            ("enrollment.created", "operator:ada", ran.run),
            ("waitlist.joined", "operator:ada", ran.run),
        ]

    def test_finds_people_by_email_too(self, folder: Path) -> None:
        course_id = an_open_course()
        ada = a_person(email="Ada@example.org")
        ran = apply(ENROLL, a_file(folder, (crs(course_id), "ada@EXAMPLE.org"), header="course_id,email"))
        assert [item["subject"] for item in ran.items] == [usr(ada.pk)]
        assert learners(course_id, "active") == [ada.pk]

    def test_makes_no_accounts(self, folder: Path) -> None:
        course_id, before = an_open_course(), User.objects.count()
        ran = apply(ENROLL, a_file(folder, (crs(course_id), "nobody@example.org"), header="course_id,email"))
        assert came_to(ran) == [(2, "refused", "learner_not_found")]
        assert User.objects.count() == before

    def test_applies_all_rules_to_each_row_by_itself(self, folder: Path) -> None:
        good, closed, draft, full = an_open_course(), a_closed_course(), a_draft(), an_open_course(capacity=0)
        ada, ben, eve = a_learner(), a_learner(), a_learner()
        an_enrollment(good, ada)
        ran = apply(
            ENROLL,
            a_file(
                folder,
                *placed((good, ada), (closed, ben), (draft, ben), (full, ben), (good, ben), (good, ben), (good, eve)),
            ),
        )
        assert ran.code == 1
        assert came_to(ran) == [
            (2, "unneeded", "already_enrolled"),
            (3, "refused", "course_closed"),
            (4, "refused", "course_not_found"),
            (5, "refused", "course_full"),
            (6, "done", "enrolled"),
            (7, "unneeded", "already_enrolled"),
            (8, "done", "enrolled"),
        ]
        assert seats_and_line(good) == (3, 0)

    def test_does_nothing_the_second_time(self, folder: Path) -> None:
        course_id, *_ = a_full_course()
        path = a_file(folder, *placed((course_id, a_learner()), (an_open_course(), a_learner())))
        apply(ENROLL, path)
        with recording() as events:
            again = apply(ENROLL, path)
        assert (again.code, again.report["counts"]) == (0, {"unneeded": 2})
        assert [item["code"] for item in again.items] == ["already_waitlisted", "already_enrolled"]
        assert events == []

    def test_is_a_dry_run_first_which_says_what_to_expect(self, folder: Path) -> None:
        course_id, closed = an_open_course(capacity=2), a_closed_course()
        learner = a_learner()
        path = a_file(folder, *placed((course_id, learner), (closed, learner)))
        with nothing_changed():
            ran = operate(ENROLL, path)
        assert (ran.code, came_to(ran)) == (1, [(2, "planned", ""), (3, "refused", "course_closed")])
        assert ran.items[0]["detail"] == "2 seats free, 0 in line"
        assert operate(ENROLL, a_file(folder, *placed((course_id, learner)))).code == 3
        assert operate(ENROLL, a_file(folder)).code == 0

    def test_goes_by_its_plan_and_leaves_alone_who_stands_differently_by_then(self, folder: Path) -> None:
        course_id, ada, ben = an_open_course(), a_learner(), a_learner()
        plan = str(folder / "plan")
        operate(WITHDRAW, a_file(folder, *placed((course_id, ada))), "--plan-out", plan)
        operate(ENROLL, a_file(folder, *placed((course_id, ada), (course_id, ben))), "--plan-out", plan)
        an_enrollment(course_id, ada)
        ran = operate(ENROLL, "--apply", plan, "--yes")
        assert came_to(ran) == [(2, "unneeded", "already_enrolled"), (3, "done", "enrolled")]

    def test_stores_each_row_with_its_line(self, folder: Path) -> None:
        course_id, learner = an_open_course(), a_learner()
        apply(ENROLL, a_file(folder, *placed((course_id, learner))))
        item = OpsItem.objects.get()
        assert (item.line, item.key, item.course_id, item.outcome) == (2, learner, course_id, "done")
        assert item.before == {"enrollment": None, "status": None}
        assert item.after == {"enrollment": enr(row_of(course_id, learner)), "status": "active"}


class TestBadRows:
    BAD = (
        (",{usr}", "blank_cell"),
        ("{crs},", "blank_cell"),
        ("{crs},  ", "blank_cell"),
        (",", "blank_cell"),
        ("{crs}", "wrong_cells"),
        ("{crs},{usr},x", "wrong_cells"),
        ("crs_nonsense,{usr}", "course_not_found"),
        ("{usr},{usr}", "course_not_found"),
        ("crs_01h455vb4pex5vsknk084sn02q,{usr}", "course_not_found"),
        ("{crs},usr_nonsense", "learner_not_found"),
        ("{crs},{crs}", "learner_not_found"),
        ("{crs},usr_01h455vb4pex5vsknk084sn02q", "learner_not_found"),
        ("{crs},%", "learner_not_found"),
    )

    @pytest.mark.parametrize(("bad", "code"), BAD)
    @pytest.mark.parametrize("command", [ENROLL, WITHDRAW])
    def test_are_errors_of_their_own_and_never_mean_everybody(
        self, command: str, bad: str, code: str, folder: Path
    ) -> None:
        course_id, other = an_open_course(), a_learner()
        an_enrollment(course_id, other)
        ada, ben = a_learner(), a_learner()
        if command == WITHDRAW:
            an_enrollment(course_id, ada)
            an_enrollment(course_id, ben)
        row = bad.format(crs=crs(course_id), usr=usr(other))
        path = a_file(folder, *placed((course_id, ada)), (row,), *placed((course_id, ben)))
        ran = apply(command, path)
        assert ran.code == 1
        done = "enrolled" if command == ENROLL else "withdrawn"
        assert came_to(ran) == [(2, "done", done), (3, "refused", code), (4, "done", done)]
        assert status_of(course_id, other) == "active"

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "\n\n",
            "course_id\ncrs_x\n",
            "course,learner\n",
            "learner_id\n",
            "course_id,email,learner_id\n",
            "course_id,learner_id,name\n",
            "crs_01h455vb4pex5vsknk084sn02q,usr_01h455vb4pex5vsknk084sn02q\n",
            "course_id,learner_id\ncrs_x,usr\0x\n",
            'course_id,learner_id\n"crs_x,usr_x\n',
            "\ufeffcourse_id,learner_id\n\udcff\n",
        ],
    )
    @pytest.mark.parametrize("write", [True, False])
    def test_of_a_file_that_is_none_leave_everything_as_it_is(self, write: bool, text: str, folder: Path) -> None:
        path = folder / "rows.csv"
        path.write_bytes(text.encode(errors="surrogateescape"))
        with nothing_changed():
            ran = apply(ENROLL, str(path)) if write else operate(ENROLL, str(path))
        assert (ran.code, ran.out) == (2, "")

    @pytest.mark.parametrize("command", [ENROLL, WITHDRAW])
    def test_need_a_file(self, command: str, folder: Path) -> None:
        with nothing_changed():
            assert apply(command).code == 2
            assert apply(command, "").code == 2
            assert apply(command, str(folder / "absent.csv")).code == 2
            assert apply(command, str(folder)).code == 2

    def test_of_a_file_in_the_place_of_a_plan_are_not_carried_out(self, folder: Path) -> None:
        path = a_file(folder, *placed((an_open_course(), a_learner())))
        with nothing_changed():
            ran = operate(ENROLL, "--apply", path, "--yes")
        assert ran.code == 2
        assert "no plan" in ran.err

    def test_are_found_in_whatever_a_spreadsheet_makes_of_a_file(self, folder: Path) -> None:
        course_id, learner = an_open_course(), a_learner()
        path = folder / "rows.csv"
        path.write_bytes(f"\ufeffLearner ID;Course ID\r\n{usr(learner)};{crs(course_id)}\r\n\r\n".encode())
        assert apply(ENROLL, str(path)).code == 0
        assert learners(course_id, "active") == [learner]


class TestStandardInput:
    def give(self, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    def test_is_a_file_called_minus(self, monkeypatch: pytest.MonkeyPatch) -> None:
        course_id, learner = an_open_course(), a_learner()
        self.give(monkeypatch, f"course_id,learner_id\n{crs(course_id)},{usr(learner)}\n")
        assert apply(ENROLL, "-").code == 0
        assert learners(course_id, "active") == [learner]

    def test_cannot_be_asked_as_well(self, monkeypatch: pytest.MonkeyPatch) -> None:
        course_id, learner = an_open_course(), a_learner()
        self.give(monkeypatch, f"course_id,learner_id\n{crs(course_id)},{usr(learner)}\nyes\n")
        with nothing_changed():
            assert operate(ENROLL, "-", "--apply").code == 2


class TestWithdraw:
    def test_ends_seats_and_places_in_line_and_hands_on_what_comes_free(self, folder: Path) -> None:
        course_id, (seated,), (first, second, third) = a_full_course(waiting=3)
        ran = apply(WITHDRAW, a_file(folder, *placed((course_id, third), (course_id, seated))))
        assert [item["after"]["status"] for item in ran.items] == ["left", "withdrawn"]
        assert (learners(course_id, "active"), line(course_id)) == ([first], [second])

    def test_applies_all_rules_to_each_row_by_itself(self, folder: Path) -> None:
        course_id = an_open_course()
        done, gone, stranger, last = (a_learner() for _ in range(4))
        complete(an_enrollment(course_id, done).id)
        an_enrollment(course_id, gone)
        withdraw(course_id, gone)
        an_enrollment(course_id, last)
        close(course_id)
        path = a_file(folder, *placed(*((course_id, each) for each in (done, gone, stranger, last, last))))
        planned = operate(WITHDRAW, path)
        assert [outcome for _, outcome, _ in came_to(planned)] == [
            "refused",
            "unneeded",
            "refused",
            "planned",
            "planned",
        ]
        ran = apply(WITHDRAW, path)
        assert ran.code == 1
        assert came_to(ran) == [
            (2, "refused", "enrollment_completed"),
            (3, "unneeded", "not_enrolled"),
            (4, "refused", "enrollment_not_found"),
            (5, "done", "withdrawn"),
            (6, "unneeded", "not_enrolled"),
        ]

    def test_leaves_alone_who_came_back_since_the_plan(self, folder: Path) -> None:
        course_id, learner = an_open_course(), a_learner()
        an_enrollment(course_id, learner)
        plan = str(folder / "plan")
        operate(WITHDRAW, a_file(folder, *placed((course_id, learner))), "--plan-out", plan)
        withdraw(course_id, learner)
        an_enrollment(course_id, learner)
        ran = operate(WITHDRAW, "--apply", plan, "--yes")
        assert (ran.code, came_to(ran)) == (1, [(2, "changed", "changed_since")])
        assert status_of(course_id, learner) == "active"


class TestUndo:
    def undo(self, ran: Ran) -> Ran:
        return apply("undo_run", ran.run)

    def test_withdraws_whom_a_run_enrolled_and_enrolls_again(self, folder: Path) -> None:
        course_id = an_open_course(capacity=1, waitlist_enabled=True)
        ada, ben = a_learner(), a_learner()
        ran = apply(ENROLL, a_file(folder, *placed((course_id, ada), (course_id, ben))))
        undone = self.undo(ran)
        assert (undone.code, [item["after"]["status"] for item in undone.items]) == (0, ["left", "withdrawn"])
        assert seats_and_line(course_id) == (0, 0)
        again = self.undo(undone)
        assert again.code == 0
        assert (learners(course_id, "active"), line(course_id)) == ([ada], [ben])
        self.undo(again)
        assert seats_and_line(course_id) == (0, 0)

    def test_foresees_without_writing_what_can_be_taken_back(self, folder: Path) -> None:
        course_id, ada, ben = an_open_course(), a_learner(), a_learner()
        ran = apply(ENROLL, a_file(folder, *placed((course_id, ada), (course_id, ben))))
        withdraw(course_id, ben)
        foreseen = operate("undo_run", ran.run)
        assert (foreseen.code, came_to(foreseen)) == (1, [(3, "changed", "changed_since"), (2, "planned", "")])
        assert learners(course_id, "active") == [ada]
        assert came_to(self.undo(ran)) == [(3, "changed", "changed_since"), (2, "done", "restored")]

    def test_leaves_whom_a_seat_has_reached_since(self, folder: Path) -> None:
        course_id, (seated,), _ = a_full_course()
        ben = a_learner()
        ran = apply(ENROLL, a_file(folder, *placed((course_id, ben))))
        withdraw(course_id, seated)
        undone = self.undo(ran)
        assert (undone.code, came_to(undone)) == (1, [(2, "changed", "changed_since")])
        assert learners(course_id, "active") == [ben]

    def test_gives_back_a_seat_only_by_the_rules(self, folder: Path) -> None:
        free, (ada,), _ = a_full_course()
        taken, (ben,), (head,) = a_full_course(waiting=1)
        shut, (eve,), _ = a_full_course()
        ran = apply(WITHDRAW, a_file(folder, *placed((free, ada), (taken, ben), (shut, eve))))
        close(shut)
        undone = self.undo(ran)
        assert came_to(undone) == [
            (4, "refused", "course_closed"),
            (3, "refused", "course_full"),
            (2, "done", "restored"),
        ]
        assert learners(free, "active") == [ada]
        assert learners(taken, "active") == [head]

    def test_gives_back_the_old_place_in_line(self, folder: Path) -> None:
        course_id, _, (first, second, third) = a_full_course(waiting=3)
        ran = apply(WITHDRAW, a_file(folder, *placed((course_id, second))))
        assert line(course_id) == [first, third]
        assert self.undo(ran).code == 0
        assert line(course_id) == [first, second, third]
        assert seats_and_line(course_id) == (1, 3)

    def test_gives_no_seat_to_who_is_back_already(self, folder: Path) -> None:
        course_id, learner = an_open_course(), a_learner()
        an_enrollment(course_id, learner)
        ran = apply(WITHDRAW, a_file(folder, *placed((course_id, learner))))
        an_enrollment(course_id, learner)
        assert came_to(self.undo(ran)) == [(2, "refused", "already_enrolled")]

    def test_overtakes_nobody(self, folder: Path) -> None:
        course_id, (seated,), _ = a_full_course()
        ran = apply(WITHDRAW, a_file(folder, *placed((course_id, seated))))
        enroll(course_id)
        a_place_in_line(course_id)
        assert came_to(self.undo(ran)) == [(2, "refused", "course_full")]
        assert OpsRun.objects.filter(status="completed").count() == 2
