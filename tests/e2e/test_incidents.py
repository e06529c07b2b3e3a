"""Incidents made on purpose in real workers, and the line of ``ops`` that names each.

Those that take hours, or a second deploy, are told by lines as workers write them, in
tests/unit/ops/test_incidents.py.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from loopback import Answer, Web, article, feed
from running import newsmill

EXPIRED = Path(__file__).parent / "data" / "expired"


@contextlib.contextmanager
def expired_site() -> Iterator[int]:
    """The port of an HTTPS server whose certificate ran out in 2021."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(EXPIRED / "late.example.pem")

    class Server(ThreadingHTTPServer):
        def get_request(self):
            connection, address = super().get_request()
            connection.settimeout(5)
            secure = context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
            return secure, address

        def handle_error(self, *_: object) -> None:
            """A client that hangs up is what it is here for."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ops(data: Path, *words: str) -> str:
    done = newsmill("ops", words[0], "--data", data, *words[1:])
    assert done.returncode in (0, 1), done.stderr.decode()
    return done.stdout.decode()


@pytest.fixture(scope="module", name="troubled")
def _troubled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over a web on which much is wrong at once."""
    folder = tmp_path_factory.mktemp("troubled")
    links = [f"http://good.example/good{n}" for n in range(4)]
    links += [f"http://busy.example/busy{n}" for n in range(3)]
    links += ["https://late.example/story", "http://good.example/nonsense"]
    web = Web(
        feed=feed(*links),
        nonsense=Answer(b"%PDF-1.7 nothing to read", "application/pdf"),
        **{f"good{n}": article(f"Ferry line {n}") for n in range(4)},
        **{f"busy{n}": Answer(b"slow down", "text/plain", 429) for n in range(3)},
    )
    feeds = folder / "feeds.opml"
    feeds.write_text(
        '<opml version="2.0"><body><outline xmlUrl="http://good.example/feed"/>'
        '<outline xmlUrl="http://gone.example/no-such-feed"/></body></opml>'
    )
    with expired_site() as port, web, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(EXPIRED / "ca.pem"))
        done = newsmill(
            "run", "--once", "--feeds", feeds, "--data", folder / "data",
            "--contact", "desk@paper.example",
            "--resolve", f"late.example=127.0.0.1:{port}", "--resolve", web.resolve,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return folder / "data"


def test_a_dead_feed_is_named_with_what_it_answers(troubled):
    told = ops(troubled, "summary")
    (line,) = [line for line in told.split("\n") if "gone.example/no-such-feed" in line]
    assert "http_status" in line or "404" in line, told


def test_a_storm_of_429_is_named_with_its_host(troubled):
    assert "busy.example answers 429" in ops(troubled, "summary")


def test_an_expired_certificate_is_named_with_its_site(troubled):
    assert "late.example: certificate has expired" in ops(troubled, "summary")


def test_the_rest_of_the_web_came_through_all_the_same(troubled):
    told = ops(troubled, "summary")
    archiver = next(line for line in told.split("\n") if line.startswith("archiver"))
    assert archiver.split()[1] == "4", told
