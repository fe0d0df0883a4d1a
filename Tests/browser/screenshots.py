"""Pictures of the page at desktop and phone width, in light and dark.

    python Tests/browser/screenshots.py FOLDER [ADDRESS]

Without an address, of the fixture's run.
"""

import pathlib
import sys
import time

from playwright.sync_api import sync_playwright

import fixture_states
from chromium import launch
from fixture_server import FixtureServer

WIDTHS = {"desktop": (1280, 900), "phone": (375, 812)}


def take(browser, address, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, (width, height) in WIDTHS.items():
        for scheme in ("light", "dark"):
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce")
            page.goto(address)
            page.wait_for_selector("body[data-link=live]")
            page.locator("#list-filter").scroll_into_view_if_needed()
            page.wait_for_function("() => document.getElementById('list-range').textContent !== '–'")
            page.evaluate("scrollTo(0, 0)")
            page.screenshot(path=folder / f"{name}-{scheme}.png", full_page=True)
            page.close()


def main():
    folder = pathlib.Path(sys.argv[1])
    server = None
    if len(sys.argv) > 2:
        address = sys.argv[2]
    else:
        begun = time.time() - 240
        devices = [fixture_states.device(number, begun) for number in range(12)]
        server = FixtureServer(fixture_states.state(devices=12, time=begun), devices).start()
        address = server.address
    with sync_playwright() as playwright:
        browser = launch(playwright)
        take(browser, address, folder)
        browser.close()
    if server:
        server.stop()


if __name__ == "__main__":
    main()
