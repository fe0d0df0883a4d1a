"""The page follows the coordinator: at once, through restarts, without growing."""

import re
import unittest

import fixture_states
from chromium import PageCase
from fixture_server import FixtureServer

# What Chromium writes to the console while nobody listens.
OUTAGE = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE", "ERR_INCOMPLETE_CHUNKED_ENCODING")


class UpdateTests(PageCase):
    def setUp(self):
        super().setUp()
        self.server = FixtureServer(fixture_states.state()).start()
        self.addCleanup(lambda: self.server.server and self.server.stop())

    def test_a_change_is_shown_within_two_seconds(self):
        page = self.open(self.server.address)
        for step in (241, 242, 300):
            self.server.publish(fixture_states.state(step=step))
            self.expect_text(page, "#run-step", f"{step} / 376", within=2000)

    def test_only_what_changed_is_touched(self):
        page = self.open(self.server.address)
        page.evaluate("""() => {
            window.touched = new Set();
            new MutationObserver((changes) => changes.forEach((change) => {
                const node = change.target.nodeType === 1 ? change.target : change.target.parentElement;
                window.touched.add(node?.closest("[id]")?.id);
            })).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
        }""")
        state = fixture_states.state()
        state["queue"]["messages"] = 249
        self.server.publish(state)
        self.expect_text(page, "#queue-messages", "249")
        touched = set(page.evaluate("[...window.touched]"))
        self.assertIn("queue-messages", touched)
        self.assertLessEqual(touched, {"queue-messages", "link", "link-text"})

    def test_a_restarted_coordinator_is_found_again(self):
        self.expected_errors = OUTAGE
        page = self.open(self.server.address)
        self.server.stop()
        page.wait_for_selector("body[data-link=stale]")
        self.assertRegex(page.text_content("#link-text"), r"^stale since [\d:]+, (next try in \d+ s|trying now)$")
        self.assertEqual(page.text_content("#run-step"), "240 / 376")
        self.expect_text(page, "#announcements", "The coordinator does not answer. What is shown is stale.")
        self.server.publish(fixture_states.state(step=250))
        self.server.start()
        self.expect_text(page, "#run-step", "250 / 376", within=15_000)
        page.wait_for_selector("body[data-link=live]")
        self.expect_text(page, "#announcements", "The coordinator answers again.")
        self.server.publish(fixture_states.state(step=251))
        self.expect_text(page, "#run-step", "251 / 376", within=2000)

    def test_without_an_event_stream_states_are_asked_for(self):
        self.expected_errors = ("404",)
        self.server.has_events = False
        page = self.open(self.server.address, until="polling")
        self.assertRegex(page.text_content("#link-text"), r"^no event stream, asked at [\d:]+$")
        self.server.publish(fixture_states.state(step=260))
        self.expect_text(page, "#run-step", "260 / 376", within=15_000)

    def test_a_silent_stream_is_opened_anew(self):
        page = self.browser.new_page()
        self.addCleanup(page.close)
        page.clock.install()
        page.goto(self.server.address)
        page.wait_for_selector("body[data-link=live]")
        before = self.server.requests.count("/api/v1/events")
        page.clock.fast_forward(25_000)
        with page.expect_request(re.compile("/api/v1/events"), timeout=10_000):
            page.clock.run_for(2_000)
        page.wait_for_selector("body[data-link=live]")
        self.assertGreaterEqual(self.server.requests.count("/api/v1/events"), before + 1)

    def test_changes_of_state_are_announced_and_ticks_are_not(self):
        page = self.open(self.server.address)
        self.server.publish(fixture_states.state(step=241))
        self.expect_text(page, "#run-step", "241 / 376")
        self.assertEqual(page.text_content("#announcements"), "")
        state = fixture_states.state(step=242)
        state["run"]["state"] = "stopping"
        state["workers"][1]["state"] = "draining"
        self.server.publish(state)
        self.expect_text(page, "#announcements", "The run is stopping. worker-2 is draining.")

    def test_hundreds_of_events_leave_the_document_as_large_as_it_was(self):
        page = self.open(self.server.address)
        events = [{"time": float(number), "level": "info", "role": "device", "source": "device-1",
                   "text": f"event {number}"} for number in range(200)]

        def show(newest):
            state = fixture_states.state(step=300, seed=newest)
            state["events"] = events[newest - 50:newest][::-1]
            self.server.publish(state)
            self.expect_text(page, "#event-list tbody tr:first-child .text", f"event {newest - 1}")
            return page.evaluate("document.querySelectorAll('*').length")

        sizes = [show(newest) for newest in range(50, 200)]
        self.assertEqual(page.locator("#event-list tbody tr").count(), 50)
        self.assertLess(max(sizes) - min(sizes), 60, "other figures may need other axis labels, and no more")

    def test_an_event_that_stays_keeps_its_row(self):
        page = self.open(self.server.address)
        page.evaluate("document.querySelector('#event-list tbody tr').marked = true")
        state = fixture_states.state(step=241)
        newest = {"time": 2e9, "level": "info", "role": "worker", "source": "worker-1", "text": "new"}
        state["events"] = [newest, *self.server.state["events"]]
        self.server.publish(state)
        self.expect_text(page, "#event-list tbody tr:first-child .text", "new")
        self.assertTrue(page.evaluate("document.querySelector('#event-list tbody tr:nth-child(2)').marked"))

    def test_equal_events_are_all_shown(self):
        state = fixture_states.state()
        state["events"] = [state["events"][0]] * 3
        self.server.publish(state)
        page = self.open(self.server.address)
        self.server.publish(state)
        self.assertEqual(page.locator("#event-list tbody tr").count(), 3)


if __name__ == "__main__":
    unittest.main()
