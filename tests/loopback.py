"""A small web on one loopback port, whose answers a test says and changes as it goes."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import NamedTuple, Self

PARAGRAPH = (
    "The harbour board met on Tuesday and put off the vote on the new ferry line until the autumn,"
    " said its chair, Ines Varga, after four hours of talks in which nobody gave way."
)


class Answer(NamedTuple):
    """What is sent for a path."""

    body: bytes
    content_type: str = "text/html; charset=utf-8"
    status: int = 200


def article(title: str) -> Answer:
    """A page of an article, of our own writing."""
    text = "".join(f"<p>{PARAGRAPH} ({number})</p>" for number in range(4))
    head = f'<title>{title}</title><meta property="article:published_time" content="2026-03-01">'
    return Answer(
        f"<html lang=en><head>{head}</head><body><article><h1>{title}</h1>{text}</article>"
        "</body></html>".encode()
    )


def feed(*links: str) -> Answer:
    """An RSS feed that names the links."""
    items = "".join(f"<item><title>{link}</title><link>{link}</link></item>" for link in links)
    head = "<title>Loopback</title><link>http://loop.example/</link>"
    return Answer(
        f'<rss version="2.0"><channel>{head}{items}</channel></rss>'.encode(), "application/rss+xml"
    )


def page_line(name: str, text: str) -> bytes:
    """A line of a page for filters and replays, of a plain text."""
    page = {"id": name, "url": f"http://loop.example/{name}", "fetched": "2026-03-02T08:00:00Z"}
    return json.dumps(page | {"text": text}).encode()


class Web:
    """Serves ``answers`` by path, the same for every host; all other paths are a 404."""

    def __init__(self, **answers: Answer) -> None:
        self.answers = {f"/{path}": answer for path, answer in answers.items()}
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = web.answers.get(self.path, Answer(b"no such page", "text/plain", 404))
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: object) -> None:
                """Nothing: the log of the test is that of newsmill."""

        self._handler = Handler
        self._port = 0
        self._server = self._made()

    def _made(self) -> ThreadingHTTPServer:
        server = ThreadingHTTPServer(("127.0.0.1", self._port), self._handler)
        server.daemon_threads = True
        self._port = server.server_address[1]
        self._thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        return server

    def stop(self) -> None:
        """Be away: connections are refused."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def start(self) -> None:
        """Be there again, on the same port."""
        self._server = self._made()
        self._thread.start()

    @property
    def resolve(self) -> str:
        """The rule that sends every ``.example`` host there."""
        return f"*.example=127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._thread.is_alive():
            self.stop()
