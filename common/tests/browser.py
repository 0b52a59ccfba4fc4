"""A real browser for tests, which notices what a page must not do."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page, expect, sync_playwright

from common.tests.factories import PASSWORD
from common.tests.patience import PATIENCE_SECONDS

_WATCH_POLICY = """
window.violations = [];
document.addEventListener("securitypolicyviolation",
                          (event) => window.violations.push(`${event.effectiveDirective} ${event.blockedURI}`));
"""

expect.set_options(timeout=PATIENCE_SECONDS * 1000)

# To read styles again from their addresses, as axe-core does for one rule of little weight, the policy does not allow.
_AXE = {"resultTypes": ["violations"], "preload": False}
# In the dark a page is the same but for its colors.
_IN_SCHEMES: dict[Literal["dark", "light"], dict[str, Any]] = {
    "dark": {**_AXE, "runOnly": ["color-contrast"]},
    "light": _AXE,
}


@dataclass
class Watched:
    """A page, what it said on the console, and the hosts that it asked."""

    page: Page
    console: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def hear(self, message: ConsoleMessage) -> None:
        """Keep what is a complaint, rather than a hint to developers about password forms and the like."""
        if message.type not in {"info", "verbose"}:
            self.console.append(f"{message.type}: {message.text}")

    def check(self, *, host: str) -> None:
        """It kept to the Content-Security-Policy and to `host`, and had nothing to complain of."""
        assert self.page.evaluate("window.violations") == []
        assert self.console == [], (self.page.url, self.console)
        assert self.hosts == {host}

    def check_accessibility(self) -> None:
        """axe-core finds nothing serious or critical in it, in neither color scheme; afterwards it is light.

        What Playwright evaluates is not bound by the policy.
        """
        for scheme, options in _IN_SCHEMES.items():
            self.page.emulate_media(color_scheme=scheme)
            self.page.evaluate("document.getAnimations().forEach((each) => each.cancel())")  # half way between colors
            found = Axe().run(self.page, options=options).response["violations"]
            serious = [_told(rule) for rule in found if rule["impact"] in {"serious", "critical"}]
            assert serious == [], (self.page.url, scheme, serious)

    def check_width(self, width: int) -> None:
        """In a window of this width nothing has to be scrolled sideways."""
        self.page.set_viewport_size({"width": width, "height": 800})
        assert self.page.evaluate("document.documentElement.scrollWidth") <= width, self.page.url


def sign_in(watched: Watched, url: str, *, email: str) -> Page:
    """The page of somebody who has signed in to the admin, with PASSWORD."""
    page = watched.page
    page.goto(f"{url}/admin/")
    page.get_by_role("textbox", name="Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    return page


def _told(rule: dict[str, Any]) -> tuple[str, list[str]]:
    """A rule that a page breaks, and where."""
    return f"{rule['id']}: {rule['help']}", [f"{each['html']} {each['failureSummary']}" for each in rule["nodes"]]


@contextmanager
def a_page(**context: Any) -> Iterator[Watched]:
    """An empty page in a headless Chromium. Without one here the test is skipped, and fails where CI is set."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        missing = "THE PAGES ARE NOT TESTED: there is no Chromium on this machine"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        # The sandbox does not work for root, as whom containers run.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_context(**context).new_page()
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        watched = Watched(page)
        page.add_init_script(_WATCH_POLICY)
        page.on("console", watched.hear)
        page.on("pageerror", lambda error: watched.console.append(str(error)))
        page.on("request", lambda request: watched.hosts.add(urlsplit(request.url).netloc))
        yield watched
        browser.close()
