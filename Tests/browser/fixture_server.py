"""A stand-in for the coordinator's HTTP side: the real page, scripted states, server-sent events."""

import http.server
import json
import pathlib
import threading
import urllib.parse

PAGE = pathlib.Path(__file__).resolve().parents[2] / "Sources/Monitoring/Page"
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")


class FixtureServer:
    """Serves until stop(); start() again on the same port is a restart. `devices` are the rows of the paged list."""

    def __init__(self, state, devices=(), token=None):
        self.state, self.devices, self.token = state, list(devices), token
        self.changed = threading.Condition()
        self.version = 0
        self.requests = []
        self.drained = []
        self.has_events = True
        self.port = 0
        self.server = None

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self.server = _Server(("127.0.0.1", self.port), _Handler)
        self.server.fixture = self
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def stop(self):
        server, self.server = self.server, None
        with self.changed:
            self.changed.notify_all()
        server.shutdown()
        server.server_close()

    def publish(self, state):
        with self.changed:
            self.state = state
            self.version += 1
            self.changed.notify_all()

    def page_of_devices(self, query):
        rows = [row for row in self.devices if query.get("state", row["state"]) == row["state"]
                and query.get("class", str(row["cut"])) == str(row["cut"])]
        offset, limit = int(query.get("offset", 0)), min(200, int(query.get("limit", 50)))
        return {"total": len(rows), "offset": offset, "limit": limit, "devices": rows[offset:offset + limit]}


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, address):
        """A page that went away is no error."""


class _Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    @property
    def fixture(self):
        return self.server.fixture

    def do_GET(self):
        path, _, query = self.path.partition("?")
        self.fixture.requests.append(path)
        if path == "/api/v1/state":
            self.answer(200, "application/json", json.dumps(self.fixture.state))
        elif path == "/api/v1/devices":
            rows = self.fixture.page_of_devices(dict(urllib.parse.parse_qsl(query)))
            self.answer(200, "application/json", json.dumps(rows))
        elif path == "/api/v1/events" and self.fixture.has_events:
            self.stream()
        else:
            file = PAGE / (path.lstrip("/") or "index.html")
            if file.parent == PAGE and file.is_file():
                self.answer(200, TYPES[file.suffix], file.read_text())
            else:
                self.answer(404, "text/plain", "there is no such page")

    def do_POST(self):
        word = self.headers.get("Authorization", "")
        if self.fixture.token is None:
            self.answer(403, "text/plain", "read-only: the coordinator has no --http-token-file\n")
        elif word != f"Bearer {self.fixture.token}":
            self.answer(401, "text/plain", "the token is missing or wrong\n")
        else:
            self.fixture.drained.append(urllib.parse.unquote(self.path.split("/")[4]))
            self.answer(202, "application/json", "{}")

    def answer(self, status, kind, text):
        body = text.encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": len(body), "Content-Security-Policy": POLICY,
                            "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        seen = None
        while True:
            with self.fixture.changed:
                self.fixture.changed.wait_for(
                    lambda: self.fixture.version != seen or self.fixture.server is not self.server, timeout=15)
                if self.fixture.server is not self.server:
                    return
                text = ": heartbeat\n\n" if self.fixture.version == seen else (
                    f"event: state\ndata: {json.dumps(self.fixture.state)}\n\n")
                seen = self.fixture.version
            self.wfile.write(text.encode())
            self.wfile.flush()
