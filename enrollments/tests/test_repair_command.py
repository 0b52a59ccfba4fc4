"""How `repair_enrollments` behaves: what it asks for, says, keeps, and refuses."""

import csv
import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from common.models import OpsItem, OpsRun
from common.ops import holding, kinds
from common.tests.operating import Ran, apply, operate
from common.tests.unchanged import nothing_changed
from courses.tests.factories import an_open_course, crs, places_of
from enrollments.tests.broken import a_stray_row, set_places
from enrollments.tests.factories import a_full_course, a_partner, an_enrollment, enr, line, ptn

pytestmark = pytest.mark.django_db

REPAIR = "repair_enrollments"


def a_wrong_course(**columns: int) -> str:
    """The public id of a course whose counters are wrong."""
    course_id = an_open_course(capacity=5)
    set_places(course_id, **(columns or {"seats_taken": 3}))
    return crs(course_id)


def broken_courses(count: int) -> list[str]:
    """Courses with wrong counters, in the order in which they are mended."""
    return sorted(a_wrong_course() for _ in range(count))


class TestScope:
    @pytest.mark.parametrize(
        "scope", [(), ("--all", "--course", "crs_01h455vb4pex5vsknk084sn02q"), ("--all", "--partner", "ptn_x")]
    )
    def test_has_to_be_one(self, scope: tuple[str, ...]) -> None:
        a_wrong_course()
        with nothing_changed():
            ran = apply(REPAIR, *scope)
        assert (ran.code, ran.out) == (2, "")
        assert "--course crs_…, --partner ptn_… or --all" in ran.err

    @pytest.mark.parametrize(
        "scope",
        [
            ("--course", "crs_nonsense"),
            ("--course", "crs_01h455vb4pex5vsknk084sn02q"),
            ("--course", ""),
            ("--partner", "ptn_01h455vb4pex5vsknk084sn02q"),
            ("--partner", "crs_01h455vb4pex5vsknk084sn02q"),
        ],
    )
    def test_has_to_exist(self, scope: tuple[str, ...]) -> None:
        a_wrong_course()
        with nothing_changed():
            ran = apply(REPAIR, *scope)
        assert (ran.code, ran.out) == (2, "")

    def test_leaves_out_what_it_cannot_limit_and_says_so(self) -> None:
        partner = ptn(a_partner())
        ran = operate(REPAIR, "--partner", partner)
        assert "review-summaries" in ran.err
        assert "review-summaries" not in [check["name"] for check in ran.report["checks"]]
        assert operate(REPAIR, "--partner", partner, "--check", "review-summaries").code == 2


class TestDryRun:
    def test_writes_nothing_and_ends_with_3_where_it_finds_something(self) -> None:
        course = a_wrong_course()
        with nothing_changed():
            ran = operate(REPAIR, "--all")
        assert ran.code == 3
        assert (ran.report["mode"], ran.report["run"], ran.report["status"]) == ("dry_run", None, "found")
        assert ran.report["counts"] == {"planned": 1}
        assert [item["subject"] for item in ran.items] == [course]

    def test_ends_with_0_where_all_is_well(self) -> None:
        a_full_course(capacity=2, waiting=2)
        ran = operate(REPAIR, "--all")
        assert (ran.code, ran.items, ran.report["next"]) == (0, [], {})
        assert [check["name"] for check in ran.report["checks"]] == list(kinds.checks())

    def test_cannot_write_even_if_a_check_tried_to(self, monkeypatch: pytest.MonkeyPatch) -> None:
        counters = kinds.checks()["seat-counters"]
        drawn = "to_jsonb(nextval('common_event_id_seq'))"
        writing = f"SELECT NULL AS course_id, NULL AS key, {drawn} AS before, '{{}}'::jsonb AS after"
        monkeypatch.setattr(type(counters), "sql", writing)
        a_wrong_course()
        with nothing_changed():
            ran = operate(REPAIR, "--all", "--check", "seat-counters")
        assert ran.code == 1
        assert "read-only transaction" in ran.err

    def test_takes_no_lock_from_others(self) -> None:
        a_wrong_course()
        with holding.alone(REPAIR):
            assert operate(REPAIR, "--all").code == 3


