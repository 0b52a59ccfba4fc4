"""What staff see of invariants, runs and findings. All of it is to be read only."""

import pytest
from django.http import HttpResponse

from common import clock
from common.models import Invariant, OpsItem, OpsRun
from common.ops import invariants, kinds
from common.tests.factories import a_person
from common.tests.operating import apply
from common.tests.staff import StaffClient, a_viewer, address, text
from courses.tests.factories import an_open_course, crs
from enrollments.tests.broken import a_stray_row, set_places
from enrollments.tests.factories import a_full_course, enr, row_of

pytestmark = pytest.mark.django_db

PAGES = ("common_invariant", "common_opsrun", "common_opsitem")


def an_operator() -> StaffClient:
    return StaffClient(a_person(groups=("Operators",), is_staff=True))


def look() -> None:
    """What the job does that looks each quarter of an hour."""
    invariants.look(now=clock.now())


def page(client: StaffClient, name: str, *args: object, **query: str) -> HttpResponse:
    response: HttpResponse = client.get(address(name, *args), query)
    assert response.status_code == 200, response
    return response


def a_repaired_course() -> tuple[str, str]:
    """The public ids of a run, and of the course whose counters it mended."""
    course_id = an_open_course(capacity=5)
    set_places(course_id, seats_taken=3)
    return apply("repair_enrollments", "--all").run, crs(course_id)


class TestInvariants:
    def test_show_how_each_stood_at_the_last_look(self) -> None:
        course_id = an_open_course(capacity=5)
        set_places(course_id, seats_taken=3)
        look()
        said = text(page(an_operator(), "common_invariant_changelist"))
        for check in kinds.checks().values():
            assert check.sentence in said
        assert said.count("holds") >= len(kinds.checks()) - 1
        assert "1 finding" in said

    def test_show_the_first_findings_and_the_command_that_mends_them(self) -> None:
        course_id = an_open_course(capacity=5)
        set_places(course_id, seats_taken=3)
        look()
        said = text(page(an_operator(), "common_invariant_change", "seat-counters"))
        assert crs(course_id) in said
        assert "seats_taken 3 → 0" in said
        assert "manage.py repair_enrollments --all --check seat-counters --apply" in said

    def test_are_on_the_overview(self) -> None:
        assert "No invariant has been looked at yet" in text(page(an_operator(), "index"))
        look()
        assert f"All {len(kinds.checks())} invariants hold" in text(page(an_operator(), "index"))
        a_stray_row(an_open_course(), "active")
        look()
        said = text(page(an_operator(), "index"))
        assert "missing-events: 1 finding" in said
        assert "seat-counters: 1 finding" in said

    def test_are_looked_at_each_by_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(type(kinds.checks()["idle-seats"]), "sql", "SELECT nonsense")
        look()
        broken = Invariant.objects.get(name="idle-seats")
        assert (broken.findings, Invariant.objects.filter(findings=0).count()) == (None, len(kinds.checks()) - 1)
        assert "nonsense" in broken.fault
        assert "could not be checked" in text(page(an_operator(), "common_invariant_change", "idle-seats"))

    def test_keep_a_sample_and_no_more(self) -> None:
        course_id, *_ = a_full_course(waiting=25)
        set_places(course_id, status="archived")
        look()
        orphaned = Invariant.objects.get(name="orphaned-waiting")
        assert (orphaned.findings, len(orphaned.sample)) == (25, 20)


