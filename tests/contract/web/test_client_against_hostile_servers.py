"""The client against servers that cheat, hang and flood: one clear answer each, in bounded room."""

from __future__ import annotations

import asyncio
import gzip
import resource
import time
import zlib
from typing import Any

import pytest

from contract.web.hostile import Answer, Server, drip, moved, packed, serving, text
from newsmill.errors import BadRecord
from newsmill.web.client import Client
from newsmill.web.messages import Later, Refused, Request, Response
from newsmill.web.settings import WebSettings

PAGE = "http://news.example/page"
OK_HEAD = b"HTTP/1.1 200 OK\r\n"


def ask(
    server: Server, *urls: str, request: dict[str, Any] | None = None, **settings: Any
) -> list[Response | BadRecord | Later]:
    """What comes of each URL, asked one after the other by one client."""
    usual = {"resolve": (server.rule(),), "spacing_s": 0.0, "total_s": 5.0} | settings

    async def run() -> list[Response | BadRecord | Later]:
        outcomes: list[Response | BadRecord | Later] = []
        async with Client(WebSettings(**usual)) as client:
            for url in urls:
                try:
                    outcomes.append(await client.get(Request(url=url, **(request or {}))))
                except (BadRecord, Later) as error:
                    outcomes.append(error)
        return outcomes

    return asyncio.run(run())


def outcome(answer: Answer, **settings: Any) -> Response | BadRecord | Later:
    """What comes of a page that is answered so."""
    with serving({"/page": answer}) as server:
        return ask(server, PAGE, **settings)[0]


def reason(answer: Answer, **settings: Any) -> str:
    error = outcome(answer, **settings)
    assert isinstance(error, BadRecord), error
    return error.reason


def memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_a_page_comes_back_whole_with_its_headers() -> None:
    found = outcome(text("hello", 200, 'ETag: W/"x"', "Vary: a", "Vary: b"))
    assert isinstance(found, Response)
    assert (found.status, found.body, found.wire_bytes) == (200, b"hello", 5)
    assert found.headers["etag"] == 'W/"x"'
    assert found.headers["vary"] == "a, b"
    assert (found.url, found.final_url, found.redirects) == (PAGE, PAGE, ())


def test_we_say_who_we_are_and_send_conditions_verbatim() -> None:
    with serving({"/page": text("x")}) as server:
        headers = (
            ("If-None-Match", 'W/"a,b"'),
            ("User-Agent", "other"),
            ("Bad", "two\r\nlines"),
            ("Host", "elsewhere"),
        )
        ask(server, PAGE, request={"headers": headers}, contact="desk@paper.example")
        sent = server.asked[-1].headers
    assert sent["user-agent"].startswith("newsmill/")
    assert "desk@paper.example" in sent["user-agent"]
    assert sent["if-none-match"] == 'W/"a,b"'
    assert sent["accept-encoding"] == "gzip"
    assert sent["host"] == "news.example"
    assert "bad" not in sent
    assert "cookie" not in sent


def test_cookies_are_never_kept() -> None:
    with serving({"/page": text("x", 200, "Set-Cookie: a=b")}) as server:
        ask(server, PAGE, PAGE)
        assert all("cookie" not in asked.headers for asked in server.asked)


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP", "identity, gzip"])
def test_gzip_is_unpacked(coding: str) -> None:
    found = outcome(packed(b"news " * 9000, coding))
    assert isinstance(found, Response)
    assert found.body == b"news " * 9000
    assert found.wire_bytes < 500


@pytest.mark.parametrize("wrap", [zlib.MAX_WBITS, -zlib.MAX_WBITS])
def test_deflate_is_unpacked_in_both_its_meanings(wrap: int) -> None:
    packer = zlib.compressobj(wbits=wrap)
    body = packer.compress(b"news " * 900) + packer.flush()
    found = outcome(text(body, 200, "Content-Encoding: deflate"))
    assert isinstance(found, Response)
    assert found.body == b"news " * 900


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "compress", "gzip, br"])
def test_codings_that_we_did_not_ask_for_are_refused(coding: str) -> None:
    assert reason(text(b"whatever", 200, f"Content-Encoding: {coding}")) == "encoding"


def test_a_gzip_stream_without_its_end_is_truncated() -> None:
    cut = gzip.compress(b"news " * 9000)[:-9]
    assert reason(text(cut, 200, "Content-Encoding: gzip")) == "truncated"


def test_a_body_shorter_than_announced_is_truncated() -> None:
    assert reason(text("short", 200, "Connection: close", length=50)) == "truncated"