class TestFormats:
    def test_table_is_for_people_with_a_line_for_each_finding(self) -> None:
        course = a_wrong_course()
        ran = operate(REPAIR, "--all", format="table")
        head, found = ran.out.splitlines()
        assert head.split() == ["check", "subject", "outcome", "what"]
        assert found.split(maxsplit=3) == ["seat-counters", course, "planned", "seats_taken 3 → 0"]
        assert "seat-counters: 1 planned" in ran.err
        assert "both-standings: nothing" in ran.err

    def test_table_is_empty_where_all_is_well(self) -> None:
        ran = operate(REPAIR, "--all", format="table")
        assert (ran.code, ran.out) == (0, "")

    def test_table_of_a_run_has_what_was_not_done(self) -> None:
        a_wrong_course()
        course_id, *_ = a_full_course(capacity=1)
        last = a_stray_row(course_id, "active")
        ran = apply(REPAIR, "--all", "--check", "over-capacity", "--check", "seat-counters", format="table")
        _, refused = ran.out.splitlines()
        assert refused.split(maxsplit=3)[:3] == ["over-capacity", enr(last), "refused"]

    def test_json_is_the_envelope_that_is_promised(self) -> None:
        broken_courses(2)
        for ran in (operate(REPAIR, "--all"), apply(REPAIR, "--all"), apply(REPAIR, "--all")):
            assert ran.report["command"] == REPAIR

    def test_csv_has_a_row_for_each_item(self) -> None:
        courses = broken_courses(2)
        ran = operate(REPAIR, "--all", format="csv")
        rows = list(csv.DictReader(io.StringIO(ran.out)))
        assert [row["subject"] for row in rows] == courses
        assert json.loads(rows[0]["after"])["seats_taken"] == 0

    def test_standard_output_has_nothing_but_the_report(self) -> None:
        a_wrong_course()
        ran = apply(REPAIR, "--all")
        json.loads(ran.out)
        assert f"This is {ran.run}." in ran.err

    def test_of_an_unknown_kind_is_refused(self) -> None:
        with pytest.raises(CommandError, match="invalid choice"):
            call_command(REPAIR, "--all", "--format", "yaml")


