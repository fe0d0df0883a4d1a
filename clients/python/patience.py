"""How long a device waits for a word of its coordinator when it can do nothing else. No clock of its own."""

LONGEST_PAUSE = 10


class Patience:
    """`limit` in seconds; 0 is for ever. A machine that slept has not waited meanwhile."""

    def __init__(self, limit, now):
        self.limit, self._waited, self._last = limit, 0.0, now

    def heard(self, now):
        """The coordinator said something."""
        self._waited, self._last = 0.0, now

    def over(self, busy, now):
        """Looks at the time, every few seconds at least; `busy` says whether the device gets on without it."""
        self._waited = 0.0 if busy else self._waited + min(now - self._last, LONGEST_PAUSE)
        self._last = now
        return 0 < self.limit <= self._waited
