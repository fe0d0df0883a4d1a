"""Rules, alerts and the dashboard: checked by promtool, and of metrics that exist."""

import json
import re
import shutil
import subprocess
import unittest

from tools import ROOT, skip

FOLDER = ROOT / "docker/prometheus"
DASHBOARD = ROOT / "docker/grafana/permafrost.json"
METRICS = ROOT / "docs/monitoring.md"
SUFFIXES = r"_(bucket|sum|count)$"


def promtool(*words):
    if not shutil.which("promtool"):
        skip("promtool is not here; Debian's package prometheus has it")
    return subprocess.run(["promtool", *map(str, words)], cwd=FOLDER, capture_output=True, text=True)


def recorded():
    return set(re.findall(r"record: (\S+)", (FOLDER / "rules.yml").read_text()))


def metrics_in(text):
    return {re.sub(SUFFIXES, "", name) for name in re.findall(r"\bpermafrost_[a-z0-9_]+", text)}


def known():
    """The metrics of the table in docs/monitoring.md."""
    return metrics_in(METRICS.read_text())


def alerts():
    return set(re.findall(r"alert: (\S+)", (FOLDER / "alerts.yml").read_text()))


class PrometheusTests(unittest.TestCase):
    def test_configuration_and_rules_are_valid(self):
        for words in (["config", "prometheus.yml"], ["rules", "rules.yml", "alerts.yml"]):
            result = promtool("check", *words)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_alerts_are_silent_in_health_and_fire_otherwise(self):
        result = promtool("test", "rules", "tests/alerts.yml")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_every_alert_has_a_case_in_health_and_one_in_which_it_fires(self):
        cases = re.findall(r"- name: (.*?)\n(.*?)(?=\n    - name:|\Z)", (FOLDER / "tests/alerts.yml").read_text(), re.S)
        silent = set(re.findall(r"alertname: (\w+)", cases[0][1]))
        firing = {name for _, case in cases[1:] for name in re.findall(r"alertname: (\w+)\n\s+exp_alerts:\n", case)}
        self.assertEqual((silent, firing), (alerts(), alerts()))

    def test_every_metric_that_is_asked_for_exists(self):
        for path in (FOLDER / "rules.yml", FOLDER / "alerts.yml", DASHBOARD):
            self.assertEqual(metrics_in(path.read_text()) - known(), set(), path.name)


class DashboardTests(unittest.TestCase):
    def setUp(self):
        self.dashboard = json.loads(DASHBOARD.read_text())
        self.expressions = [target["expr"] for panel in self.dashboard["panels"] for target in panel["targets"]]

    def test_every_panel_has_a_title_an_expression_and_a_place_of_its_own(self):
        places = set()
        for panel in self.dashboard["panels"]:
            self.assertTrue(panel["title"] and panel["targets"])
            grid = panel["gridPos"]
            cells = {(grid["x"] + x, grid["y"] + y) for x in range(grid["w"]) for y in range(grid["h"])}
            self.assertFalse(cells & places, panel["title"])
            self.assertLessEqual(grid["x"] + grid["w"], 24)
            places |= cells

    def test_every_recording_that_is_asked_for_exists(self):
        asked = {name for each in self.expressions for name in re.findall(r"permafrost:[a-z0-9_:]+", each)}
        self.assertEqual(asked - recorded(), set())


if __name__ == "__main__":
    unittest.main()