class TestRun:
    def test_is_stored_with_before_and_after_for_each_row(self) -> None:
        course = a_wrong_course()
        ran = apply(REPAIR, "--all", "--limit", "5")
        run = OpsRun.objects.get()
        assert (run.command, run.operator, run.status) == (REPAIR, "ada", "completed")
        assert run.arguments["scope"] == {"all": True}
        assert run.counts == {"done": 1}
        assert run.finished_at is not None
        item = OpsItem.objects.get()
        assert (item.kind, item.outcome, item.code) == ("seat-counters", "done", "recounted")
        assert (item.before["seats_taken"], item.after["seats_taken"]) == (3, 0)
        assert ran.items[0]["subject"] == course
        assert ran.report["next"] == {"undo": f"manage.py undo_run {ran.run} --apply"}

    def test_needs_a_yes_where_there_is_nobody_to_ask(self) -> None:
        a_wrong_course()
        with nothing_changed():
            ran = operate(REPAIR, "--all", "--apply")
        assert (ran.code, ran.out) == (2, "")
        assert "--yes" in ran.err

    def test_is_refused_while_somebody_else_runs_it(self) -> None:
        a_wrong_course()
        with holding.alone(REPAIR), nothing_changed():
            ran = apply(REPAIR, "--all")
        assert (ran.code, ran.out) == (2, "")
        assert "Somebody runs repair_enrollments" in ran.err
        assert apply(REPAIR, "--all").code == 0

    def test_is_of_at_most_so_many(self) -> None:
        first, second, third = broken_courses(3)
        assert [item["subject"] for item in apply(REPAIR, "--all", "--limit", "2").items] == [first, second]
        assert [item["subject"] for item in operate(REPAIR, "--all", "--limit", "2").items] == [third]

    def test_limits_all_checks_together(self) -> None:
        a_wrong_course()
        a_stray_row(an_open_course(), "active")
        for ran in (operate(REPAIR, "--all", "--limit", "2"), apply(REPAIR, "--all", "--limit", "2")):
            assert [item["check"] for item in ran.items] == ["seat-counters"] * 2
            assert "--limit 2" in ran.err

    def test_stops_after_so_many_errors_and_goes_on_when_told_to(self) -> None:
        course_id, *_ = a_full_course(capacity=1)
        for _ in range(3):
            a_stray_row(course_id, "active")
        course = a_wrong_course()
        checks = ("--check", "over-capacity", "--check", "seat-counters")
        stopped = apply(REPAIR, "--all", *checks, "--batch-size", "1", "--max-errors", "2")
        assert (stopped.code, stopped.report["status"]) == (1, "stopped")
        assert stopped.report["counts"] == {"refused": 2, "planned": 1}
        ended = operate(REPAIR, "--resume", stopped.run, "--yes")
        assert (ended.code, ended.report["status"], ended.run) == (1, "completed", stopped.run)
        assert ended.report["counts"] == {"refused": 3, "done": 1}
        assert ended.items[-1]["subject"] == course

    def test_that_is_complete_cannot_be_resumed(self) -> None:
        done = apply(REPAIR, "--all")
        with nothing_changed():
            ran = operate(REPAIR, "--resume", done.run, "--yes")
        assert ran.code == 2
        assert "complete" in ran.err

    @pytest.mark.parametrize("run", ["run_01h455vb4pex5vsknk084sn02q", "nonsense", ""])
    def test_that_there_is_not_cannot_be_resumed(self, run: str) -> None:
        assert operate(REPAIR, "--resume", run, "--yes").code == 2

    @pytest.mark.parametrize(
        "options",
        [("--batch-size", "0"), ("--limit", "-1"), ("--max-errors", "x"), ("--check", "nonsense"), ("--force",)],
    )
    def test_is_refused_with_wrong_options(self, options: tuple[str, ...]) -> None:
        with nothing_changed(), pytest.raises(CommandError):
            call_command(REPAIR, "--all", *options)

    @pytest.mark.parametrize("name", ["", "x" * 81, "a\nb"])
    def test_needs_an_operator_with_a_name(self, name: str) -> None:
        with nothing_changed(), pytest.raises(CommandError, match="--operator") as refused:
            call_command(REPAIR, "--all", "--operator", name)
        assert refused.value.returncode == 2


class TestBadItem:
    def test_does_not_leak_into_the_next(self, monkeypatch: pytest.MonkeyPatch) -> None:
        first, bad, third = broken_courses(3)
        check = kinds.checks()["seat-counters"]
        mend = check.mend

        def failing(items, work):  # type: ignore[no-untyped-def]
            results = mend(items, work)
            if any(crs(item.key) == bad for item in items):
                raise RuntimeError("this one is bad")
            return results

        monkeypatch.setattr(check, "mend", failing)
        ran = apply(REPAIR, "--all", "--check", "seat-counters")
        assert ran.code == 1
        assert [(item["subject"], item["outcome"]) for item in ran.items] == [
            (first, "done"),
            (bad, "failed"),
            (third, "done"),
        ]
        assert ran.items[1]["detail"] == "RuntimeError: this one is bad"
        monkeypatch.undo()
        assert [item["subject"] for item in operate(REPAIR, "--all").items] == [bad]

    def test_that_a_constraint_refuses_is_refused_by_its_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        course_id = an_open_course(capacity=1)
        an_enrollment(course_id)
        set_places(course_id, seats_taken=0)
        check = kinds.checks()["seat-counters"]
        monkeypatch.setattr(type(check), "sql", check.sql.replace("least(coalesce(seated, 0), capacity)", "2"))
        (item,) = apply(REPAIR, "--course", crs(course_id), "--check", "seat-counters").items
        assert (item["outcome"], item["code"]) == ("refused", "places_within_capacity")
        assert places_of(course_id).seats_taken == 0


