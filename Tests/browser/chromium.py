"""The browser of these tests: Debian's Chromium, or the one that CHROMIUM names."""

import os
import unittest
import urllib.parse

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import TimeoutError, sync_playwright

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 375, "height": 812}
# Chromium ends all requests when an interface of the machine comes or goes, such as a container's. No fault of a page.
MACHINES_NETWORK = "ERR_NETWORK_CHANGED"


def launch(playwright):
    # Root needs --no-sandbox; nobody else gives the sandbox up.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    return playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=options)


class PageCase(unittest.TestCase):
    """Opens pages. What a page writes as an error to its console, throws, or asks of another host fails its test."""

    @classmethod
    def setUpClass(cls):
        playwright = sync_playwright().start()
        cls.addClassCleanup(playwright.stop)
        cls.browser = launch(playwright)
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        self.errors = []
        self.expected_errors = ()

    def open(self, address, viewport=None, until="live", **options):
        context = self.browser.new_context(
            viewport=viewport or DESKTOP, reduced_motion=options.pop("reduced_motion", "reduce"), **options)
        self.addCleanup(context.close)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda message: message.type in ("error", "warning") and self.errors.append(message.text))
        page.on("pageerror", lambda error: self.errors.append(f"thrown: {error}"))
        hosts = set()
        page.on("request", lambda request: hosts.add(urllib.parse.urlsplit(request.url).netloc))
        self.addCleanup(self.check_quiet, urllib.parse.urlsplit(address).netloc, hosts)
        page.goto(address)
        if until:
            self.wait_for_link(page, until)
            # What was received is drawn with the next frame.
            page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return page

    def wait_for_link(self, page, kind):
        try:
            page.wait_for_selector(f"body[data-link={kind}]")
        except TimeoutError:
            if not any(MACHINES_NETWORK in text for text in self.errors):
                raise
            page.reload()
            page.wait_for_selector(f"body[data-link={kind}]")

    def show_list(self, page):
        """Scrolls to the list of devices, which is loaded when it comes into sight."""
        page.locator("#list-filter").scroll_into_view_if_needed()
        page.wait_for_function("() => document.getElementById('list-range').textContent !== '–'")

    def check_quiet(self, host, hosts):
        expected = (*self.expected_errors, MACHINES_NETWORK)
        errors = [text for text in self.errors if not any(word in text for word in expected)]
        self.assertEqual(errors, [])
        self.assertEqual(hosts, {host}, "the page asked other hosts")

    def expect_text(self, page, selector, text, within=10_000):
        """Returns when an element shows a text; fails with what it shows instead."""
        try:
            page.wait_for_function(
                "([selector, text]) => document.querySelector(selector)?.textContent === text", arg=[selector, text],
                timeout=within)
        except Exception as error:
            self.fail(f"{selector} shows '{page.text_content(selector)}', expected '{text}' ({type(error).__name__})")

    def texts(self, page, selector):
        return page.eval_on_selector_all(selector, "(nodes) => nodes.map((node) => node.textContent)")

    def rows(self, page, table):
        """The cells of a table's rows."""
        return page.eval_on_selector_all(
            f"{table} tbody tr", "(rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent))")

    def check_accessible(self, page):
        """No violation of any rule of axe-core: labels, roles, contrast, order of headings, landmarks."""
        results = Axe().run(page)
        self.assertGreater(len(results.response["passes"]), 15, "axe-core has checked next to nothing")
        self.assertEqual(results.violations_count, 0, results.generate_report())

    def check_no_sideways_scrolling(self, page):
        wide = page.evaluate("""() => [...document.querySelectorAll("body *")]
            .filter((node) => !node.closest(".unseen, .skip, thead, [hidden]"))
            .filter((node) => node.getBoundingClientRect().right > innerWidth + 0.5)
            .map((node) => `${node.tagName} #${node.id} .${node.className}`)""")
        self.assertEqual(wide, [])
        self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), page.evaluate("innerWidth"))
