"""Draining a worker from the page: a token, a question, the coordinator's answer."""

import unittest

import fixture_states
from chromium import PageCase
from fixture_server import FixtureServer

BUTTON = "#worker-list tr:nth-child(2) button"


class OperatorTests(PageCase):
    def serve(self, token="summer ice", state=None):
        self.server = FixtureServer(state or fixture_states.state(), token=token).start()
        self.addCleanup(self.server.stop)
        return self.server.address

    def drain(self, page, answer="Drain it"):
        page.click(BUTTON)
        page.click(f"dialog button:text-is('{answer}')")

    def test_buttons_are_dead_until_a_token_is_typed(self):
        page = self.open(self.serve())
        self.assertTrue(page.is_disabled(BUTTON))
        page.fill("#token", "x")
        self.assertTrue(page.is_enabled(BUTTON))
        page.fill("#token", "")
        self.assertTrue(page.is_disabled(BUTTON))

    def test_a_worker_that_cannot_be_drained_has_a_dead_button(self):
        state = fixture_states.state()
        state["workers"][1]["can_drain"] = False
        page = self.open(self.serve(state=state))
        page.fill("#token", "summer ice")
        self.assertTrue(page.is_disabled(BUTTON))
        self.assertTrue(page.is_enabled("#worker-list tr:first-child button"))

    def test_the_right_token_and_a_yes_drain_the_worker(self):
        page = self.open(self.serve())
        page.fill("#token", "summer ice")
        page.click(BUTTON)
        self.assertEqual(page.text_content("#drain-title"), "Drain worker-2?")
        page.click("dialog button:text-is('Drain it')")
        self.expect_text(page, "#drain-answer", "worker-2 is asked to leave.")
        self.assertEqual(self.server.drained, ["worker-2"])

    def test_no_and_escape_drain_nothing(self):
        page = self.open(self.serve())
        page.fill("#token", "summer ice")
        self.drain(page, "Keep it")
        page.click(BUTTON)
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog", state="hidden")
        # Focus goes back to where it was, and a later yes asks once.
        self.assertEqual(page.evaluate("document.activeElement.getAttribute('aria-label')"), "Drain worker-2")
        self.assertEqual(self.server.drained, [])
        self.drain(page)
        self.expect_text(page, "#drain-answer", "worker-2 is asked to leave.")
        self.assertEqual(self.server.drained, ["worker-2"])

    def test_the_coordinators_refusal_is_shown(self):
        self.expected_errors = ("401", "403")
        page = self.open(self.serve())
        page.fill("#token", "wrong")
        self.drain(page)
        self.expect_text(page, "#drain-answer", "worker-2 is not drained: the token is missing or wrong (401)")
        self.server.token = None
        self.drain(page)
        self.expect_text(
            page, "#drain-answer",
            "worker-2 is not drained: read-only: the coordinator has no --http-token-file (403)")
        self.assertEqual(self.server.drained, [])

    def test_a_refusal_with_a_remedy_is_shown_with_it(self):
        self.expected_errors = ("409",)
        page = self.open(self.serve())
        page.route("**/drain", lambda route: route.fulfill(status=409, json={
            "error": {"code": 69, "message": "worker-2 is the only one", "remedy": "start another first"}}))
        page.fill("#token", "summer ice")
        self.drain(page)
        self.expect_text(
            page, "#drain-answer", "worker-2 is not drained: worker-2 is the only one. start another first (409)")

    def test_a_token_that_no_header_can_carry_is_an_error_in_words(self):
        page = self.open(self.serve())
        page.fill("#token", "жар")
        self.drain(page)
        page.wait_for_selector("#drain-answer.bad")
        self.assertIn("worker-2 is not drained", page.text_content("#drain-answer"))

    def test_the_token_stays_in_memory(self):
        page = self.open(self.serve())
        page.fill("#token", "summer ice")
        page.press("#token", "Enter")
        self.drain(page)
        self.expect_text(page, "#drain-answer", "worker-2 is asked to leave.")
        kept = page.evaluate("[localStorage.length, sessionStorage.length, document.cookie, location.search]")
        self.assertEqual(kept, [0, 0, "", ""])
        page.reload()
        page.wait_for_selector("body[data-link=live]")
        self.assertEqual(page.input_value("#token"), "")

    def test_a_name_with_signs_is_asked_for_as_it_is(self):
        state = fixture_states.state()
        state["workers"][1]["id"] = "rack 3/worker?2"
        page = self.open(self.serve(state=state))
        page.fill("#token", "summer ice")
        self.drain(page)
        self.expect_text(page, "#drain-answer", "rack 3/worker?2 is asked to leave.")
        self.assertEqual(self.server.drained, ["rack 3/worker?2"])


if __name__ == "__main__":
    unittest.main()
