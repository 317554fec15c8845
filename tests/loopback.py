"""A real HTTP server on this machine, which behaves and misbehaves as it is told."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Endpoint:
    """What a served model says, and how the next calls go wrong.

    ``answer`` makes JSON of a request's body. Each item of ``faults`` spoils one call: a status, or a pair
    of it and Retry-After, ``"drop"`` (the connection), ``"cut"`` (in the middle of an answer),
    ``"garbage"``, ``"echo"`` (refused, with the request's headers), or ``"slow"``: nothing until the server
    closes.
    """

    def __init__(self, answer):
        self.answer, self.faults = answer, []
        self.bodies, self.headers, self.url = [], [], None
        self.lock, self.closing = threading.Lock(), threading.Event()

    def __len__(self):
        return len(self.bodies)

    def heard(self, body, headers):
        """Note a call, and give its fault."""
        with self.lock:
            self.bodies.append(body)
            self.headers.append(headers)
            return self.faults.pop(0) if self.faults else None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fault = self.server.endpoint.heard(body, dict(self.headers))
        if fault == "drop":
            self.close_connection = True
            self.connection.shutdown(2)
        elif fault == "slow":
            self.server.endpoint.closing.wait()
            self.close_connection = True
        elif fault == "garbage":
            self.say(200, b"<html>gateway</html>")
        elif fault == "echo":
            self.say(400, str(self.headers).encode())
        elif fault in (None, "cut"):
            said = json.dumps(self.server.endpoint.answer(body)).encode()
            self.say(200, said, cut=fault == "cut")
        else:
            status, after = fault if isinstance(fault, tuple) else (fault, None)
            self.say(status, b'{"error": "busy"}', {} if after is None else {"Retry-After": after})

    def say(self, status, said, headers=None, cut=False):
        self.send_response(status)
        for name, value in {"Content-Length": len(said), **(headers or {})}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(said[: len(said) // 2] if cut else said)
        self.close_connection = cut

    def log_message(self, *_):
        pass


@contextmanager
def serving(answer):
    """An `Endpoint` that answers at its ``url``."""
    endpoint = Endpoint(answer)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads, server.block_on_close, server.endpoint = True, False, endpoint
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    endpoint.url = f"http://127.0.0.1:{server.server_port}/predict"
    try:
        yield endpoint
    finally:
        endpoint.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
