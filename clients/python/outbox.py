"""What a device still has to send: sequences, parts, credit, acknowledgements. No socket, no clock of its own."""

from collections import deque

import contract

RESEND_SECONDS, LATER_SECONDS, AGAIN_SECONDS = 30, 5, 1


def divide(lengths, batch):
    """The messages of a device by ascending sample ids: (first, end) of each; the i-th has sequence i + 1."""
    batch = min(batch, contract.MOST_SAMPLES)
    messages = [(first, min(first + batch, len(lengths))) for first in range(0, len(lengths), batch)]
    for first, end in messages:
        if sum(lengths[first:end]) > contract.MOST_ROWS:
            raise ValueError("samples %d to %d have more than %d tokens" % (first, end - 1, contract.MOST_ROWS))
    return messages


def part_rows(rows, row_bytes, part_bytes):
    """The rows (first, end) of each part of a message, no part larger than `part_bytes` if a row is not."""
    parts = -(-rows // max(1, part_bytes // row_bytes))
    most = -(-rows // parts)
    return [(first, min(rows, first + most)) for first in range(0, rows, most)]


class Outbox:
    def __init__(self, lengths, batch, row_bytes, part_bytes):
        """A message has the same parts as long as the device runs."""
        self.messages = divide(lengths, batch)
        self.parts = [part_rows(sum(lengths[first:end]), row_bytes, part_bytes) for first, end in self.messages]
        self.row_bytes = row_bytes
        self.credit = 0
        self.settled = set()
        self.welcomed = False
        self._waiting = deque()
        self._delayed = []
        self._in_flight = {}
        self._charged = set()
        self._acknowledged = set()
        self._attempts = {}
        self._heard = 0.0

    @property
    def finished(self):
        return self.welcomed and self.settled_all

    @property
    def settled_all(self):
        """Whether the worker had everything when it last said so."""
        return len(self.settled) == len(self.messages)

    def settled_samples(self):
        return sum(end - first for first, end in (self.messages[sequence - 1] for sequence in self.settled))

    def bytes(self, sequence, part):
        first, end = self.parts[sequence - 1][part]
        return (end - first) * self.row_bytes

    def introduce(self):
        """Hello was said: nothing goes out until the Welcome."""
        self.welcomed = False

    def welcome(self, credit, ranges, now):
        """A fresh account: what the worker does not list counts as never sent, with every part."""
        self.credit, self.welcomed, self._heard = credit, True, now
        self.settled = {
            sequence for first, last in ranges for sequence in range(first, min(last, len(self.messages)) + 1)}
        self._charged, self._acknowledged, self._in_flight, self._delayed = set(), set(), {}, []
        self._waiting = deque(
            (sequence, part) for sequence in range(1, len(self.messages) + 1) if sequence not in self.settled
            for part in range(len(self.parts[sequence - 1])))

    def next(self, now):
        """The part (sequence, part, attempt) to send now, or None."""
        if not self.welcomed:
            return None
        due = [key for at, key in self._delayed if at <= now]
        due += [key for key, sent in self._in_flight.items() if now - max(sent, self._heard) > RESEND_SECONDS]
        if due:
            self._delayed = [entry for entry in self._delayed if entry[1] not in due]
            for key in due:
                self._in_flight.pop(key, None)
            self._waiting.extendleft(reversed(due))
        if not self._waiting:
            return None
        key = self._waiting[0]
        if key not in self._charged and self.bytes(*key) > self.credit:
            return None
        return (*key, self._attempts.get(key, 0) + 1)

    def sent(self, sequence, part, now):
        key = self._waiting.popleft()
        if key != (sequence, part):
            raise ValueError("%s was sent in place of %s" % ((sequence, part), key))
        if key not in self._charged:
            self.credit -= self.bytes(*key)
            self._charged.add(key)
        self._attempts[key] = self._attempts.get(key, 0) + 1
        self._in_flight[key] = now

    def acknowledge(self, sequence, part, credit, now):
        """Gives whether the whole message is settled now."""
        self.credit += credit
        self._heard = now
        if not self._knows(sequence, part):
            return False
        key = (sequence, part)
        self._in_flight.pop(key, None)
        self._delayed = [entry for entry in self._delayed if entry[1] != key]
        if key in self._waiting:
            self._waiting.remove(key)
        self._acknowledged.add(key)
        if all((sequence, other) in self._acknowledged for other in range(len(self.parts[sequence - 1]))):
            self.settled.add(sequence)
        return sequence in self.settled

    def reject(self, sequence, part, number, now):
        """A refused part goes again, after a while."""
        self._heard = now
        later = LATER_SECONDS if number in (contract.STORE_FULL, contract.DRAINING) else AGAIN_SECONDS
        if self._in_flight.pop((sequence, part), None) is not None:
            self._delayed.append((now + later, (sequence, part)))

    def answered(self, heartbeat):
        """A heartbeat sent at `heartbeat` was answered: what went before it has arrived."""
        self._heard = max(self._heard, heartbeat)

    def _knows(self, sequence, part):
        return 1 <= sequence <= len(self.messages) and part < len(self.parts[sequence - 1])
