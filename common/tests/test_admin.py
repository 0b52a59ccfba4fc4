"""What holds for every page of the admin, whichever app it belongs to."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import Permission
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from procrastinate.contrib.django.models import ProcrastinateJob
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from common import ids
from common.admin import ListAdmin
from common.admin.lists import BoundedCountPaginator
from common.admin_site import StaffSite
from common.models import Event, IdempotencyRecord
from common.tests.crowds import (
    MAKERS,
    a_job,
    a_worker,
    many_deliveries,
    many_imports,
    many_invariants,
    many_items,
    many_mails,
    many_people,
)
from common.tests.factories import a_person
from common.tests.staff import StaffClient, a_superuser, a_viewer, address, text
from common.tests.unchanged import nothing_changed
from courses.tests.factories import a_draft, an_archived_course
from enrollments.tests.factories import a_full_course
from reviews.tests.factories import a_held_review, a_hidden_review, reasons_to_choose_from

pytestmark = pytest.mark.django_db

ADMINS: dict[str, ListAdmin] = {
    model._meta.label_lower: model_admin  # type: ignore[misc]
    for model, model_admin in admin.site._registry.items()
}
STEPS = [(label, step.name) for label, each in ADMINS.items() for step in each.steps]
LIST_STEPS = [(label, step.name) for label, each in ADMINS.items() for step in each.list_steps]


def every_list(test: Callable[..., None]) -> Any:
    return pytest.mark.parametrize("label", ADMINS)(test)


def view_permission(label: str) -> str:
    model_admin = ADMINS[label]
    app_label, model = label.split(".")
    return model_admin.view_permission or f"{app_label}.view_{model}"


def page(label: str, page: str, *args: Any) -> str:
    return address(f"{label.replace('.', '_')}_{page}", *args)


def a_row(label: str) -> Model:
    """A row of the model, after something has happened in each app."""
    course_id, _, _ = a_full_course(waiting=1)
    an_archived_course()
    a_job()
    a_worker()
    a_hidden_review()
    a_held_review()
    reasons_to_choose_from()
    many_deliveries(1)
    many_mails(1)
    many_imports(1)
    many_items(1)
    many_invariants(1)
    queryset = ADMINS[label].get_queryset(_request())
    row = queryset.filter(pk=course_id).first() or queryset.first()
    assert row is not None
    return row


def _request() -> Any:
    return type("Request", (), {"GET": {}, "user": None})()


class TestEveryList:
    @every_list
    def test_is_built_on_the_house_rules(self, label: str) -> None:
        model_admin = ADMINS[label]
        assert isinstance(model_admin, ListAdmin)
        assert issubclass(model_admin.paginator, BoundedCountPaginator)
        assert model_admin.show_facets is admin.ShowFacets.NEVER
        assert not model_admin.show_full_result_count
        assert isinstance(model_admin.list_select_related, list | tuple)
        assert model_admin.description

    @every_list
    def test_lets_nobody_delete(self, label: str) -> None:
        client = StaffClient(a_superuser())
        row = a_row(label)
        with nothing_changed():
            assert client.post(page(label, "delete", row.pk), {"post": "yes"}).status_code == 403
            client.post(page(label, "changelist"), {"action": "delete_selected", ACTION_CHECKBOX_NAME: [row.pk]})

    @every_list
    def test_lets_nobody_write_into_rows(self, label: str) -> None:
        if label in {"common.user", "reviews.moderationreason"}:
            return
        client = StaffClient(a_superuser())
        row = a_row(label)
        with nothing_changed():
            # The waitlist has no page of its own, so its rows' addresses lead elsewhere.
            assert client.post(page(label, "change", row.pk), {"status": "revoked"}).status_code in {302, 403}
            assert client.post(page(label, "add"), {"status": "revoked"}).status_code == 403

    @every_list
    def test_declares_who_may_run_its_actions(self, label: str) -> None:
        undeclared = [name for run, name, _ in ADMINS[label]._get_base_actions() if not run.allowed_permissions]  # type: ignore[attr-defined]
        assert undeclared == []

    @every_list
    def test_is_for_viewers_to_look_at_only(self, label: str) -> None:
        row = a_row(label)
        client = StaffClient(a_viewer(view_permission(label)))
        actions = [name for _, name, _ in ADMINS[label]._get_base_actions()]  # type: ignore[attr-defined]
        with nothing_changed():
            assert client.get(page(label, "changelist")).status_code == 200
            for action in [*actions, "delete_selected"]:
                sent = {
                    "action": action,
                    "index": "0",
                    ACTION_CHECKBOX_NAME: [row.pk],
                    "confirmed": "yes",
                    "reason": "x",
                }
                client.post(page(label, "changelist"), sent)
            for name in ("change", "delete"):
                assert client.post(page(label, name, row.pk), {"post": "yes"}).status_code in {302, 403}
            assert client.post(page(label, "add")).status_code == 403

    @every_list
    def test_is_closed_to_staff_without_its_permission(self, label: str) -> None:
        row = a_row(label)
        client = StaffClient(a_viewer())
        assert client.get(page(label, "changelist")).status_code == 403
        if label != "enrollments.placeinline":
            assert client.get(page(label, "change", row.pk)).status_code == 403

    @every_list
    def test_is_closed_to_learners(self, label: str) -> None:
        response = StaffClient(a_person()).get(page(label, "changelist"))
        assert response.status_code == 302
        assert response["Location"].startswith("/admin/login/")

    @every_list
    def test_never_counts_without_an_end(self, label: str) -> None:
        a_row(label)
        client = StaffClient(a_superuser())
        with CaptureQueriesContext(connection) as queries:
            client.get(page(label, "changelist"), {"q": "something"})
            client.get(page(label, "changelist"))
        counts = [query["sql"] for query in queries if re.search(r"count\(", query["sql"], re.IGNORECASE)]
        assert counts
        assert [sql for sql in counts if not re.search(r"LIMIT \d{1,5}\)", sql)] == []
        assert [query["sql"] for query in queries if "DISTINCT" in query["sql"]] == []

    @every_list
    def test_takes_no_condition_but_its_filters(self, label: str) -> None:
        client = StaffClient(a_superuser())
        assert client.get(page(label, "changelist"), {"id__in": "1"}).status_code == 400

    @every_list
    def test_refuses_actions_on_all_pages(self, label: str) -> None:
        row = a_row(label)
        client = StaffClient(a_superuser())
        sent = {"action": "revoke_selected", "index": "0", "select_across": "1", ACTION_CHECKBOX_NAME: [row.pk]}
        with nothing_changed():
            response = client.post(page(label, "changelist"), {**sent, "confirmed": "yes", "reason": "x"})
        assert response.status_code in {200, 302}


class TestEveryStep:
    @pytest.mark.parametrize(("label", "name"), STEPS + LIST_STEPS)
    def test_names_a_permission_that_exists(self, label: str, name: str) -> None:
        steps = {step.name: step for step in [*ADMINS[label].steps, *ADMINS[label].list_steps]}
        app_label, codename = steps[name].permission.split(".")
        assert Permission.objects.filter(content_type__app_label=app_label, codename=codename).exists()

    @pytest.mark.parametrize(("label", "name"), STEPS)
    def test_of_a_record_is_closed_to_viewers(self, label: str, name: str) -> None:
        row = a_row(label)
        client = StaffClient(a_viewer(view_permission(label)))
        with nothing_changed():
            assert client.get(page(label, name, row.pk)).status_code == 403
            assert client.post(page(label, name, row.pk), {"reason": "x", "seen": "active"}).status_code == 403

    @pytest.mark.parametrize(("label", "name"), LIST_STEPS)
    def test_of_a_list_is_closed_to_viewers(self, label: str, name: str) -> None:
        client = StaffClient(a_viewer(view_permission(label)))
        with nothing_changed():
            assert client.get(page(label, name)).status_code == 403
            assert client.post(page(label, name), {"title": "Knots"}).status_code == 403

    @pytest.mark.parametrize(("label", "name"), STEPS)
    def test_changes_nothing_when_looked_at(self, label: str, name: str) -> None:
        row = a_row(label)
        client = StaffClient(a_superuser())
        with nothing_changed():
            assert client.get(page(label, name, row.pk)).status_code == 200
            assert client.put(page(label, name, row.pk)).status_code == 405

    @pytest.mark.parametrize(("label", "name"), STEPS)
    def test_takes_no_forged_post(self, label: str, name: str) -> None:
        row = a_row(label)
        client = StaffClient(a_superuser(), enforce_csrf_checks=True)
        with nothing_changed():
            assert client.post(page(label, name, row.pk), {"reason": "x"}).status_code == 403

    @pytest.mark.parametrize(("label", "name"), STEPS)
    def test_knows_that_a_record_is_not_there(self, label: str, name: str) -> None:
        client = StaffClient(a_superuser())
        assert client.get(page(label, name, ids.new_uuid())).status_code == 404
        assert client.get(page(label, name, "nonsense")).status_code == 404


class TestQueries:
    @pytest.mark.parametrize("label", MAKERS)
    def test_are_as_many_for_one_row_as_for_fifty(self, label: str) -> None:
        make, client = MAKERS[label], StaffClient(a_superuser())
        make(1)
        few = self.count(client, label)
        make(50)
        assert self.count(client, label) == few
        assert few <= 7

    def count(self, client: StaffClient, label: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            response = client.get(page(label, "changelist") + "?all=")
        assert response.status_code == 200
        return len(queries)


class TestSite:
    def test_leaves_out_what_is_not_built_for_staff(self) -> None:
        site = StaffSite()
        site.register(OutstandingToken, ModelAdmin)
        site.register(IdempotencyRecord)
        assert not site.is_registered(OutstandingToken)
        assert not admin.site.is_registered(OutstandingToken)
        assert type(admin.site.get_model_admin(ProcrastinateJob)).__module__ == "common.admin.jobs"

    def test_wants_to_know_the_related_rows_of_a_list(self) -> None:
        class Forgetful(ListAdmin):
            pass

        with pytest.raises(ImproperlyConfigured, match="Forgetful"):
            StaffSite().register(IdempotencyRecord, Forgetful)

    def test_has_no_action_for_every_list(self) -> None:
        assert list(admin.site.actions) == []

    def test_shows_each_person_what_they_may_see(self) -> None:
        shown = text(StaffClient(a_viewer("courses.view_course")).get("/admin/"))
        assert "The catalogue" in shown
        assert "Everybody who has an account" not in shown
        assert "New course" not in shown
        assert "has no permissions yet" in text(StaffClient(a_viewer()).get("/admin/"))

    def test_says_in_html_what_is_refused_or_absent_and_in_which_request(self) -> None:
        client = StaffClient(a_viewer())
        refused, absent = client.get("/admin/common/event/"), client.get("/admin/nothing/here/")
        assert (refused.status_code, absent.status_code) == (403, 404)
        assert "lacks the permission" in text(refused)
        assert "nothing at this address" in text(absent)
        assert "from-the-admin" in text(refused)

    @pytest.mark.parametrize("model", ["common/invariant", "reviews/moderationreason"])
    @pytest.mark.parametrize("page", ["change", "delete", "history"])
    def test_has_no_page_for_a_key_that_cannot_be_one(self, model: str, page: str) -> None:
        assert StaffClient(a_superuser()).get(f"/admin/{model}/a%00b/{page}/").status_code == 404


class TestFind:
    def test_leads_from_any_id_to_its_page(self) -> None:
        client = StaffClient(a_superuser())
        course_id, (learner_id,), _ = a_full_course()
        event = Event.objects.latest("id")
        for prefix, key, expected in (
            (ids.COURSE, course_id, page("courses.course", "change", course_id)),
            (ids.USER, learner_id, page("common.user", "change", learner_id)),
            (ids.ENROLLMENT, learner_id, page("enrollments.enrollment", "change", learner_id)),
            (ids.WAITLIST_ENTRY, learner_id, page("enrollments.enrollment", "change", learner_id)),
            (ids.EVENT, event.uuid, page("common.event", "change", event.pk)),
        ):
            found = client.get(address("find"), {"q": f" {ids.encode(prefix, key)} "})
            assert found["Location"] == expected

    def test_searches_people_by_email(self) -> None:
        found = StaffClient().get(address("find"), {"q": "ada@example.org"})
        assert found["Location"] == page("common.user", "changelist") + "?q=ada%40example.org"

    @pytest.mark.parametrize("query", ["", "nonsense", "crs_zzzzzzzzzzzzzzzzzzzzzzzzzz", "<b>"])
    def test_says_when_there_is_nothing(self, query: str) -> None:
        response = StaffClient().get(address("find"), {"q": query}, follow=True)
        assert "Nothing that you may see" in text(response)
        assert "<b>”" not in response.content.decode()

    def test_does_not_lead_to_what_the_person_may_not_see(self) -> None:
        client = StaffClient(a_viewer("courses.view_course"))
        response = client.get(address("find"), {"q": ids.encode(ids.USER, client.person.pk)})
        assert response["Location"] == "/admin/"


class TestBoundedCount:
    def test_ends_where_it_is_told_to(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("common.admin.lists.MOST_COUNTED", 30)
        many_people(40)
        client = StaffClient()
        assert "30 or more users" in text(client.get(page("common.user", "changelist")))
        assert client.get(page("common.user", "changelist"), {"p": 2}).status_code == 200
        beyond = client.get(page("common.user", "changelist"), {"p": 3})
        assert beyond["Location"].endswith("?e=1")

    def test_is_exact_below(self) -> None:
        a_draft()
        assert "1 course" in text(StaffClient().get(page("courses.course", "changelist")))
