"""What servers see of our manners: robots.txt, spacing, few connections, no host held up."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Any

import pytest

from contract.web.hostile import Answer, Server, moved, packed, serving, text
from newsmill.errors import BadRecord
from newsmill.web.client import Client
from newsmill.web.messages import Later, Request, Response
from newsmill.web.robots import MAX_BYTES
from newsmill.web.settings import WebSettings

SITE = "http://news.example"
FORBID_ALL = "User-agent: *\nDisallow: /\n"


def ask(
    server: Server,
    *urls: str,
    at_once: bool = False,
    notes: list[tuple[str, int | None, str]] | None = None,
    **settings: Any,
) -> list[Response | BadRecord | Later]:
    usual = {"resolve": (server.rule(),), "spacing_s": 0.0, "total_s": 5.0} | settings

    async def one(client: Client, url: str) -> Response | BadRecord | Later:
        try:
            return await client.get(Request(url=url))
        except (BadRecord, Later) as error:
            return error

    async def run() -> list[Response | BadRecord | Later]:
        note = None if notes is None else lambda *read: notes.append(read)
        async with Client(WebSettings(**usual), on_robots=note) as client:
            if at_once:
                return await asyncio.gather(*(one(client, url) for url in urls))
            return [await one(client, url) for url in urls]

    return asyncio.run(run())


def verdict(robots: Answer, path: str = "/page", **settings: Any) -> str:
    """What becomes of a page under this robots.txt: its body, a reason, or ``later``."""
    with serving({"/robots.txt": robots, "/page": text("page")}) as server:
        found = ask(server, SITE + path, **settings)[0]
    if isinstance(found, Response):
        return found.body.decode()
    return found.reason if isinstance(found, BadRecord) else "later"


@pytest.mark.parametrize(
    ("robots", "wanted"),
    [
        (text(FORBID_ALL), "robots"),
        (text("User-agent: newsmill\nDisallow: /page\n"), "robots"),
        (text("User-agent: NewsMill/2.0\nDisallow: /page\n"), "robots"),
        (text("User-agent: *\nDisallow: /\nUser-agent: newsmill\nAllow: /\n"), "page"),
        (text("User-agent: news\nDisallow: /\n"), "page"),
        (text("User-agent: other\nDisallow: /\n"), "page"),
        (text("User-agent: other\nUser-agent: *\nDisallow: /pa*e$\n"), "robots"),
        (text("User-agent: *\rDisallow: /page\r"), "robots"),
        (text(b"\xef\xbb\xbfUser-agent: *\nDisallow: /page\n"), "robots"),
        (packed(FORBID_ALL.encode()), "robots"),
        (text(FORBID_ALL, 200, "Content-Type: text/html; charset=utf-8"), "page"),
        (text("<!doctype html>\nUser-agent: *\nDisallow: /\n"), "page"),
        (text(b"\xff\x00\xfe" * 1000), "page"),
        (text("gone", 404), "page"),
        (text("no", 403), "page"),
        (text("no", 401), "page"),
        (text("", 204), "page"),
        (moved("/robots.txt"), "page"),
        (text("broken", 500), "later"),
        (text("busy", 429), "later"),
        (text("busy", 503, "Retry-After: 5"), "later"),
        (text("short", length=99) + b"", "later"),
        (text(b"no gzip", 200, "Content-Encoding: gzip"), "later"),
    ],
)
def test_robots_txt_is_obeyed(robots: Answer, wanted: str) -> None:
    assert verdict(robots, total_s=0.5) == wanted


def test_rules_past_the_cap_are_not_read_and_a_cut_rule_does_not_count() -> None:
    start = "User-agent: *\nDisallow: /a\n"
    filler = "#" * (MAX_BYTES - len(start) - len("Disallow: /p") - 1) + "\n"
    assert verdict(text(f"{start}{filler}Disallow: /private\nDisallow: /page\n")) == "page"
    assert verdict(text(f"Disallow: /x\n{FORBID_ALL}{filler}")) == "robots"


def test_robots_txt_of_the_old_and_the_new_host_is_asked_on_a_redirect() -> None:
    routes = {
        "news.example/page": moved("http://other.example/page"),
        "other.example/robots.txt": text(FORBID_ALL),
        "/page": text("page"),
    }
    with serving(routes) as server:
        found = ask(server, f"{SITE}/page")[0]
        assert isinstance(found, BadRecord)
        assert found.reason == "robots"
        assert [(asked.host, asked.path) for asked in server.asked] == [
            ("news.example", "/robots.txt"),
            ("news.example", "/page"),
            ("other.example", "/robots.txt"),
        ]


def test_robots_txt_is_read_once_and_told() -> None:
    notes: list[tuple[str, int | None, str]] = []
    routes = {
        "news.example/robots.txt": text("User-agent: *\nDisallow: /x\n"),
        "sick.example/robots.txt": text("", 503, "Retry-After: 7"),
        "/page": text("page"),
    }
    urls = [
        f"http://{host}.example/page"
        for host in ("news", "bare", "sick", "news", "bare", "sick", "news", "bare", "sick")
    ]
    with serving(routes) as server:
        found = ask(server, *urls, at_once=True, notes=notes)
        assert server.paths().count("/robots.txt") == 3
        assert server.paths().count("/page") == 6
    assert sorted(notes) == [
        ("http://bare.example", 404, "none"),
        ("http://news.example", 200, "rules"),
        ("http://sick.example", 503, "unreachable"),
    ]
    sick = [outcome for outcome in found if isinstance(outcome, Later)]
    assert len(sick) == 3
    assert all(6 < outcome.after_s <= 7 for outcome in sick)


def test_the_server_sees_spacing_between_all_requests() -> None:
    routes = {"/page": moved("/b"), "/b": text("b"), "/c": text("c")}
    urls = [f"{SITE}/page", f"{SITE}/c", "http://www.news.example/c"]
    with serving(routes) as server:
        ask(server, *urls, at_once=True, spacing_s=0.1, per_domain=5)
        moments = [asked.at for asked in server.asked]
    assert len(moments) == 6  # two robots.txt, three pages, one redirect
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert min(gaps) > 0.08


def test_a_crawl_delay_is_kept_and_told() -> None:
    routes = {
        "/robots.txt": text("User-agent: *\nCrawl-delay: 0.3\n"),
        "/page": text("page"),
    }
    with serving(routes) as server:
        found = ask(server, f"{SITE}/page", f"{SITE}/page", at_once=True)
        moments = [asked.at for asked in server.asked]
    assert all(isinstance(answer, Response) and answer.crawl_delay_s == 0.3 for answer in found)
    assert moments[1] - moments[0] > 0.28
    assert moments[2] - moments[1] > 0.28


def test_no_more_than_so_many_at_once_for_one_domain() -> None:
    now = most = 0

    async def slow(writer: asyncio.StreamWriter) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.05)
        now -= 1
        writer.write(text("x", 200, "Connection: close"))
        await writer.drain()

    with serving({"/page": slow}) as server:
        ask(server, *[f"{SITE}/page"] * 8, at_once=True, per_domain=2)
        assert most == 2


def test_fifty_hosts_go_side_by_side_and_a_slow_one_delays_nobody() -> None:
    async def slow(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.8)
        writer.write(text("late", 200, "Connection: close"))
        await writer.drain()

    urls = [f"http://host{n}.example/page" for n in range(50)]
    routes = {"/page": text("page"), "host7.example/page": slow}
    with serving(routes) as server:
        begun = time.monotonic()
        found = ask(server, *urls, at_once=True, resolve=(server.rule("*.example"),))
        assert time.monotonic() - begun < 2
    bodies = [answer.body for answer in found if isinstance(answer, Response)]
    assert len(bodies) == 50
    took = sorted(answer.took_ms for answer in found if isinstance(answer, Response))
    assert took[-1] > 700
    assert took[-2] < 600


def test_connections_are_used_again() -> None:
    with serving({"/page": text("page")}) as server:
        ask(server, *[f"{SITE}/page"] * 5)
        assert server.connections == 1
