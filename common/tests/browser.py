"""A real browser for tests, which notices what a page must not do."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import ConsoleMessage, Page, sync_playwright

_WATCH_POLICY = """
window.violations = [];
document.addEventListener("securitypolicyviolation",
                          (event) => window.violations.push(`${event.effectiveDirective} ${event.blockedURI}`));
"""


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
        watched = Watched(page)
        page.add_init_script(_WATCH_POLICY)
        page.on("console", watched.hear)
        page.on("pageerror", lambda error: watched.console.append(str(error)))
        page.on("request", lambda request: watched.hosts.add(urlsplit(request.url).netloc))
        yield watched
        browser.close()
