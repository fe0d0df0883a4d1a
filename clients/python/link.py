"""A DEALER to a ROUTER of the run, with its monitor: knows when a handshake has succeeded, and loses what it must."""

import secrets
import time

import zmq
from zmq.utils.monitor import recv_monitor_message

import contract


def read_key(path):
    """The lines of a key file of 'permafrost keys generate': `public-key = …`, and `secret-key = …` in one's own."""
    with open(path, encoding="ascii") as file:
        lines = [line.strip().split(" = ", 1) for line in file if not line.startswith("#")]
    return {line[0]: line[1].encode() for line in lines if len(line) == 2}


# Behind a gateway libzmq waits for an answer without a limit: an attempt of which nothing is heard for longer is given up.
ATTEMPT_SECONDS = 60


class Link:
    def __init__(self, context, endpoint, key=None, server_key=None):
        self.context, self.endpoint, self.key, self.server_key = context, endpoint, key, server_key
        self.session = 0
        self.bytes_up = self.bytes_down = 0
        self.connect()

    def connect(self):
        self.socket = socket = self.context.socket(zmq.DEALER)
        socket.linger = 1000
        # Nothing is queued for a peer that is not there: it would be lost without a word.
        socket.immediate = 1
        socket.sndhwm = socket.rcvhwm = 0
        socket.maxmsgsize = contract.LARGEST_FRAME
        socket.heartbeat_ivl, socket.heartbeat_timeout = 2000, 10000
        socket.reconnect_ivl, socket.reconnect_ivl_max = 200, 5000
        if self.key:
            socket.curve_publickey, socket.curve_secretkey = self.key["public-key"], self.key["secret-key"]
            socket.curve_serverkey = self.server_key
        self.monitor = socket.get_monitor_socket(
            zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED | zmq.EVENT_CONNECT_RETRIED)
        self.connected = False
        self.heard = time.monotonic()
        socket.connect(self.endpoint)

    def shook_hands(self):
        """Reads the monitor; whether a handshake has succeeded since the last call, and still holds."""
        fresh = False
        while self.monitor.poll(0):
            self.connected = recv_monitor_message(self.monitor)["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED
            fresh = self.connected
            self.heard = time.monotonic()
        if not self.connected and time.monotonic() - self.heard > ATTEMPT_SECONDS:
            self.close()
            self.connect()
        return fresh

    def new_session(self):
        self.session = secrets.randbits(64) or 1

    def send(self, header, payload=None):
        """Whether the message is on its way."""
        if not self.connected:
            return False
        header.version, header.session = contract.VERSION, self.session
        frames = [header.SerializeToString()] + ([] if payload is None else [payload])
        try:
            self.socket.send_multipart(frames, flags=zmq.DONTWAIT)
        except zmq.Again:
            return False
        self.bytes_up += sum(map(len, frames))
        return True

    def received(self):
        """Headers that have arrived and belong to this session."""
        while True:
            try:
                frames = self.socket.recv_multipart(flags=zmq.DONTWAIT)
            except zmq.Again:
                return
            self.bytes_down += sum(map(len, frames))
            header = contract.Header()
            try:
                header.ParseFromString(frames[0])
            except contract.DecodeError:
                continue
            if header.version == contract.VERSION and header.session == self.session:
                yield header

    def close(self):
        self.socket.disable_monitor()
        self.monitor.close(0)
        self.socket.close()
