"""clients/python/patience.py by a clock that the test drives."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "clients" / "python"))

from patience import Patience  # noqa: E402


class PatienceTests(unittest.TestCase):
    def ends(self, patience, start, end, busy=lambda second: False):
        """The first second of (start, end] at which it is over."""
        return next((now for now in range(start + 1, end + 1) if patience.over(busy(now), now)), None)

    def test_it_ends_at_its_limit_and_every_word_begins_it_anew(self):
        patience = Patience(60, 0)
        self.assertIsNone(self.ends(patience, 0, 50))
        patience.heard(50)
        self.assertEqual(self.ends(patience, 50, 200), 110)

    def test_who_gets_on_does_not_wait(self):
        self.assertEqual(self.ends(Patience(60, 0), 0, 1000, lambda second: second < 900), 959)
        self.assertIsNone(self.ends(Patience(60, 0), 0, 1000, lambda second: second % 60 == 0))

    def test_sleep_is_not_waited(self):
        patience = Patience(60, 0)
        self.assertIsNone(self.ends(patience, 0, 30))
        self.assertFalse(patience.over(False, 7200))
        self.assertEqual(self.ends(patience, 7200, 7300), 7220)

    def test_without_a_limit_it_never_ends(self):
        self.assertIsNone(self.ends(Patience(0, 0), 0, 10000))


if __name__ == "__main__":
    unittest.main()
