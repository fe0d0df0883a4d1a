"""Runs Python's tests as 'python3 -m unittest discover' does, and says why some were skipped, as Swift's tests do.

  python3 scripts/running/python_tests.py [-s FOLDER] [-p FILES] [-k PATTERN]
"""

import sys
import unittest


class Result(unittest.TextTestResult):
    def stopTestRun(self):
        super().stopTestRun()
        self.stream.writeln()
        tests = {}
        for test, reason in self.skipped:
            tests.setdefault(" ".join(reason.split()), []).append(test.id())
        for reason, (first, *others) in tests.items():
            more = " and %d more" % len(others) if others else ""
            self.stream.writeln('➜ Test %s%s skipped: "%s"' % (first, more, reason))


class Runner(unittest.TextTestRunner):
    resultclass = Result


if __name__ == "__main__":
    unittest.main(module=None, argv=[sys.argv[0], "discover", *sys.argv[1:]], testRunner=Runner)
