"""The sample newsroom as a client meets it: real requests to a real server."""

from __future__ import annotations

import codecs
import gc
import gzip
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import NamedTuple
from urllib.parse import urlsplit
from xml.etree import ElementTree

import feedparser
import pytest
from lxml import html

from newsmill.newsroom import BAD_FEEDS, CORRECTED, EXPECTED, FEEDS, HOSTS, Newsroom
from newsmill.urls import normalise

SLOW_S = 0.2
TIDEWIRE = "http://tidewire.example/atom.xml"
LINES = {line.url: line for line in EXPECTED}


class Response(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def get(room: Newsroom, url: str, **headers: str) -> Response:
    """One request on a connection of its own; header names are written with underscores."""
    parts = urlsplit(url)
    connection = HTTPConnection("127.0.0.1", room.port, timeout=10)
    sent = {"Host": parts.netloc} | {name.replace("_", "-"): v for name, v in headers.items()}
    try:
        connection.request(
            "GET", parts.path + ("?" + parts.query if parts.query else ""), headers=sent
        )
        answer = connection.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Response(answer.status, names, answer.read())
    finally:
        connection.close()


def get_page(room: Newsroom, url: str) -> Response:
    """The page, as whoever follows a redirect and comes again after a 503 gets it."""
    answer = get(room, url)
    if answer.status == 503:
        answer = get(room, url)
    if answer.status == 301:
        answer = get(room, f"http://{urlsplit(url).netloc}{answer.headers['location']}")
    return answer


def shown(answer: Response) -> str:
    """The page as a browser decodes it (HTML Standard: BOM, then header, then <meta>)."""
    body = answer.body
    if body.startswith(codecs.BOM_UTF8):
        return body.decode("utf-8-sig")
    if body.startswith(codecs.BOM_UTF16_LE):
        return body.decode("utf-16")
    said = re.search(r"charset=([\w-]+)", answer.headers["content-type"])
    label = said[1] if said else re.search(rb'charset="?([\w-]+)', body)[1].decode()
    browsers = {"iso-8859-1": "cp1252", "shift_jis": "cp932", "utf-16": "utf-8"}
    return body.decode(browsers.get(label.lower(), label))


@pytest.fixture(scope="module", name="room")
def _room() -> Iterator[Newsroom]:
    with Newsroom(slow_s=SLOW_S) as room:
        yield room


@pytest.mark.parametrize("line", [e for e in EXPECTED if e.kind == "article"], ids=lambda e: e.url)
def test_an_article_page_decodes_to_its_text(room: Newsroom, line) -> None:
    answer = get_page(room, line.url)
    assert answer.status == 200
    text = html.document_fromstring(shown(answer)).text_content()
    page = re.sub(r"\s+", " ", text)
    if line.url != CORRECTED:
        assert line.title in page
        assert all(words in page for words in line.must)
    assert all(name in shown(answer) for name in line.authors)


def test_what_is_no_article_is_served_as_it_is_expected(room: Newsroom) -> None:
    for line in EXPECTED:
        answer = get(room, line.url)
        if line.reason == "http_status":
            assert answer.status == 404
        elif line.reason == "not_html":
            assert answer.status == 200
            assert not answer.headers["content-type"].startswith("text/html")
        elif line.kind == "refused":
            assert answer.status == 200
    pdf = get(room, "http://old-forum.example/minutes/parish-0326.pdf")
    assert pdf.body.startswith(b"%PDF-")


def links_of(url: str, answer: Response) -> list[str]:
    """The links of a feed, by what its content type says that it is."""
    if "json" in answer.headers["content-type"]:
        return [item["url"] for item in json.loads(answer.body)["items"]]
    root = ElementTree.fromstring(answer.body)
    if root.tag.endswith("urlset"):
        return [
            str(loc.text) for loc in root.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")
        ]
    said = {"content-location": url, "content-type": answer.headers["content-type"]}
    feed = feedparser.parse(answer.body, response_headers=said)
    assert not feed.bozo
    return [str(entry["link"]) for entry in feed.entries]


def test_every_feed_reads_and_names_exactly_what_is_expected(room: Newsroom) -> None:
    named: dict[str, set[str]] = {}
    for feed in FEEDS:
        answer = get(room, feed)
        assert answer.status == 200
        if feed in BAD_FEEDS:
            assert answer.headers["content-type"].startswith("text/html")
            continue
        for link in links_of(feed, answer):
            named.setdefault(normalise(link), set()).add(feed)
    assert named == {url: set(line.feeds) for url, line in LINES.items()}
    assert any(len(feeds) == 2 for feeds in named.values())


def test_every_feed_answers_a_conditional_request(room: Newsroom) -> None:
    for feed in FEEDS:
        first = get(room, feed)
        if feed == TIDEWIRE:
            assert first.headers["cache-control"] == "max-age=3"
            continue
        assert first.headers["cache-control"] == "max-age=3600"
        again = get(room, feed, If_None_Match=first.headers["etag"])
        assert (again.status, again.body) == (304, b"")
        by_date = get(room, feed, If_Modified_Since=first.headers["last-modified"])
        assert by_date.status == 304
        older = get(room, feed, If_Modified_Since="Thu, 01 Jan 2026 00:00:00 GMT")
        assert older.status == 200
        later = "Fri, 01 Jan 2027 00:00:00 GMT"
        changed = get(room, feed, If_None_Match='"other"', If_Modified_Since=later)
        assert changed.status == 200
        assert get(room, feed, If_Modified_Since="yesterday").status == 200


def test_a_story_is_corrected_for_who_knew_its_first_version() -> None:
    line = LINES[CORRECTED]
    with Newsroom() as room:
        first = get(room, TIDEWIRE)
        assert first.headers["etag"] == '"v1"'
        assert line.earlier_title in first.body.decode()
        assert get(room, TIDEWIRE).body == first.body
        assert "40 cracks" in get(room, CORRECTED).body.decode()

        second = get(room, TIDEWIRE, If_None_Match='"v1"')
        assert second.status == 200
        assert second.headers["etag"] == '"v2"'
        assert line.title in second.body.decode()
        page = re.sub(r"\s+", " ", get(room, CORRECTED).body.decode())
        assert all(words in page for words in line.must)
        assert "40 cracks" not in page

        assert get(room, TIDEWIRE, If_None_Match='W/"v2"').status == 304
        assert get(room, TIDEWIRE).body == first.body  # who comes anew begins at the beginning


def test_a_client_that_comes_back_to_a_new_server_sees_no_older_version() -> None:
    with Newsroom() as room:
        assert get(room, TIDEWIRE, If_None_Match='"v2"').status == 304
        assert LINES[CORRECTED].title in get(room, CORRECTED).body.decode()


def test_the_busy_host_turns_the_first_request_of_each_page_away() -> None:
    pages = [line.url for line in EXPECTED if "busy" in line.traits]
    assert len(pages) == 4
    with Newsroom() as room:
        for url in pages:
            answer = get(room, url)
            assert (answer.status, answer.headers["retry-after"]) == (503, "2")
        assert [get(room, url).status for url in pages] == [200] * 4
        assert get(room, "http://evening-rush.example/feed").status == 200


def test_the_slow_host_delays_its_own_pages_and_nobody_else(room: Newsroom) -> None:
    slow = next(line.url for line in EXPECTED if "slow" in line.traits)
    thread = threading.Thread(target=get, args=(room, slow))
    began = time.monotonic()
    thread.start()
    assert get(room, "http://tidewire.example/story/grain-index-0910").status == 200
    assert get(room, "http://slow-press.example/rss").status == 200
    assert thread.is_alive()
    thread.join()
    assert time.monotonic() - began >= SLOW_S


def test_a_page_is_compressed_only_for_who_takes_it(room: Newsroom) -> None:
    url = next(line.url for line in EXPECTED if "gzip" in line.traits)
    plain = get(room, url, Accept_Encoding="identity")
    packed = get(room, url, Accept_Encoding="gzip, deflate")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body


def test_robots_are_served_where_there_are_any(room: Newsroom) -> None:
    statuses = {host: get(room, f"http://{host}/robots.txt").status for host in HOSTS}
    assert statuses.pop("www.gazette-du-val.example") == 404
    assert set(statuses.values()) == {200}
    lumen = get(room, "http://science.lumen-review.example/robots.txt")
    assert b"Crawl-delay: 1\n" in lumen.body


def test_every_request_is_on_record(room: Newsroom) -> None:
    before, now = len(room.requests), time.monotonic()
    get(room, "http://tidewire.example/nothing?x=1")
    [hit] = room.requests[before:]
    assert (hit.host, hit.path, hit.status) == ("tidewire.example", "/nothing", 404)
    assert now <= hit.at <= time.monotonic()


def test_hosts_resolve_to_the_port_that_serves_them(room: Newsroom) -> None:
    assert room.resolve == tuple(f"{host}=127.0.0.1:{room.port}" for host in HOSTS)


def test_who_comes_without_a_host_is_shown_around(room: Newsroom) -> None:
    base = f"http://127.0.0.1:{room.port}"
    greeting = get(room, f"{base}/").body.decode()
    for link in re.findall(r'href="(/[^"]+)"', greeting):
        assert get(room, base + link).status == 200
    page = get(room, f"{base}/tidewire.example/")
    link = re.search(r'href="(/story/[^"]+)"', page.body.decode())[1]
    sent_on = get(room, base + link, Referer=f"{base}/tidewire.example/")
    assert (sent_on.status, sent_on.headers["location"]) == (302, f"/tidewire.example{link}")
    picture = get(room, "http://tidewire.example/img/nothing.jpg")
    assert picture.status == 404
    assert get(room, "http://www.harbour-ledger.example/img/four.jpg").status == 200


def test_an_unknown_host_and_another_method_are_told_so(room: Newsroom) -> None:
    unknown = get(room, "http://nowhere.example/")
    assert unknown.status == 404
    assert b"tidewire.example" in unknown.body
    connection = HTTPConnection("127.0.0.1", room.port, timeout=10)
    connection.request("POST", "/", headers={"Host": "tidewire.example"})
    assert connection.getresponse().status == 405
    connection.close()


def test_it_ends_at_once_and_leaves_nothing_open() -> None:
    threads = set(threading.enumerate())
    room = Newsroom(slow_s=30)
    room.start()
    port = room.port
    idle = HTTPConnection("127.0.0.1", port, timeout=10)
    idle.connect()
    with socket.create_connection(("127.0.0.1", port)) as waiting:
        waiting.sendall(
            b"GET /a-letter-after-sixty-years HTTP/1.1\r\nHost: slow-press.example\r\n\r\n"
        )
        while not room.requests:
            time.sleep(0.01)
        began = time.monotonic()
        room.stop()
        room.stop()
        assert time.monotonic() - began < 5
    idle.close()
    gc.collect()  # an unclosed socket or loop would warn, and warnings are errors
    assert set(threading.enumerate()) == threads
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_a_taken_port_is_an_error_at_start(room: Newsroom) -> None:
    with pytest.raises(OSError, match="address already in use"):
        Newsroom(room.port).start()
    gc.collect()
