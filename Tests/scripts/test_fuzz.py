"""scripts/fuzz with a stand-in for swift that notes what it is asked and prints what the suites print."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "fuzz"
USAGE, INTERRUPTED = 2, 62
FIGURES = 'echo "safetensors: 4 of 5 mutants refused, peak 1 KiB above the start"; ' \
    'echo "many words: 10 of 20 mutants refused, peak 2 KiB above the start"'


class FuzzTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.log = self.folder / "log"

    def fuzz(self, *arguments, tests=FIGURES):
        swift = self.folder / "swift"
        swift.write_text(
            "#!/usr/bin/env bash\n"
            'echo "${PERMAFROST_SEED-} ${PERMAFROST_MUTANTS-} $ASAN_OPTIONS $*" >>"$LOG"\n'
            'if [ "$1" = test ]; then\n%s\nfi\n' % tests
        )
        swift.chmod(0o755)
        path = "%s:%s" % (self.folder, os.environ["PATH"])
        return subprocess.run(
            [str(SCRIPT), *arguments],
            env={"PATH": path, "LOG": str(self.log)},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def asked(self):
        return self.log.read_text().splitlines()

    def test_a_round_builds_with_the_sanitizer_and_prints_seed_and_totals(self):
        result = self.fuzz("--minutes", "0", "--seed", "7")
        self.assertEqual(result.returncode, 0, result.stderr)
        build, suites, test = self.asked()
        self.assertIn("build --build-tests --sanitize=address --scratch-path .build-asan", build)
        self.assertIn("--skip Mutated", suites)
        self.assertTrue(test.startswith("7 1 detect_leaks=0"), test)
        self.assertIn("test --skip-build --sanitize=address", test)
        self.assertIn("1 rounds, seeds 7 to 7: 25 mutants, 14 refused", result.stdout)

    def test_the_next_round_has_another_seed_and_more_mutants(self):
        # The second round ends the run with a finding.
        tests = FIGURES + '; [ "$PERMAFROST_SEED" = 1 ]'
        result = self.fuzz("--minutes", "1", tests=tests)
        self.assertEqual([line.split()[:2] for line in self.asked()[2:]], [["1", "1"], ["2", "2"]])
        self.assertIn("--filter Mutated", self.asked()[3])
        self.assertEqual(result.returncode, 1)

    def test_the_first_finding_ends_with_1_and_says_how_to_see_it_again(self):
        result = self.fuzz("--seed", "3", tests='echo "==1==ERROR: AddressSanitizer: overflow"; exit 1')
        self.assertEqual(result.returncode, 1)
        self.assertIn("AddressSanitizer: overflow", result.stderr)
        self.assertIn("PERMAFROST_SEED=3 PERMAFROST_MUTANTS=1 swift test --skip-build", result.stderr)

    def test_tests_that_somebody_kills_are_no_finding(self):
        result = self.fuzz(tests="kill -KILL $$")
        self.assertEqual(result.returncode, INTERRUPTED)
        self.assertNotIn("Once more", result.stderr)

    def test_a_round_without_a_mutant_is_no_success(self):
        self.assertEqual(self.fuzz("--minutes", "0", tests="true").returncode, 1)

    def test_arguments_that_make_no_sense_are_refused(self):
        for arguments in (["--minutes"], ["--minutes", "-1"], ["--seed", "x"], ["--seed", "1e3"], ["--other"]):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.fuzz(*arguments).returncode, USAGE)
                self.assertFalse(self.log.exists())


if __name__ == "__main__":
    unittest.main()
