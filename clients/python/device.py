#!/usr/bin/env python3
"""A device of a Permafrost run, as docs/protocol.md describes it.

    clients/python/device.py --coordinator tcp://server:7070 --id device-1 --model tiny.gguf --data mine.tsv --insecure
"""

import argparse
import signal
import sys
import time

import numpy
import xxhash
import zmq

import contract
from embeddings import Embeddings, rated_sentences, read_recipe
from link import Link, read_key
from outbox import Outbox
from patience import Patience
from payload import CODECS, payload, row_bytes

ASK_SECONDS, HELLO_SECONDS, BEAT_SECONDS, TICK_MILLISECONDS = 3, 10, 1, 200
COORDINATOR_LOST = 56


class Leave(Exception):
    """The device's end: `code` is its exit code."""

    def __init__(self, reason, code=0):
        super().__init__(reason)
        self.code = code


class Device:
    """`load(recipe)` gives the samples, the width, and `activations(tokens, cut)`, rows of float32."""

    def __init__(self, name, coordinator, load, key=None, coordinator_key=None, part_bytes=1 << 20,
                 patience=3600, gateway=None):
        self.context = zmq.Context()
        if gateway:
            # Of every socket to come: a SOCKS 5 proxy, which also resolves the endpoints' names.
            self.context.setsockopt(zmq.SOCKS_PROXY, gateway.encode())
        self.name, self.key, self.load, self.part_bytes = name, key, load, part_bytes
        self.control = Link(self.context, coordinator, key, coordinator_key)
        self.data = self.assignment = self.outbox = None
        self.run = ""
        self.patience = Patience(patience, time.monotonic())
        self.asked = self.said_hello = self.beat = 0.0
        self.told_finished = False
        self.payloads = {}
        self.compute_nanoseconds = self.tokens = self.block_tokens = 0

    # Both links

    def header(self, attempt=1, **body):
        return contract.Header(run=self.run, sender=self.name, attempt=attempt, **body)

    def live(self):
        """Takes part until the coordinator says Stop, or is not heard of for too long."""
        try:
            while True:
                now = time.monotonic()
                self.introduce(now)
                for header in self.control.received():
                    self.patience.heard(now)
                    self.from_coordinator(header)
                for header in self.data.received() if self.data else ():
                    self.from_worker(header, time.monotonic())
                more = self.publish()
                self.tell(now)
                self.endure(now)
                self.wait(0 if more else TICK_MILLISECONDS)
        except Leave as end:
            for link in filter(None, (self.data, self.control)):
                link.send(self.header(goodbye=contract.Goodbye(reason=str(end))))
            say("%s: %s" % (self.name, end))
            return end.code
        finally:
            for link in filter(None, (self.control, self.data)):
                link.close()
            self.context.term()

    def wait(self, milliseconds):
        poller = zmq.Poller()
        for link in filter(None, (self.control, self.data)):
            poller.register(link.socket, zmq.POLLIN)
            poller.register(link.monitor, zmq.POLLIN)
        poller.poll(milliseconds)

    def introduce(self, now):
        """After every handshake anew, and again while there is no answer."""
        if self.control.shook_hands() or (self.outbox is None and now - self.asked > ASK_SECONDS):
            self.asked = now
            self.register()
        if self.data:
            late = not self.outbox.welcomed and now - self.said_hello > HELLO_SECONDS
            if self.data.shook_hands() or late:
                self.hello(now)

    def tell(self, now):
        if now - self.beat < BEAT_SECONDS:
            return
        self.beat = now
        for link in filter(None, (self.control, self.data)):
            link.send(self.header(heartbeat=contract.Heartbeat(time=time.monotonic_ns())))
        if self.assignment:
            self.control.send(self.header(device_progress=contract.DeviceProgress(
                published_samples=self.outbox.settled_samples(), tokens=self.tokens,
                compute_nanoseconds=self.compute_nanoseconds, block_tokens=self.block_tokens,
                bytes_up=self.data.bytes_up, bytes_down=self.data.bytes_down, finished=self.outbox.finished,
                cut=self.assignment.cut, generation=self.assignment.generation)))

    def endure(self, now):
        """Leaves when nothing but the coordinator could help it on, which was not heard of for too long."""
        busy = bool(self.data) and self.data.connected and self.outbox.welcomed and not self.outbox.finished
        if self.patience.over(busy, now):
            silence = "no coordinator was heard of for %d s" % self.patience.limit
            if self.outbox and self.outbox.settled_all:
                raise Leave("everything is with the worker, and " + silence)
            raise Leave(silence + "; start the coordinator, and this device again", code=COORDINATOR_LOST)

    # The coordinator

    def register(self):
        self.control.new_session()
        if self.outbox is None:
            body = {"recipe_request": contract.RecipeRequest(role=contract.ROLE_DEVICE)}
        else:
            body = {"register": contract.Register(
                role=contract.ROLE_DEVICE, samples=len(self.samples), threads=1, codecs=[self.codec],
                columns=self.width)}
        self.control.send(self.header(**body))

    def from_coordinator(self, header):
        kind = header.WhichOneof("body")
        if kind == "run_recipe" and self.outbox is None:
            self.take_recipe(header)
        elif kind == "assignment":
            self.take_assignment(header.assignment)
        elif kind == "register_again" or (kind == "reject" and header.reject.number == contract.UNKNOWN_SESSION):
            self.register()
        elif kind == "reject":
            say("the coordinator refuses: %s (%d)" % (header.reject.text, header.reject.number))
        elif kind == "stop":
            self.run = header.run
            raise Leave(header.stop.reason)

    def take_recipe(self, header):
        recipe = read_recipe(header.run_recipe.recipe)
        # With `auto` the coordinator chooses among what a device says it knows.
        self.codec = CODECS.get(recipe["devices"]["codec"], contract.CODEC_BF16)
        self.samples, self.width, self.activations = self.load(recipe)
        part_bytes = min(self.part_bytes, contract.LARGEST_FRAME, size(recipe["devices"]["credit_bytes"]))
        lengths = [len(sample.tokens) for sample in self.samples]
        self.run = header.run
        self.outbox = Outbox(lengths, recipe["devices"]["publish_batch"],
                             row_bytes(self.width, self.codec), part_bytes)
        say("%s is device %d of run %s, %d samples" % (self.name, header.run_recipe.number, self.run, len(lengths)))
        self.register()

    def take_assignment(self, assignment):
        old = self.assignment
        if old and assignment.generation < old.generation:
            return
        self.assignment = assignment
        where = (assignment.worker_endpoint, assignment.worker_key)
        if old and where == (old.worker_endpoint, old.worker_key):
            return
        if self.data:
            self.data.close()
        self.outbox.introduce()
        self.data = Link(self.context, where[0], self.key, where[1].encode())
        say("cut %d, worker %s at %s" % (assignment.cut, assignment.worker, where[0]))

    # The worker

    def hello(self, now):
        self.said_hello = now
        self.data.new_session()
        self.outbox.introduce()
        self.data.send(self.header(hello=contract.Hello(samples=len(self.samples))))

    def from_worker(self, header, now):
        kind = header.WhichOneof("body")
        if kind == "welcome":
            self.told_finished = False
            settled = [(range.first, range.last) for range in header.welcome.settled]
            self.outbox.welcome(header.welcome.credit_bytes, settled, now)
            self.payloads = {key: self.payloads[key] for key in self.payloads if key not in self.outbox.settled}
        elif kind == "credit":
            self.outbox.credit += header.credit.bytes
        elif kind == "ack":
            if self.outbox.acknowledge(header.ack.sequence, header.ack.part, header.ack.credit_bytes, now):
                self.payloads.pop(header.ack.sequence, None)
        elif kind == "heartbeat_reply":
            self.outbox.answered(header.heartbeat_reply.time / 1e9)
        elif kind == "reject":
            self.refused(header.reject, now)

    def refused(self, reject, now):
        if reject.number == contract.UNKNOWN_SESSION:
            self.hello(now)
            return
        say("the worker refuses message %d: %s (%d)" % (reject.sequence, reject.text, reject.number))
        if reject.number in (contract.DEAD_LETTERED, contract.SENDER_REFUSED):
            raise Leave("the worker takes message %d no more: %s" % (reject.sequence, reject.text), code=1)
        self.outbox.reject(reject.sequence, reject.part, reject.number, now)

    def publish(self):
        """Sends one part; whether there may be another one to send at once."""
        due = self.outbox.next(time.monotonic()) if self.data else None
        if due:
            sequence, part, attempt = due
            payload, fields = self.computed(sequence)
            first, end = (row * self.outbox.row_bytes for row in self.outbox.parts[sequence - 1][part])
            piece = payload[first:end]
            body = contract.Activations(part=part, checksum=xxhash.xxh64_intdigest(piece), **fields)
            if self.data.send(self.header(attempt=attempt, activations=body), piece):
                self.outbox.sent(sequence, part, time.monotonic())
                return True
        elif self.outbox and self.outbox.finished and not self.told_finished:
            body = contract.Finished(messages=len(self.outbox.messages), samples=len(self.samples))
            self.told_finished = self.data.send(self.header(finished=body))
        return False

    def computed(self, sequence):
        """A message's whole payload, and the fields that its parts share, until it is settled."""
        if sequence not in self.payloads:
            first, end = self.outbox.messages[sequence - 1]
            samples, cut = self.samples[first:end], self.assignment.cut
            tokens = [token for sample in samples for token in sample.tokens]
            start = time.perf_counter_ns()
            values = numpy.concatenate([self.activations(sample.tokens, cut) for sample in samples])
            self.compute_nanoseconds += time.perf_counter_ns() - start
            self.tokens += len(tokens)
            self.block_tokens += len(tokens) * cut
            fields = dict(
                sequence=sequence, sample_ids=range(first, end), lengths=[len(sample.tokens) for sample in samples],
                target_lengths=[len(sample.targets) for sample in samples],
                targets=[target for sample in samples for target in sample.targets], cut=cut, codec=self.codec,
                rows=len(tokens), columns=self.width, parts=len(self.outbox.parts[sequence - 1]))
            self.payloads[sequence] = (payload(values, self.codec), fields)
        return self.payloads[sequence]


