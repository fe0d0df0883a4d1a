"""The page of a real coordinator, with a worker and four devices that train the tiny model.

Runs when PERMAFROST_BIN names a built permafrost.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import sys
import tempfile
import time
import unittest
import urllib.request

from chromium import PageCase

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/running"))

from roles import Roles  # noqa: E402

BINARY = os.environ.get("PERMAFROST_BIN")
TINY = ROOT / "Tests/Fixtures/tiny-model"
DEVICES = 4
LIMIT_SECONDS = 120
# What Chromium writes to the console while nobody listens, or while the coordinator is not ready.
OUTAGE = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE", "ERR_INCOMPLETE_CHUNKED_ENCODING",
          "503")


def free_ports(number):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def step_number(text):
    """The step of what the page shows, such as 1 024 / 3 000; 0 while there is none."""
    digits = text.split("/")[0].replace("\u202f", "").strip()
    return int(digits) if digits.isdigit() else 0


@unittest.skipUnless(BINARY, "PERMAFROST_BIN names no built permafrost")
class LiveTests(PageCase):
    def setUp(self):
        super().setUp()
        folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        shutil.copytree(TINY, folder, dirs_exist_ok=True)
        self.ledger = folder / "coordinator/ledger.sqlite"
        token = folder / "token"
        token.write_text("summer-ice-of-the-north\n")
        token.chmod(0o600)
        wire, worker, web = free_ports(3)
        self.address = f"http://127.0.0.1:{web}"
        self.coordinator = [
            BINARY, "coordinator", folder / "recipe.yaml", f"network.coordinator=tcp://127.0.0.1:{wire}",
            f"model.path={folder}/tiny.gguf", f"data.path={folder}/sentences.txt",
            "training.epochs=3000", "model.frozen_blocks=2", "devices.cuts=[2,2,1,0]", "pipeline.stages=2",
            "--state", folder / "coordinator", "--insecure", "--http", f"127.0.0.1:{web}", "--http-token-file", token]
        self.roles = Roles(folder / "logs")
        self.addCleanup(self.roles.end)
        self.roles.start("coordinator", *self.coordinator)
        link = ["--coordinator", f"tcp://127.0.0.1:{wire}", "--insecure"]
        self.roles.start(
            "worker-1", BINARY, "worker", "--id", "worker-1", "--state", folder / "worker-1", "--listen",
            f"tcp://127.0.0.1:{worker}", *link)
        for number in range(1, DEVICES + 1):
            self.roles.start(f"device-{number}", BINARY, "device", "--id", f"device-{number}", *link)
        self.wait_for(lambda: self.step() > 0, "the run's first step")

    def state(self):
        with urllib.request.urlopen(f"{self.address}/api/v1/state", timeout=10) as answer:
            return json.load(answer)

    def step(self):
        try:
            return self.state()["run"].get("step", 0)
        except (OSError, KeyError):
            return 0

    def wait_for(self, condition, what):
        deadline = time.monotonic() + LIMIT_SECONDS
        while not condition():
            gone = [name for name, process in self.roles.processes.items() if process.poll() is not None]
            if gone or time.monotonic() > deadline:
                said = "".join(f"{name}:\n{self.roles.text(name)[-800:]}\n" for name in self.roles.processes)
                self.fail(f"{what} did not come; ended: {', '.join(gone) or 'none'}\n{said}")
            time.sleep(0.1)

    def shown_step(self, page):
        return step_number(page.text_content("#run-step"))

    def test_the_page_shows_the_state_and_follows_it(self):
        page = self.open(self.address)
        first = self.shown_step(page)
        page.wait_for_function(
            "(step) => parseInt(document.getElementById('run-step').textContent.replace(/\\u202f/g, '')) > step",
            arg=first, timeout=LIMIT_SECONDS * 1000)
        # A worker that stands still makes no steps, so that page and state can be compared at rest.
        self.roles.processes["worker-1"].send_signal(signal.SIGSTOP)
        self.addCleanup(self.roles.processes["worker-1"].send_signal, signal.SIGCONT)
        self.wait_for(self.has_settled(), "a state that stays")
        state = self.state()
        run = state["run"]
        self.wait_for(lambda: self.shown_step(page) == run["step"], "the newest step on the page")
        self.assertEqual(page.text_content("#run-state"), run["state"])
        self.assertEqual(page.text_content("#run-name"), f"{run['recipe']}\n{run['id']}")
        self.assertEqual(page.text_content("#run-loss"), f"{run['loss']:.4f}")
        self.assertEqual(page.text_content("#devices-total"), f"{state['devices']['total']} in all")
        self.assertEqual(
            [row[0] for row in self.rows(page, "#classes")], [str(row["cut"]) for row in state["devices"]["classes"]])
        self.assertEqual([row[0] for row in self.rows(page, "#worker-list")], [row["id"] for row in state["workers"]])
        self.assertEqual(
            [row[3] for row in self.rows(page, "#event-list")], [event["text"] for event in state["events"]][:50])
        self.assertEqual(page.locator(".gantt-row").count(), len(state["pipeline"]["stages"]))
        self.assertGreater(page.locator(".gantt-row .op").count(), 0)
        self.show_list(page)
        self.assertEqual(page.text_content("#list-range"), f"1–{DEVICES} of {DEVICES}")
        self.assertEqual(
            sorted(row[0] for row in self.rows(page, "#list")),
            [f"device-{number}" for number in range(1, DEVICES + 1)])

    def has_settled(self):
        """Whether two looks a second apart see the same."""
        last = []

        def look():
            state = self.state()
            last.append([state["run"]["step"], len(state["events"]), state["run"].get("loss")])
            time.sleep(1)
            return len(last) > 1 and last[-1] == last[-2]

        return look

    def test_a_step_is_on_the_page_within_two_seconds_of_its_record(self):
        page = self.open(self.address)
        page.evaluate("""() => {
            const step = document.getElementById('run-step');
            window.shown = [];
            new MutationObserver(() => window.shown.push([step.textContent, Date.now() / 1000]))
                .observe(step, { childList: true, characterData: true, subtree: true });
        }""")
        page.wait_for_function("() => window.shown.length > 5", timeout=LIMIT_SECONDS * 1000)
        with contextlib.closing(sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True)) as ledger:
            recorded = dict(ledger.execute("SELECT step, time FROM steps"))
        shown = page.evaluate("() => window.shown")
        late = [shown_at - recorded[step_number(text)] for text, shown_at in shown]
        self.assertLess(max(late), 2, late)

    def test_a_coordinator_that_was_killed_is_found_again(self):
        self.expected_errors = OUTAGE
        page = self.open(self.address)
        before = self.shown_step(page)
        process = self.roles.processes["coordinator"]
        process.kill()
        process.wait()
        page.wait_for_selector("body[data-link=stale]")
        self.assertIn("stale since", page.text_content("#link-text"))
        self.roles.start("coordinator", *self.coordinator)
        page.wait_for_selector("body[data-link=live]", timeout=LIMIT_SECONDS * 1000)
        page.wait_for_function(
            "(step) => parseInt(document.getElementById('run-step').textContent.replace(/\\u202f/g, '')) > step",
            arg=before, timeout=LIMIT_SECONDS * 1000)

    def test_a_wrong_token_is_refused_in_the_coordinators_words(self):
        self.expected_errors = ("401",)
        page = self.open(self.address)
        page.fill("#token", "winter")
        page.click("#worker-list button")
        page.click("dialog button:text-is('Drain it')")
        page.wait_for_selector("#drain-answer.bad")
        self.assertIn("token", page.text_content("#drain-answer"))
        self.assertEqual([worker["state"] for worker in self.state()["workers"]], ["training"])

    def test_a_real_page_is_accessible(self):
        page = self.open(self.address)
        self.show_list(page)
        self.check_accessible(page)


if __name__ == "__main__":
    unittest.main()