def test_a_body_that_breaks_off_is_asked_for_once_more() -> None:
    answers = [text("short", 200, "Connection: close", length=50), text("whole")]

    async def break_off_once(writer: asyncio.StreamWriter) -> None:
        writer.write(answers.pop(0))
        await writer.drain()

    with serving({"/page": break_off_once}) as server:
        found = ask(server, PAGE)[0]
        assert server.paths().count("/page") == 2
    assert isinstance(found, Response)
    assert found.body == b"whole"
    with serving({"/page": text("short", 200, "Connection: close", length=50)}) as server:
        assert isinstance(ask(server, PAGE)[0], BadRecord)
        assert server.paths().count("/page") == 2


@pytest.mark.parametrize("chunks", [b"5\r\nhel", b"5\r\nhello\r\n", b"5\r\nhello\r\n0\r\n"])
def test_a_chunked_body_without_its_end_is_truncated(chunks: bytes) -> None:
    head = OK_HEAD + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    assert reason(head + chunks) == "truncated"


@pytest.mark.parametrize("chunks", [b"zz\r\nhello", b"5\r\nhelloXX0\r\n\r\n"])
def test_a_chunked_body_of_rubbish_is_no_answer(chunks: bytes) -> None:
    head = OK_HEAD + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    found = outcome(head + chunks)  # known before or after the head is parsed, as packets fall
    assert isinstance(found, Later) or (
        isinstance(found, BadRecord) and found.reason == "truncated"
    )


def test_rubbish_called_gzip_is_a_broken_encoding() -> None:
    assert reason(text(b"<html>plain", 200, "Content-Encoding: gzip")) == "encoding"


def test_bombs_stop_early_and_take_no_room() -> None:
    packer = zlib.compressobj(9, wbits=31)
    zeros = bytes(1 << 20)
    bomb = b"".join(packer.compress(zeros) for _ in range(200)) + packer.flush()
    before = memory_mb()
    assert reason(text(bomb, 200, "Content-Encoding: gzip")) == "too_large"
    assert memory_mb() - before < 40


def test_a_ratio_past_belief_is_refused_below_the_cap() -> None:
    body = gzip.compress(bytes(3_000_000))
    assert reason(text(body, 200, "Content-Encoding: gzip")) == "too_large"


def test_a_body_announced_too_large_is_not_read() -> None:
    assert reason(text(b"", length=10**12)) == "too_large"


def test_an_endless_body_is_stopped_at_the_cap() -> None:
    before = memory_mb()
    start = OK_HEAD + b"Content-Type: text/html\r\n\r\n"
    assert reason(drip(start, b"x" * 65536, 0), max_bytes=2_000_000) == "too_large"
    assert memory_mb() - before < 40


def test_an_endless_chunked_body_is_stopped_at_the_cap() -> None:
    start = OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    assert reason(drip(start, piece, 0), max_bytes=2_000_000) == "too_large"


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (OK_HEAD + b"Content-Length: 9000\r\n\r\n", b"x"),
        (OK_HEAD + b"X: ", b"x"),
        (b"HTTP", b"x"),
        (b"", b"HTTP/1.1 103 Early\r\nLink: <x>\r\n\r\n"),
    ],
)
def test_a_server_that_drips_is_given_up_on(start: bytes, piece: bytes) -> None:
    begun = time.monotonic()
    assert isinstance(outcome(drip(start, piece, 0.05), total_s=0.4), Later)
    assert time.monotonic() - begun < 2