class TestRuns:
    def test_show_who_ran_what_and_what_came_of_it(self) -> None:
        run, _ = a_repaired_course()
        client = an_operator()
        said = text(page(client, "common_opsrun_changelist"))
        for each in ("repair_enrollments", "ada", "completed", "1 done", run):
            assert each in said
        said = text(page(client, "common_opsrun_change", OpsRun.objects.get().pk))
        assert f"manage.py undo_run {run}" in said
        assert "none: it looked for itself" in said

    def test_show_the_plan_that_was_carried_out_and_what_was_undone(self) -> None:
        run, _ = a_repaired_course()
        apply("undo_run", run)
        undo = OpsRun.objects.exclude(undoes=None).get()
        OpsRun.objects.filter(pk=undo.pk).update(plan_digest="d" * 64, status="interrupted")
        said = text(page(an_operator(), "common_opsrun_change", undo.pk))
        assert "d" * 64 in said
        assert run in said
        assert "--resume" in said

    def test_are_found_by_id_and_lead_to_their_items(self) -> None:
        run, _ = a_repaired_course()
        client = an_operator()
        key = OpsRun.objects.get().pk
        assert client.get(address("find"), {"q": run}).url == address("common_opsrun_change", key)  # type: ignore[attr-defined]
        assert f"{address('common_opsitem_changelist')}?run={run}" in page(
            client, "common_opsrun_change", key
        ).content.decode().replace("&amp;", "&")

    @pytest.mark.parametrize("query", [{"status": "completed"}, {"command": "repair_enrollments"}])
    def test_can_be_narrowed_down(self, query: dict[str, str]) -> None:
        a_repaired_course()
        assert "1 run" in text(page(an_operator(), "common_opsrun_changelist", **query))
        other = {name: "undo_run" if name == "command" else "stopped" for name in query}
        assert "0 runs" in text(page(an_operator(), "common_opsrun_changelist", **other))


class TestItems:
    def test_show_what_each_was_about_and_its_states(self) -> None:
        run, course = a_repaired_course()
        client = an_operator()
        said = text(page(client, "common_opsitem_changelist", run=run))
        for each in ("seat-counters", "seats_taken 3 → 0", "done", course):
            assert each in said
        said = text(page(client, "common_opsitem_change", OpsItem.objects.get().pk))
        assert '"seats_taken": 3' in said.replace("&quot;", '"')

    def test_are_found_by_what_they_are_about(self) -> None:
        course_id, _, (waiting,) = a_full_course(waiting=1)
        set_places(course_id, capacity=2, waiting=5)
        apply("repair_enrollments", "--all")
        client = an_operator()
        for about, kind in ((crs(course_id), "seat-counters"), (enr(row_of(course_id, waiting)), "idle-seats")):
            said = text(page(client, "common_opsitem_changelist", q=about))
            assert "1 item" in said
            assert kind in said
        assert "0 items" in text(page(client, "common_opsitem_changelist", q="nonsense"))

    def test_can_be_narrowed_down_to_what_was_not_done(self) -> None:
        course_id, *_ = a_full_course()
        a_stray_row(course_id, "active")
        apply("repair_enrollments", "--all")
        client = an_operator()
        said = text(page(client, "common_opsitem_changelist", outcome="refused"))
        assert "1 item" in said
        assert "over-capacity" in said
        assert "Nobody is moved without --move-to-waitlist" in said


class TestPermissions:
    @pytest.mark.parametrize("name", PAGES)
    def test_are_needed(self, name: str) -> None:
        client = StaffClient(a_viewer())
        assert client.get(address(f"{name}_changelist")).status_code == 403

    @pytest.mark.parametrize("name", PAGES)
    def test_are_those_of_operators_and_course_staff(self, name: str) -> None:
        for client in (an_operator(), StaffClient()):
            page(client, f"{name}_changelist")

    def test_change_nothing(self) -> None:
        run, _ = a_repaired_course()
        look()
        client = an_operator()
        for name, key in (
            ("common_invariant", "seat-counters"),
            ("common_opsrun", OpsRun.objects.get().pk),
            ("common_opsitem", OpsItem.objects.get().pk),
        ):
            assert client.post(address(f"{name}_change", key)).status_code == 403
            assert client.post(address(f"{name}_delete", key)).status_code == 403
            assert client.post(address(f"{name}_add")).status_code == 403
        assert OpsRun.objects.count() == 1
        assert run