class TestPlan:
    def make(self, path: Path, *options: str) -> Ran:
        return operate(REPAIR, *(options or ("--all",)), "--plan-out", str(path))

    def test_is_done_as_it_stands(self, tmp_path: Path) -> None:
        first, second = broken_courses(2)
        plan = tmp_path / "plan"
        with nothing_changed():
            made = self.make(plan)
        later = a_wrong_course()
        ran = operate(REPAIR, "--apply", str(plan), "--yes")
        assert ran.code == 0
        assert [(item["subject"], item["outcome"]) for item in ran.items] == [(first, "done"), (second, "done")]
        assert OpsRun.objects.get().plan_digest in made.err
        assert [item["subject"] for item in operate(REPAIR, "--all").items] == [later]

    def test_leaves_alone_what_has_changed_since_and_says_so(self, tmp_path: Path) -> None:
        course_id, other = an_open_course(capacity=5), a_wrong_course()
        set_places(course_id, seats_taken=3)
        plan = tmp_path / "plan"
        self.make(plan)
        an_enrollment(course_id)
        ran = operate(REPAIR, "--apply", str(plan), "--yes")
        assert ran.code == 1
        outcomes = {item["subject"]: (item["outcome"], item["code"]) for item in ran.items}
        assert outcomes == {crs(course_id): ("changed", "changed_since"), other: ("done", "recounted")}
        assert places_of(course_id).seats_taken == 4

    def test_finds_nothing_left_to_do_the_second_time(self, tmp_path: Path) -> None:
        broken_courses(2)
        plan = tmp_path / "plan"
        self.make(plan)
        operate(REPAIR, "--apply", str(plan), "--yes")
        again = operate(REPAIR, "--apply", str(plan), "--yes")
        assert (again.code, again.report["counts"]) == (0, {"unneeded": 2})

    def test_keeps_its_options(self, tmp_path: Path) -> None:
        course_id, (seated,), _ = a_full_course(capacity=1)
        set_places(course_id, capacity=0, seats_taken=0)
        plan = tmp_path / "plan"
        self.make(plan, "--all", "--move-to-waitlist")
        assert operate(REPAIR, "--apply", str(plan), "--yes").code == 0
        assert line(course_id) == [seated]

    @pytest.mark.parametrize("damage", ["changed", "shortened", "cut", "nothing", "other", "absent"])
    def test_is_not_carried_out_if_it_is_damaged(self, damage: str, tmp_path: Path) -> None:
        broken_courses(3)
        plan = tmp_path / "plan"
        self.make(plan)
        lines = plan.read_text().splitlines(keepends=True)
        plan.write_text(
            {
                "changed": "".join(lines).replace('"seats_taken": 0', '"seats_taken": 1', 1),
                "shortened": "".join(lines[:2] + lines[3:]),
                "cut": "".join(lines[:-1]),
                "nothing": "",
                "other": "course_id,email\n",
                "absent": "",
            }[damage]
        )
        if damage == "absent":
            plan.unlink()
        with nothing_changed():
            ran = operate(REPAIR, "--apply", str(plan), "--yes")
        assert (ran.code, ran.out) == (2, "")

    @pytest.mark.parametrize("option", [("--all",), ("--limit", "1"), ("--move-to-waitlist",), ("--plan-out", "x")])
    def test_takes_no_other_arguments_than_its_own(self, option: tuple[str, ...], tmp_path: Path) -> None:
        plan = tmp_path / "plan"
        self.make(plan)
        assert operate(REPAIR, "--apply", str(plan), "--yes", *option).code == 2