def test_a_server_that_says_nothing_is_given_up_on() -> None:
    async def silent(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    assert isinstance(outcome(silent, total_s=0.3), Later)
    assert isinstance(outcome(silent, read_s=0.3), Later)


@pytest.mark.parametrize(
    "answer",
    [
        drip(OK_HEAD, b"X-Header: " + b"x" * 900 + b"\r\n", 0),
        drip(OK_HEAD + b"X-Header: ", b"x" * 65536, 0),
        drip(b"", b"HTTP/1.1 103 Early\r\n\r\n" * 100, 0),
        b"HTTP/1.1 302 Moved\r\nLocation: /" + b"x" * 1_000_000 + b"\r\n\r\n",
        b"<html>HTTP 0.9</html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"\x00\xff" * 5000,
        b"",
    ],
    ids=range(10),
)
def test_what_is_no_http_is_asked_again_later(answer: Answer) -> None:
    if answer == b"":

        async def hang_up(writer: asyncio.StreamWriter) -> None:
            writer.close()

        answer = hang_up
    before = memory_mb()
    assert isinstance(outcome(answer, total_s=1.0), Later)
    assert memory_mb() - before < 40


def test_a_server_that_speaks_no_tls_is_later() -> None:
    with serving({"/page": text("x")}) as server:
        found = ask(server, PAGE.replace("http:", "https:"), connect_s=0.3)[0]
    assert isinstance(found, Later)


def test_nobody_listening_is_later() -> None:
    with serving({}) as server:
        port = server.port
    found = ask(Server({}, port=port), PAGE)[0]
    assert isinstance(found, Later)
    assert found.status is None


@pytest.mark.parametrize("status", [204, 206, 300, 400, 401, 403, 404, 410, 451, 501, 999])
def test_a_final_no_carries_its_status(status: int) -> None:
    error = outcome(text("", status))
    assert isinstance(error, Refused)
    assert (error.reason, error.status) == ("http_status", status)


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("Retry-After: 120", 120, 120),
        ("Retry-After: 0", 1, 1),
        ("Retry-After: 1e9", 86400, 86400),
        ("Retry-After: Fri, 31 Dec 1999 23:59:59 GMT", 1, 1),
        ("Retry-After: Fri, 31 Dec 2099 23:59:59 GMT", 86400, 86400),
        ("Retry-After: soon", 60, 60),
        ("Retry-After: 5\r\nRetry-After: 7", 7, 7),
        ("X: y", 60, 60),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_the_server_says_how_long_to_wait(
    status: int, header: str, low: float, high: float
) -> None:
    error = outcome(text("busy", status, header))
    assert isinstance(error, Later)
    assert error.status == status
    assert low <= error.after_s <= high


@pytest.mark.parametrize("status", [408, 425, 500, 502, 504, 520])
def test_faults_of_the_server_are_asked_again(status: int) -> None:
    error = outcome(text("", status))
    assert isinstance(error, Later)
    assert error.status == status
    assert not error.asked


def test_unchanged_is_an_answer_to_a_condition_only() -> None:
    answer = b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"
    with serving({"/page": answer}) as server:
        found = ask(server, PAGE, request={"headers": (("If-None-Match", "x"),)})[0]
    assert isinstance(found, Response)
    assert (found.status, found.body, found.headers["etag"]) == (304, b"", "x")
    assert reason(answer) == "http_status"


def test_redirects_are_followed_and_told() -> None:
    routes = {
        "/page": moved("/b?utm_source=x", 301),
        "/b?utm_source=x": moved("http://other.example/c", 308),
        "/c": moved("d", 307),
        "/d": text("here"),
    }
    with serving(routes) as server:
        found = ask(server, PAGE)[0]
    assert isinstance(found, Response)
    assert found.body == b"here"
    assert found.final_url == "http://other.example/d"
    assert found.redirects == (
        "http://news.example/b",
        "http://other.example/c",
        "http://other.example/d",
    )
    assert found.moved_to == "http://other.example/c"


@pytest.mark.parametrize("location", ["/page", "/other", "http://news.example/page#x", ""])
def test_a_circle_of_redirects_is_refused(location: str) -> None:
    with serving({"/page": moved(location), "/other": moved("/page")}) as server:
        error = ask(server, PAGE)[0]
        assert isinstance(error, BadRecord)
        assert error.reason == "redirects"
        assert len(server.asked) < 5


def test_too_many_redirects_are_refused() -> None:
    routes = {f"/{n}": moved(f"/{n + 1}") for n in range(20)} | {"/page": moved("/0")}
    with serving(routes) as server:
        error = ask(server, PAGE)[0]
        assert isinstance(error, BadRecord)
        assert error.reason == "redirects"
        assert len(server.asked) == 7  # robots.txt, the page and five more


def test_slow_redirects_share_one_budget() -> None:
    async def late(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.3)
        writer.write(moved(f"/{time.monotonic_ns()}"))
        await writer.drain()

    class Everything(dict[str, Answer]):
        def get(self, key: str, default: Any = None) -> Any:
            return default if "robots" in key or key.startswith("news") else late

    with serving(Everything()) as server:
        begun = time.monotonic()
        assert isinstance(ask(server, PAGE, total_s=0.7)[0], Later)
        assert time.monotonic() - begun < 1.5


def test_credentials_of_a_request_stay_with_its_host() -> None:
    routes = {"/page": moved("http://other.example/c"), "/c": text("x")}
    with serving(routes) as server:
        ask(server, PAGE, request={"headers": (("Authorization", "secret"), ("X-Mine", "1"))})
        sent = {asked.path: asked.headers for asked in server.asked}
    assert sent["/page"]["authorization"] == "secret"
    assert "authorization" not in sent["/c"]
    assert sent["/c"]["x-mine"] == "1"