def size(text):
    """Bytes of a recipe's `64KiB`."""
    text = str(text)
    for unit, factor in (("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)):
        if text.endswith(unit):
            return int(text[:-3]) * factor
    return int(text)


def say(text):
    print(text, file=sys.stderr, flush=True)


def leave(*_):
    raise Leave("interrupted", code=62)


def main():
    parser = argparse.ArgumentParser(description="A device of a Permafrost run, in Python.")
    parser.add_argument("--coordinator", required=True, help="such as tcp://server:7070")
    parser.add_argument("--gateway", metavar="HOST:PORT", help="a SOCKS 5 proxy, such as 'permafrost gateway', on the way")
    parser.add_argument("--id", required=True, help="one of the run's devices")
    parser.add_argument("--model", required=True, help="a GGUF file")
    parser.add_argument("--data", required=True, help="the device's own sentences")
    parser.add_argument("--key", help="this device's key file, of 'permafrost keys generate'")
    parser.add_argument("--coordinator-key", help="the coordinator's public key file")
    parser.add_argument("--insecure", action="store_true", help="speak plain TCP, without keys")
    parser.add_argument("--part-bytes", type=int, default=1 << 20, help="the largest payload of one message")
    parser.add_argument("--patience", type=int, default=3600,
                        help="seconds without a word from a coordinator after which it leaves; 0 is for ever")
    arguments = parser.parse_args()
    if arguments.insecure == bool(arguments.key and arguments.coordinator_key):
        parser.error("either --key and --coordinator-key, or --insecure")

    def load(recipe):
        model = Embeddings(arguments.model)
        return rated_sentences(arguments.data, recipe, model.encode), model.width, model.activations

    key = coordinator_key = None
    if not arguments.insecure:
        key, coordinator_key = read_key(arguments.key), read_key(arguments.coordinator_key)["public-key"]
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    device = Device(
        arguments.id, arguments.coordinator, load, key, coordinator_key, arguments.part_bytes, arguments.patience,
        arguments.gateway)
    sys.exit(device.live())


if __name__ == "__main__":
    main()
