"""The pages of invariants, runs and findings in a real browser: strict policy, any screen, for everybody."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from common import clock
from common.models import OpsItem, OpsRun
from common.ops import invariants
from common.tests.browser import a_page
from common.tests.factories import PASSWORD, a_person
from common.tests.operating import apply
from common.tests.staff import address
from enrollments.tests.broken import a_stray_row, set_places
from enrollments.tests.factories import a_full_course

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EMAIL = "operator@example.org"


def an_operator() -> None:
    """One of the operators, who can sign in."""
    person = a_person(email=EMAIL, is_staff=True, groups=("Operators",))
    person.set_password(PASSWORD)
    person.save()


def a_night_of_work() -> None:
    """A repair that did most of its work, an undo of it, and something that is wrong again."""
    course_id, *_ = a_full_course(capacity=2, waiting=3)
    set_places(course_id, capacity=3, seats_taken=1)
    crowded, *_ = a_full_course(capacity=1)
    a_stray_row(crowded, "active")
    ran = apply("repair_enrollments", "--all")
    apply("undo_run", ran.run)
    set_places(course_id, waiting=7)
    invariants.look(now=clock.now())


def test_are_for_everybody(live_server: LiveServer) -> None:
    an_operator()
    a_night_of_work()
    item = OpsItem.objects.filter(outcome="done").earliest("pk")
    paths = [
        address("common_invariant_changelist"),
        address("common_invariant_change", "seat-counters"),
        address("common_invariant_change", "both-standings"),
        address("common_opsrun_changelist"),
        address("common_opsrun_change", OpsRun.objects.latest("pk").pk),
        address("common_opsitem_changelist"),
        address("common_opsitem_change", item.pk),
    ]
    with a_page(viewport={"width": 1280, "height": 800}) as watched:
        page = watched.page
        page.goto(f"{live_server.url}/admin/")
        page.get_by_role("textbox", name="Email").fill(EMAIL)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.locator(".states")).to_contain_text(["seat-counters: 1 finding"])
        for path in paths:
            answer = page.goto(f"{live_server.url}{path}")
            assert answer is not None
            assert answer.status == 200, path
            watched.check(host=urlsplit(live_server.url).netloc)
            watched.check_accessibility()
            watched.check_width(400)
            watched.check_width(1280)
        page.goto(f"{live_server.url}{paths[4]}")
        page.get_by_role("link", name="Its findings and rows").click()
        expect(page.locator("#result_list tbody tr")).not_to_have_count(0)
