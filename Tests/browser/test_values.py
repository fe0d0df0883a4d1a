"""The page shows what the coordinator's state says, and nothing else."""

import copy
import unittest

import fixture_states
from chromium import PageCase
from fixture_server import FixtureServer

DASH = "–"


class ValuesTests(PageCase):
    def serve(self, state, devices=()):
        server = FixtureServer(state, devices).start()
        self.addCleanup(server.stop)
        return server

    def test_every_figure_equals_the_state(self):
        state = fixture_states.state()
        page = self.open(self.serve(state).address)
        run, queue, pipeline = state["run"], state["queue"], state["pipeline"]
        for selector, text in {
            "#version": "0.1.0", "#run-name": f"{run['recipe']}\n{run['id']}", "#run-state": "training",
            "#run-step": "240 / 376", "#run-share": "63.8 %, epoch 2", "#run-loss": f"{run['loss']:.4f}",
            "#run-rate": "learning rate 1.0e-3", "#run-accuracy": f"{run['accuracy']:.3f}", "#run-speed": "944",
            "#run-eta": "1 min 0 s", "#bubble": f"{pipeline['bubble_ratio'] * 100:.1f} %", "#pipeline-step": "Step 240",
            "#pipeline-stages": "3", "#pipeline-batches": "8", "#queue-messages": str(queue["messages"]),
            "#queue-bytes": "18.4 MB", "#queue-capacity": "of 268 MB", "#queue-age": "12 s",
            "#queue-credits": "64.0 MB", "#wire-received": "131 MB", "#wire-sent": "17.2 kB",
            "#wire-codecs": "f32 120 MB\nint8 11.2 MB", "#devices-total": "4 in all", "#devices-states": "4 publishing",
        }.items():
            self.expect_text(page, selector, text)
        self.assertAlmostEqual(page.evaluate("document.getElementById('run-progress').value"), 240 / 376, places=6)
        self.assertEqual(page.title(), "240/376 movies-quick – Permafrost")

    def test_tables_have_a_row_for_each_class_worker_and_event(self):
        state = fixture_states.state()
        page = self.open(self.serve(state).address)
        self.assertEqual(self.rows(page, "#classes"), [
            [str(row["cut"]), "1", str(row["lag_samples"]), "1.31 MB", f"{row['settled_bytes'] / 1e6:.1f} MB",
             str(row["redelivered"]), f"{row['slowest_seen_seconds']:.1f} s"] for row in state["devices"]["classes"]])
        self.assertEqual(self.rows(page, "#worker-list"), [
            [row["id"], row["state"], "0", str(row["stage"]), "33 %", f"{0.4 * number:.1f} s", "Drain"]
            for number, row in enumerate(state["workers"])])
        self.assertEqual(
            [row[1:] for row in self.rows(page, "#event-list")],
            [[row["level"], row["source"], row["text"]] for row in state["events"]])

    def test_a_chart_has_all_points_and_the_gantt_all_operations(self):
        state = fixture_states.state()
        page = self.open(self.serve(state).address)
        path = page.get_attribute("#chart-loss .points", "d")
        self.assertEqual(path.count("M") + path.count("L"), len(state["history"]))
        self.assertIn(f"{state['run']['loss']:.4f} at step 240", page.get_attribute("#chart-loss svg", "aria-label"))
        for number, stage in enumerate(state["pipeline"]["stages"]):
            row = f".gantt-row:nth-child({number + 1})"
            self.assertEqual(page.locator(f"{row} .op").count(), len(stage["operations"]))
            for kind in ("F0", "F", "B", "W"):
                wanted = sum(operation["op"] == kind for operation in stage["operations"])
                self.assertEqual(page.locator(f"{row} .op-{kind}").count(), wanted)
        letters = self.texts(page, ".gantt-row:nth-child(2) .op text")
        ordered = sorted(state["pipeline"]["stages"][1]["operations"], key=lambda operation: operation["start_seconds"])
        self.assertEqual(letters, [operation["op"] for operation in ordered])

    def test_pointing_at_a_bar_or_a_curve_tells_its_numbers(self):
        page = self.open(self.serve(fixture_states.state()).address)
        page.hover(".gantt-row:first-child .op-B >> nth=0")
        self.assertRegex(page.text_content("#gantt-readout"), r"stage 0  B  micro-batch 0  \d+ ms")
        page.hover("#chart-loss svg", position={"x": 60, "y": 60})
        self.assertRegex(page.text_content("#chart-loss .readout"), r"step \d+ +\d\.\d{4}")

    def test_what_is_not_known_is_a_dash(self):
        for state in ({}, {"version": "0.1.0", "time": 1.0, "run": {}, "devices": {}, "pipeline": {"stages": []}}):
            page = self.open(self.serve(state).address)
            for id in ("run-state", "run-loss", "run-accuracy", "run-speed", "run-eta", "bubble", "pipeline-time",
                       "pipeline-stages", "queue-messages", "queue-bytes", "queue-age", "queue-credits",
                       "wire-received"):
                self.assertEqual(page.text_content(f"#{id}"), DASH, id)
            self.assertEqual(page.text_content("#run-step"), "– / –")
            self.assertNotRegex(page.inner_text("body"), "undefined|NaN|null|Infinity")

    def test_an_ended_run_says_why_and_how_long_it_took(self):
        state = fixture_states.state(step=376)
        state["run"].update(
            state="failed", ended=state["run"]["begun"] + 209, exit_code=61, reason="the loss is not a number")
        page = self.open(self.serve(state).address)
        self.expect_text(page, "#run-reason", "The run failed: the loss is not a number. Exit code 61.")
        self.assertTrue(page.is_visible("#run-reason"))
        self.assertIn("took 3 min 29 s", page.text_content("#run-times"))
        self.assertEqual(page.text_content("#run-eta"), DASH)

    def test_a_full_store_is_said(self):
        state = fixture_states.state()
        state["queue"]["full"] = True
        page = self.open(self.serve(state).address)
        self.expect_text(page, "#queue-note", "The store is full: devices wait")

    def test_text_that_looks_like_markup_is_shown_as_text(self):
        attack = "<img src=x onerror=\"window.pwned=1\"><script>window.pwned=1</script>"
        state = copy.deepcopy(fixture_states.state())
        state["version"] = attack
        state["run"].update(id=attack, recipe=attack, state=attack, reason=attack)
        state["workers"][0].update(id=attack, state=attack)
        state["devices"]["by_state"] = {attack: 4}
        state["wire"]["by_codec"] = {attack: 1}
        state["pipeline"]["stages"][0].update(worker=attack)
        state["pipeline"]["stages"][0]["operations"][0]["op"] = attack
        state["events"][0].update(text=attack, source=attack, level=attack)
        device = fixture_states.device(0)
        device.update(id=attack, state=attack)
        page = self.open(self.serve(state, [device]).address)
        self.show_list(page)
        self.expect_text(page, "#list tbody th", attack)
        self.expect_text(page, "#event-list tbody td.text", attack)
        self.expect_text(page, "#worker-list tbody th", attack)
        self.assertEqual(page.evaluate("window.pwned"), None)
        self.assertEqual(page.locator("img[src=x], main script").count(), 0)


if __name__ == "__main__":
    unittest.main()
