"""A moderator's hours in a real browser: by keyboard, under the strict policy, without a complaint."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from urllib.parse import urlsplit

import pytest
from django.db import connection
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from common.tests.browser import Watched, a_page
from common.tests.factories import PASSWORD
from reviews.tests.factories import (
    APPROVE,
    Written,
    a_held_review,
    a_hidden_review,
    a_review,
    decide,
    moderator,
    reasons_to_choose_from,
    report,
    rewrite,
    standing,
)
from reviews.tests.pages import LIST, at

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

T = TypeVar("T")

EMAIL = "moderator@example.org"


@pytest.fixture(autouse=True)
def _reasons() -> None:
    reasons_to_choose_from()


@pytest.fixture(autouse=True)
def _grace(_reasons: None) -> None:
    person = moderator(email=EMAIL, display_name="Grace")
    person.set_password(PASSWORD)
    person.save()


def meanwhile(function: Callable[[], T]) -> T:
    """What the function returns, called in a thread: Playwright's own may not wait for the database."""

    def called() -> T:
        try:
            return function()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(called).result()


def status(review: Written) -> str:
    return meanwhile(lambda: standing(review)[0])


def sign_in(watched: Watched, url: str) -> Page:
    page = watched.page
    page.goto(f"{url}/admin/")
    page.get_by_role("textbox", name="Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    return page


def says(page: Page, what: str) -> None:
    expect(page.locator(".messagelist")).to_contain_text(what)


def test_every_page_keeps_to_itself_and_is_for_everybody(live_server: LiveServer) -> None:
    held, hidden, public, edited = a_held_review(), a_hidden_review(), a_review(), a_review(comment="Good, bad coffee.")
    report(public, note="Sells something")
    rewrite(edited, comment="Good, https://spam.example")
    paths = [
        *("/admin/", LIST, f"{LIST}?queue=all&q=link", f"{LIST}?queue=reported", f"{LIST}?queue=edited&rating=4"),
        *(at(each) for each in (held, hidden, public, edited)),
        f"{at(held, 'decide')}?decision=hide&back=queue%3Dpending",
        *("/admin/reviews/moderationreason/", "/admin/reviews/moderationreason/add/", "/admin/reviews/historyentry/"),
    ]
    host = urlsplit(live_server.url).netloc
    with a_page(viewport={"width": 1280, "height": 800}) as watched:
        page = sign_in(watched, live_server.url)
        for path in paths:
            answer = page.goto(f"{live_server.url}{path}")
            assert answer is not None
            assert answer.status == 200, path
            watched.check(host=host)
            watched.check_accessibility()
            watched.check_width(400)
            watched.check_width(1280)


def test_eight_decisions_in_a_row_by_keyboard(live_server: LiveServer) -> None:
    reviews = [a_held_review() for _ in range(8)]
    with a_page(viewport={"width": 1280, "height": 800}) as watched:
        page = sign_in(watched, live_server.url)
        page.goto(f"{live_server.url}{LIST}")
        page.keyboard.press("n")
        for number, review in enumerate(reviews):
            page.wait_for_url(re.compile(re.escape(at(review))))
            if number % 2:
                page.keyboard.press("a")
            else:
                page.keyboard.press("2")
                page.keyboard.press("h")
        says(page, "Nothing waits for a decision.")
        assert [status(each) for each in reviews] == ["hidden", "published"] * 4
        page.keyboard.press("u")
        page.wait_for_url(re.compile(re.escape(at(reviews[-1]))))
        says(page, "Undone")
        assert status(reviews[-1]) == "pending"
        watched.check(host=urlsplit(live_server.url).netloc)


def test_rows_are_decided_on_by_keyboard_and_the_list_keeps_its_place(live_server: LiveServer) -> None:
    first, second, third, last = (a_held_review() for _ in range(4))
    with a_page(viewport={"width": 1280, "height": 800}) as watched:
        page = sign_in(watched, live_server.url)
        page.goto(f"{live_server.url}{LIST}?queue=pending")
        for key in "jjh":
            page.keyboard.press(key)
        page.wait_for_url(re.compile(re.escape(at(second, "decide"))))
        page.keyboard.press("Escape")
        expect(row_with(page, second)).to_be_focused()
        page.keyboard.press("h")
        page.wait_for_url(re.compile(re.escape(at(second, "decide"))))
        watched.check_accessibility()
        for key in "112h":
            page.keyboard.press(key)
        says(page, "The review is hidden.")
        expect(row_with(page, third)).to_be_focused()
        page.keyboard.press("j")
        page.keyboard.press("a")
        says(page, "The review is public.")
        # The last row is gone, and the one before it is the last now.
        expect(row_with(page, third)).to_be_focused()
        assert [status(each) for each in (first, second, third, last)] == ["pending", "hidden", "pending", "published"]
        watched.check(host=urlsplit(live_server.url).netloc)


def row_with(page: Page, review: Written) -> Locator:
    """The link in the row of this review."""
    return page.locator(f'#result_list th a[href*="{at(review)}"]')


def test_keys_can_be_turned_off(live_server: LiveServer) -> None:
    review = a_held_review()
    with a_page() as watched:
        page = sign_in(watched, live_server.url)
        page.goto(f"{live_server.url}{at(review)}")
        page.get_by_label("Note").focus()
        page.keyboard.type("ha?1")
        assert page.get_by_label("Note").input_value() == "ha?1"
        page.locator("h1").click()
        page.keyboard.press("?")
        watched.check_accessibility()
        page.get_by_label("Keys are on").uncheck()
        page.get_by_role("button", name="Close").click()
        page.reload()
        page.keyboard.press("a")
        page.keyboard.press("?")
        expect(page.locator("#keys")).to_be_hidden()
        assert status(review) == "pending"
        watched.check(host=urlsplit(live_server.url).netloc)


def test_many_at_once_of_which_one_has_changed(live_server: LiveServer) -> None:
    reviews, ada = [a_held_review() for _ in range(3)], moderator(display_name="Ada")
    with a_page(viewport={"width": 1280, "height": 800}) as watched:
        page = sign_in(watched, live_server.url)
        page.goto(f"{live_server.url}{LIST}")
        for _ in reviews:
            page.keyboard.press("j")
            page.keyboard.press("x")
        meanwhile(lambda: decide(reviews[1], APPROVE, moderator=ada))
        page.get_by_label("Action:").select_option("hide_selected")
        page.get_by_role("button", name="Go", exact=True).click()
        expect(page.locator(".rows li")).to_have_count(3)
        watched.check_accessibility()
        page.get_by_label("Insulting or threatening").check()
        page.get_by_role("button", name="Hide reviews").click()
        expect(page.get_by_role("heading", name="2 of 3 reviews hidden")).to_be_visible()
        expect(page.locator("ul.results li").first).to_contain_text("Approved by Ada")
        watched.check_accessibility()
        assert [status(each) for each in reviews] == ["hidden", "published", "hidden"]
        watched.check(host=urlsplit(live_server.url).netloc)
