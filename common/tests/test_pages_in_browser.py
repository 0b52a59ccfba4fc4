"""The pages in a real browser: offline, under the strict Content-Security-Policy, without a complaint."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from common import openapi
from common.tests.browser import a_page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES = ("/", "/problems", "/problems/course-full", "/admin/login/")


def test_pages_need_nothing_but_this_host(live_server: LiveServer) -> None:
    with a_page() as watched:
        for path in PAGES:
            watched.page.goto(f"{live_server.url}{path}")
            watched.page.wait_for_load_state("networkidle")
            expect(watched.page.locator("main")).to_be_visible()
            watched.check(host=urlsplit(live_server.url).netloc)
            watched.check_accessibility()


def test_pages_fit_a_phone(live_server: LiveServer) -> None:
    with a_page(viewport={"width": 360, "height": 740}) as watched:
        for path in PAGES:
            watched.page.goto(f"{live_server.url}{path}")
            assert watched.page.evaluate("document.documentElement.scrollWidth") <= 360, path


def test_documentation_shows_every_operation_and_runs_one(live_server: LiveServer) -> None:
    operations = [entry for methods in openapi.document()["paths"].values() for entry in methods.values()]
    with a_page(viewport={"width": 1200, "height": 1000}) as watched:
        page = watched.page
        page.goto(f"{live_server.url}/api/docs#/Courses/courses.list")
        expect(page.locator(".opblock")).to_have_count(len(operations))
        listing = page.locator(".opblock.is-open")
        listing.locator("button.execute").click()
        answer = listing.locator(".live-responses-table .response").first
        expect(answer.locator(".response-col_status")).to_contain_text("200")
        expect(answer).to_contain_text("next_cursor")
        watched.check(host=urlsplit(live_server.url).netloc)


def test_documentation_is_dark_where_the_system_is(live_server: LiveServer) -> None:
    with a_page(color_scheme="dark") as watched:
        watched.page.goto(f"{live_server.url}/api/docs")
        expect(watched.page.locator("html.dark-mode .swagger-ui .info").first).to_be_visible()
