"""scripts/install on pretended machines: PATH holds stand-ins for the commands that it asks."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "install"
MACHINE_UNFIT = 70
# What the script may take from the real machine.
REAL = ("bash", "dirname", "sed", "head", "sort", "awk", "grep", "env")
GOOD = {
    "swift": "echo 'Swift version 6.3.1 (swift-6.3.1-RELEASE)'",
    "df": "echo header; echo /dev/x 1 1 90000000 1% /",
    "dpkg-query": "echo installed",
    "python3": "exit 0",
    "id": "echo 0",
    "apt-get": 'echo "$@" >>"$LOG"',
}
NOTHING_INSTALLED = {"dpkg-query": "exit 1"}


class InstallTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.log = Path(folder.name) / "apt.log"
        self.commands = Path(folder.name) / "bin"
        self.commands.mkdir()

    def install(self, *arguments, without=(), **changed):
        """Runs the script where the named commands behave differently or are missing."""
        changed = {name.replace("_", "-"): body for name, body in changed.items()}
        for name in REAL:
            (self.commands / name).symlink_to(shutil.which(name))
        for name, body in {**GOOD, **changed}.items():
            if name not in without:
                (self.commands / name).write_text("#!/bin/sh\n%s\n" % body)
                (self.commands / name).chmod(0o755)
        return subprocess.run(
            [str(self.commands / "bash"), str(SCRIPT), *arguments],
            env={
                "PATH": str(self.commands),
                "LOG": str(self.log),
                "HOME": os.environ.get("HOME", "/"),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def assert_refused(self, result, *words):
        self.assertEqual(result.returncode, MACHINE_UNFIT, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
        self.assertFalse(self.log.exists(), "apt-get was called")

    def test_with_everything_there_nothing_is_installed(self):
        result = self.install()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("nothing to do", result.stdout)
        self.assertFalse(self.log.exists())

    def test_missing_packages_are_installed_after_an_update(self):
        result = self.install(**NOTHING_INSTALLED)
        self.assertEqual(result.returncode, 0, result.stderr)
        update, install = self.log.read_text().splitlines()
        self.assertTrue(update.endswith("update"))
        self.assertIn("-y --no-install-recommends install libzmq3-dev libopenblas-dev", install)

    def test_missing_swift_is_answered_with_where_to_get_it(self):
        self.assert_refused(self.install(without=["swift"]), "swift.org/install")

    def test_an_old_swift_is_refused_with_both_versions(self):
        old = self.install(swift="echo 'Swift version 5.10.1 (swift-5.10.1-RELEASE)'")
        self.assert_refused(old, "5.10.1", "6.2", "swift.org/install")

    def test_missing_python_is_named(self):
        self.assert_refused(self.install(without=["python3"], apt_get="exit 0"), "Python 3")

    def test_another_distribution_is_told_the_libraries(self):
        self.assert_refused(self.install(without=["apt-get"]), "no apt-get", "libzmq3-dev")

    def test_a_user_without_rights_is_told_the_command(self):
        result = self.install(**NOTHING_INSTALLED, id="echo 1000")
        self.assert_refused(result, "As root, run: apt-get install libzmq3-dev")

    def test_a_sudo_that_says_no_is_told_the_command(self):
        result = self.install(**NOTHING_INSTALLED, id="echo 1000", sudo="exit 1")
        self.assert_refused(result, "As root, run: apt-get install libzmq3-dev")

    def test_a_failing_update_points_at_the_network(self):
        self.assert_refused(self.install(**NOTHING_INSTALLED, apt_get="exit 100"), "network")

    def test_a_full_disk_is_refused_with_what_is_free(self):
        full = self.install(df="echo header; echo /dev/x 1 1 512000 99% /")
        self.assert_refused(full, "500 MiB", "Free some space")

    def test_an_unknown_argument_is_refused(self):
        self.assertEqual(self.install("--nonsense").returncode, 2)


if __name__ == "__main__":
    unittest.main()
