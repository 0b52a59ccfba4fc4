"""A day of the course staff in a real browser: offline, under the strict policy, without a complaint."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from common.models import Event
from common.tests.browser import a_page, sign_in
from common.tests.factories import PASSWORD, a_person
from common.tests.staff import address
from courses.tests.factories import a_closed_course, a_draft, an_open_course, crs
from enrollments.tests.factories import (
    a_full_course,
    a_key,
    a_partner,
    an_enrollment,
    an_import,
    row_of,
    run,
    status_of,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EMAIL = "staff@example.org"


def a_member_of_staff() -> None:
    """Course and partner staff who may read the event log as well, and can sign in."""
    groups = ("Course staff", "Partner staff")
    person = a_person(email=EMAIL, is_staff=True, groups=groups, permissions=("common.view_event",))
    person.set_password(PASSWORD)
    person.save()


def button(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def link(page: Page, name: str) -> None:
    page.locator("main").get_by_role("link", name=name, exact=True).click()


def says(page: Page, what: str) -> None:
    expect(page.locator(".messagelist")).to_contain_text(what)


def test_every_page_keeps_to_itself_and_is_for_everybody(live_server: LiveServer) -> None:
    a_member_of_staff()
    course_id, (seated,), (waiting,) = a_full_course(waiting=1)
    closed = a_closed_course()
    enrollment, place = row_of(course_id, seated), row_of(course_id, waiting)
    course, partner_id = crs(course_id), a_partner()
    a_key(partner_id)
    done, queued = run(an_import(partner_id, ("x", "e-1", "ada@example.org", "Ada"))), an_import(partner_id)
    paths = [
        *("/", "/problems", "/problems/course-full", "/admin/", "/admin/password_change/"),
        *("/admin/courses/course/", "/admin/courses/course/?open=yes&q=knots", "/admin/courses/course/?q=nothing"),
        *(address(f"courses_course_{page}", course_id) for page in ("change", "edit", "admission", "close")),
        *(address("courses_course_archive", closed), address("courses_course_new")),
        *("/admin/enrollments/enrollment/", f"/admin/enrollments/enrollment/?course={course}&status=active"),
        *(
            address(f"enrollments_enrollment_{page}", enrollment)
            for page in ("change", "complete", "revoke", "withdraw")
        ),
        *(
            address("enrollments_enrollment_change", place),
            f"{address('enrollments_enrollment_enroll')}?course={course}",
        ),
        *("/admin/enrollments/placeinline/", f"/admin/enrollments/placeinline/?course={course}"),
        *("/admin/enrollments/partner/", address("enrollments_partner_new")),
        *(address(f"enrollments_partner_{page}", partner_id) for page in ("change", "key", "rotate", "revoke")),
        *("/admin/enrollments/import/", address("enrollments_import_change", done.id)),
        address("enrollments_import_cancel", queued.id),
        *("/admin/common/user/", address("common_user_change", seated)),
        *("/admin/common/event/", address("common_event_change", Event.objects.latest("id").pk)),
    ]
    host = urlsplit(live_server.url).netloc
    with a_page(viewport={"width": 1280, "height": 800}) as watched:
        page = sign_in(watched, live_server.url, email=EMAIL)
        for path in paths:
            answer = page.goto(f"{live_server.url}{path}")
            assert answer is not None
            assert answer.status == 200, path
            watched.check(host=host)
            watched.check_accessibility()
            watched.check_width(400)
            watched.check_width(1280)
        page.goto(f"{live_server.url}/api/docs")
        expect(page.locator(".opblock").first).to_be_visible()
        watched.check(host=host)


def test_superusers_change_people(live_server: LiveServer) -> None:
    a_member_of_staff()
    ada = a_person(display_name="Ada")
    boss = a_person(email="boss@example.org", is_staff=True, is_superuser=True)
    boss.set_password(PASSWORD)
    boss.save()
    with a_page() as watched:
        page = watched.page
        page.goto(f"{live_server.url}/admin/login/?next={address('common_user_change', ada.pk)}")
        page.get_by_role("textbox", name="Email").fill("boss@example.org")
        page.get_by_label("Password").fill(PASSWORD)
        button(page, "Log in")
        page.get_by_label("Display name").fill("Ada L.")
        page.get_by_label("Active").uncheck()
        button(page, "Save")
        says(page, "was changed successfully")
        for path in (
            address("common_user_change", ada.pk),
            *(address("common_user_add"), address("auth_user_password_change", ada.pk), "/admin/auth/group/"),
        ):
            page.goto(f"{live_server.url}{path}")
            watched.check_accessibility()
        page.goto(f"{live_server.url}/admin/procrastinate/procrastinatejob/")
        expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
        watched.check_accessibility()
        watched.check(host=urlsplit(live_server.url).netloc)
    ada.refresh_from_db()
    assert (ada.display_name, ada.is_active) == ("Ada L.", False)


def test_course_staff_open_a_course_and_bring_a_learner_in_and_out(live_server: LiveServer) -> None:
    a_member_of_staff()
    course_id = a_draft(title="Knots for sailors", capacity=1, waitlist_enabled=True)
    ada = a_person(email="ada@example.org", display_name="Ada")
    with a_page(viewport={"width": 1280, "height": 800}) as watched:
        page = sign_in(watched, live_server.url, email=EMAIL)
        page.get_by_label("Find by id or email").fill(crs(course_id))
        page.keyboard.press("Enter")
        button(page, "Open")
        says(page, "The course is open.")
        link(page, "Change capacity, waitlist, window")
        page.get_by_label("Capacity").fill("2")
        button(page, "Change capacity, waitlist, window")
        says(page, "The course was changed.")
        link(page, "Enroll a learner")
        expect(page.locator(".select2-selection__rendered")).to_contain_text("Knots for sailors")
        page.get_by_role("textbox", name="Email").fill("ada@example.org")
        button(page, "Enroll a learner")
        says(page, "Ada is enrolled in Knots for sailors.")
        link(page, "Withdraw")
        expect(page.locator(".consequences")).to_contain_text("Ada leaves the course.")
        button(page, "Withdraw")
        says(page, "Ada is withdrawn.")
        expect(page.locator(".timeline")).to_contain_text("Ada was withdrawn")
        watched.check(host=urlsplit(live_server.url).netloc)
    assert status_of(course_id, ada.pk) == "withdrawn"


def test_lists_are_narrowed_down_and_worked_on_by_keyboard(live_server: LiveServer) -> None:
    a_member_of_staff()
    course_id, _, _ = a_full_course(title="Knots for sailors", capacity=2)
    an_enrollment(an_open_course(title="Bread"))
    with a_page(viewport={"width": 1280, "height": 800}) as watched:
        page = sign_in(watched, live_server.url, email=EMAIL)
        page.goto(f"{live_server.url}/admin/enrollments/enrollment/")
        menu = page.locator(".filters details", has_text="Status")
        menu.locator("summary").focus()
        page.keyboard.press("Enter")
        expect(menu.get_by_role("link", name="Active")).to_be_visible()
        page.keyboard.press("Escape")
        expect(menu.get_by_role("link", name="Active")).to_be_hidden()
        page.locator(".filter-autocomplete .select2-selection").focus()
        page.keyboard.press("Enter")
        page.locator(".select2-search__field").press_sequentially("sail")
        expect(page.locator(".select2-results__option--highlighted")).to_contain_text("Knots for sailors")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(f"course={course_id}"))
        expect(page.locator("#result_list tbody tr")).to_have_count(2)
        page.locator("#action-toggle").check()
        page.get_by_label("Action:").select_option("complete_selected")
        button(page, "Go")
        expect(page.locator(".rows li")).to_have_count(2)
        page.get_by_label("Reason").fill("The course is over.")
        button(page, "Complete enrollments")
        says(page, "2 completed.")
        watched.check(host=urlsplit(live_server.url).netloc)
