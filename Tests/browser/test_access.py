"""Whoever sees, hears or types can use the page, on a desk, on a phone and on paper."""

import unittest

import fixture_states
from chromium import DESKTOP, PHONE, PageCase
from fixture_server import FixtureServer


class AccessTests(PageCase):
    def setUp(self):
        super().setUp()
        state = fixture_states.state()
        state["workers"][2]["can_drain"] = False
        self.server = FixtureServer(state, [fixture_states.device(number) for number in range(12)], token="ice").start()
        self.addCleanup(lambda: self.server.server and self.server.stop())

    def open_whole(self, **options):
        page = self.open(self.server.address, **options)
        self.show_list(page)
        return page

    def test_labels_roles_and_contrast_are_right_in_both_schemes_and_sizes(self):
        for scheme in ("light", "dark"):
            for viewport in (DESKTOP, PHONE):
                with self.subTest(scheme=scheme, width=viewport["width"]):
                    page = self.open_whole(color_scheme=scheme, viewport=viewport)
                    self.check_accessible(page)
                    page.fill("#token", "ice")
                    page.click("#worker-list tr:first-child button")
                    self.check_accessible(page)

    def test_they_are_right_when_nothing_is_known_and_when_all_is_bad(self):
        failed = fixture_states.state(step=376)
        failed["run"].update(state="failed", exit_code=61, reason="the loss is not a number")
        failed["queue"]["full"] = True
        failed["devices"]["by_state"] = {"failed": 4}
        self.expected_errors = ("ERR_",)
        for state in ({}, failed):
            self.server.publish(state)
            pages = [self.open_whole(color_scheme=scheme) for scheme in ("light", "dark")]
            self.server.stop()
            for page in pages:
                page.wait_for_selector("body[data-link=stale]")
                self.check_accessible(page)
                page.context.close()
            self.server.start()

    def test_nothing_scrolls_sideways_on_a_phone(self):
        state = self.server.state
        state["events"][0]["text"] = "a-word-without-any-end-" * 20
        state["run"].update(id="run-" * 30, state="completed", reason="x" * 200)
        state["workers"][0]["id"] = "worker-with-a-very-long-name-" * 4
        for row in state["devices"]["classes"]:
            row.update(lag_samples=123_456_789, settled_bytes=10**15, slowest_seen_seconds=86_400 * 300.5)
        self.server.devices[0]["id"] = "device-" * 30
        for width in (375, 320):
            with self.subTest(width=width):
                page = self.open_whole(viewport={"width": width, "height": 700})
                self.check_no_sideways_scrolling(page)

    def test_everything_is_reached_by_keyboard_with_a_visible_focus(self):
        page = self.open_whole()
        page.evaluate("scrollTo(0, 0)")
        page.keyboard.press("Tab")
        self.assertEqual(page.evaluate("document.activeElement.className"), "skip")
        seen = []
        for _ in range(40):
            page.keyboard.press("Tab")
            found = page.evaluate("""() => {
                const node = document.activeElement;
                if (node === document.body) return null;
                return [node.id || node.getAttribute("aria-label") || node.getAttribute("href"),
                    getComputedStyle(node).outlineStyle, parseFloat(getComputedStyle(node).outlineWidth)];
            }""")
            if found is None:
                break
            seen.append(found)
        self.assertTrue(all(style == "solid" and width >= 2 for _, style, width in seen), seen)
        names = [name for name, _, _ in seen]
        self.assertEqual(
            names, ["#run", "#pipeline", "#queue", "#devices", "#workers", "#events", "list-state", "list-class",
                    "token", "api/v1/state", "metrics"], "buttons that do nothing are left out")

    def test_a_worker_is_drained_by_keyboard_alone(self):
        page = self.open(self.server.address)
        page.focus("#token")
        page.keyboard.type("ice")
        page.keyboard.press("Tab")
        self.assertEqual(page.evaluate("document.activeElement.getAttribute('aria-label')"), "Drain worker-1")
        page.keyboard.press("Enter")
        self.assertEqual(page.evaluate("document.activeElement.textContent"), "Keep it")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        self.expect_text(page, "#drain-answer", "worker-1 is asked to leave.")

    def test_an_update_leaves_focus_where_it_is(self):
        page = self.open(self.server.address)
        page.fill("#token", "ice")
        page.focus("#worker-list tr:nth-child(2) button")
        state = fixture_states.state(step=241)
        state["workers"].insert(0, {"id": "worker-0", "state": "standby", "can_drain": True})
        self.server.publish(state)
        self.expect_text(page, "#run-step", "241 / 376")
        self.assertEqual(page.evaluate("document.activeElement.getAttribute('aria-label')"), "Drain worker-2")

    def test_tables_have_headers_with_scope_and_a_caption(self):
        page = self.open_whole()
        for table in ("#stages", "#classes", "#list", "#worker-list", "#event-list"):
            self.assertEqual(page.locator(f"{table} caption").count(), 1)
            self.assertEqual(page.locator(f"{table} thead th:not([scope=col])").count(), 0)
            self.assertGreater(page.locator(f"{table} tbody th[scope=row]").count(), 0)

    def test_nothing_moves_for_those_who_want_it_still(self):
        moving = """() => [...document.querySelectorAll("*")].filter((node) => {
            const style = getComputedStyle(node);
            return style.animationName !== "none" || parseFloat(style.transitionDuration) > 0
                || style.scrollBehavior === "smooth";
        }).length"""
        self.assertEqual(self.open(self.server.address, reduced_motion="reduce").evaluate(moving), 0)
        self.assertGreater(self.open(self.server.address, reduced_motion="no-preference").evaluate(moving), 0)

    def test_paper_gets_figures_and_no_controls(self):
        page = self.open_whole(color_scheme="dark")
        page.emulate_media(media="print")
        for selector in ("nav", "#operator", "#list-filter", "#list", "#worker-list .action"):
            self.assertFalse(page.locator(selector).first.is_visible(), selector)
        for selector in ("#run-loss", "#chart-loss svg", ".gantt-row svg", "#classes table", "#event-list table"):
            self.assertTrue(page.locator(selector).first.is_visible(), selector)
        self.assertEqual(page.evaluate("getComputedStyle(document.body).backgroundColor"), "rgb(255, 255, 255)")


if __name__ == "__main__":
    unittest.main()
