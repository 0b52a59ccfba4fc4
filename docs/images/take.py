"""Takes the pictures for docs/moderation.md of what a fresh `make run` serves.

`.venv/bin/python docs/images/take.py`, followed by the address if it is not that of `make run`.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
EMAIL, PASSWORD = "moderator@lectern.example", "lectern-demo"
FOLDER = Path(__file__).parent
QUEUE = f"{ADDRESS}/admin/reviews/review/"


def main() -> None:
    """Each page in light and in dark. Nothing is decided, so that it can be run again."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            page = browser.new_page(color_scheme=scheme, viewport={"width": 1280, "height": 860})
            sign_in(page)
            for name, show in {"overview": overview, "queue": queue, "workbench": workbench, "bulk": bulk}.items():
                show(page)
                page.screenshot(path=FOLDER / f"{name}-{scheme}.png")
            page.close()
        browser.close()


def sign_in(page: Page) -> None:
    page.goto(f"{ADDRESS}/admin/")
    page.get_by_role("textbox", name="Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def overview(page: Page) -> None:
    page.goto(f"{ADDRESS}/admin/")


def queue(page: Page) -> None:
    page.goto(QUEUE)
    for _ in range(3):
        page.keyboard.press("j")


def workbench(page: Page) -> None:
    page.goto(f"{QUEUE}?queue=edited")
    page.locator("#result_list th a").first.click()
    page.wait_for_url("**/change/**")
    page.keyboard.press("1")


def bulk(page: Page) -> None:
    page.goto(QUEUE)
    for _ in range(4):
        page.keyboard.press("j")
        page.keyboard.press("x")
    page.get_by_label("Action:").select_option("hide_selected")
    page.get_by_role("button", name="Go", exact=True).click()
    page.get_by_label("Advertising or spam").check()


if __name__ == "__main__":
    main()
