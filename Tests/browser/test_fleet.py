"""A large fleet and a long step leave the page as small as a small one."""

import unittest

import fixture_states
from chromium import PageCase
from fixture_server import FixtureServer

DEVICES = 5000


class FleetTests(PageCase):
    def setUp(self):
        super().setUp()
        devices = [fixture_states.device(number) for number in range(DEVICES)]
        state = fixture_states.state(devices=DEVICES)
        state["devices"]["by_state"] = {
            name: sum(row["state"] == name for row in devices) for name in ("publishing", "finished", "away")}
        self.server = FixtureServer(state, devices).start()
        self.addCleanup(self.server.stop)

    def open_list(self):
        page = self.open(self.server.address)
        self.show_list(page)
        return page

    def test_five_thousand_devices_come_a_page_at_a_time(self):
        page = self.open_list()
        self.expect_text(page, "#list-range", "1–50 of 5\u202f000")
        self.assertEqual(page.locator("#list tbody tr").count(), 50)
        self.assertTrue(page.is_disabled("#list-previous"))
        page.click("#list-next")
        self.expect_text(page, "#list-range", "51–100 of 5\u202f000")
        self.assertEqual(page.text_content("#list tbody tr:first-child th"), "device-51")
        page.click("#list-previous")
        self.expect_text(page, "#list-range", "1–50 of 5\u202f000")
        self.assertLess(page.evaluate("document.querySelectorAll('*').length"), 3000)

    def test_the_list_is_filtered_by_state_and_class(self):
        page = self.open_list()
        self.assertEqual(self.texts(page, "#list-state option"), ["all", "publishing", "finished", "away"])
        page.select_option("#list-state", "away")
        self.expect_text(page, "#list-range", "1–50 of 1\u202f000")
        page.select_option("#list-class", "6")
        self.expect_text(page, "#list-range", "1–50 of 250")
        self.assertEqual({tuple(row[1:3]) for row in self.rows(page, "#list")}, {("away", "6")})

    def test_the_last_page_of_a_list_that_shrank_is_found(self):
        page = self.open_list()
        page.click("#list-next")
        self.expect_text(page, "#list-range", "51–100 of 5\u202f000")
        self.server.devices = self.server.devices[:30]
        page.click("#list-next")
        self.expect_text(page, "#list-range", "1–30 of 30")

    def test_a_list_that_cannot_be_read_says_so(self):
        self.expected_errors = ("500",)
        page = self.open_list()
        page.route("**/api/v1/devices?*", lambda route: route.fulfill(status=500, body="no"))
        page.click("#list-next")
        self.expect_text(
            page, "#list-error", "The list could not be read: the coordinator answered 500. It is tried again.")
        self.assertEqual(page.locator("#list tbody tr").count(), 50)

    def test_a_list_that_nobody_sees_is_not_asked_for(self):
        self.open(self.server.address)
        self.assertNotIn("/api/v1/devices", self.server.requests)

    def test_a_step_of_many_operations_has_no_more_bars_than_pixels(self):
        state = fixture_states.state()
        state["pipeline"]["stages"] = [{"stage": 0, "worker": "worker-1", "operations": [
            {"op": "FB"[number % 2], "micro_batch": number, "start_seconds": number / 1e3,
             "end_seconds": (number + 0.9) / 1e3}
            for number in range(20_000)]}]
        self.server.publish(state)
        page = self.open(self.server.address)
        width = page.evaluate("document.querySelector('.gantt-row svg').clientWidth")
        self.assertLessEqual(page.locator(".op").count(), width)

    def test_operations_at_the_same_time_have_lanes_of_their_own(self):
        state = fixture_states.state()
        state["pipeline"]["stages"] = [{"stage": 0, "worker": "worker-1", "operations": [
            {"op": "F", "micro_batch": number, "start_seconds": 0.1 * number, "end_seconds": 0.1 * number + 0.15}
            for number in range(4)]}]
        self.server.publish(state)
        page = self.open(self.server.address)
        heights = page.eval_on_selector_all(".op rect", "(all) => all.map((bar) => bar.getAttribute('y'))")
        self.assertEqual(len(set(heights)), 2)


if __name__ == "__main__":
    unittest.main()
