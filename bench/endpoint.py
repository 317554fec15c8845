"""A function behind HTTP on this machine: what `bench.any_model` serves, and how often it was asked."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import numpy as np

Answer = Callable[[Sequence[str]], np.ndarray]


class Server(ThreadingHTTPServer):
    """Posts of ``{"inputs": texts}`` are answered by ``{"predictions": [{"scores": numbers}, ...]}``.

    Attributes
    ----------
    calls, texts : int
        Those that it has answered.
    """

    daemon_threads = True

    def __init__(self, host: str, port: int, answer: Answer) -> None:
        super().__init__((host, port), _Handler)
        self._answer, self._lock = answer, threading.Lock()
        self.calls = self.texts = 0

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        """Answer one call after the other, as a model on one core does."""
        with self._lock:
            rows = self._answer(body["inputs"])
            self.calls += 1
            self.texts += len(rows)
        return {"predictions": [{"scores": row} for row in rows.tolist()]}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = json.dumps(self.server.answer(body)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        try:
            self.wfile.write(said)
        except OSError:  # whoever asked has waited for too long, and asks again
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Say nothing: there are thousands of calls."""


@contextmanager
def serving(url: str, answer: Answer) -> Iterator[Server]:
    """A server at a url of this machine, until the end of the block.

    Parameters
    ----------
    url : str
        Its host and port; whatever path is asked, the answer is the same.
    answer : callable
        Texts to numbers, shape (texts, outputs).

    Raises
    ------
    SystemExit
        If something else answers there.

    Examples
    --------
    >>> import requests
    >>> with serving("http://127.0.0.1:0", lambda texts: np.full((len(texts), 2), 0.5)) as server:
    ...     url = f"http://127.0.0.1:{server.server_port}/predict"
    ...     said = requests.post(url, json={"inputs": ["A film"]}, timeout=60).json()
    >>> said, server.texts
    ({'predictions': [{'scores': [0.5, 0.5]}]}, 1)
    """
    where = urlsplit(url)
    try:
        server = Server(where.hostname or "127.0.0.1", where.port or 0, answer)
    except OSError as error:
        raise SystemExit(
            f"{url}: cannot be served ({error.strerror}); end what listens there, or change the url in the "
            "study (what it has answered is asked again then)"
        ) from error
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
