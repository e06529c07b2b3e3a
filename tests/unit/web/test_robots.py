"""What a robots.txt says to us, whatever is in it, and how much of it is remembered."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.web.messages import Later
from newsmill.web.robots import MAX_BYTES, File, Policy, Robots, read_policy

URL = "http://h.example/a/page?x=1"


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("", True),
        ("User-agent: *\nDisallow:\n", True),
        ("User-agent: *\nDisallow: /a\nAllow: /a/page\n", True),
        ("User-agent: *\nDisallow: /*x=1\n", False),
        ("User-agent: *\nDisallow: /a/page$\n", True),
        ("user agent newsmill\ndisallow /a\n", False),
        ("USER-AGENT:NEWSMILL\nDISALLOW:/a\n", False),
        ("User-agent: a\nUser-agent: newsmill # us\nUser-agent: b\nDisallow: /a\n", False),
        ("User-agent: a\nDisallow: /\nUser-agent: *\nDisallow: /b\n", True),
        ("User-agent: *\nDisallow: /b\nUser-agent: a\nDisallow: /\n", True),
        ("User-agent: newsmill\nDisallow: /b\n\nUser-agent: newsmill\nDisallow: /a\n", False),
        ("User-agent: newsmill\nSitemap: http://h.example/s\nUser-agent: x\nDisallow: /a\n", False),
        ("User-agent: newsmill\nUnknown: x\nUser-agent: x\nDisallow: /a\n", False),
        ("User-agent: newsmill\nDissalow: /a\n", False),
        ("Disallow: /\nUser-agent: *\nAllow: /\n", True),
        ("User-agent: newsmillbot\nDisallow: /\n", True),
        ("User-agent: mill\nDisallow: /\n", True),
        ("User-agent: *\n# comment\n\nDisallow: /a # all\n", False),
        ("User-agent: *\nDisallow: /%61\n", False),
    ],
)
def test_rules_for_us(text: str, allowed: bool) -> None:
    assert Policy(text).allows(URL) is allowed


@pytest.mark.parametrize(
    ("value", "delay"),
    [
        ("5", 5.0),
        ("0.5", 0.5),
        ("1e9", 60.0),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("x", None),
    ],
)
def test_crawl_delay(value: str, delay: float | None) -> None:
    assert Policy(f"User-agent: *\nCrawl-delay: {value}\n").crawl_delay_s == delay
    assert Policy(f"User-agent: other\nCrawl-delay: {value}\n").crawl_delay_s is None


@given(st.binary(max_size=400), st.sampled_from(["", "text/plain", "text/html"]))
def test_any_bytes_are_some_policy(body: bytes, content_type: str) -> None:
    policy = read_policy(b"User-agent: *\n" + body, content_type)
    policy.allows(URL)
    assert policy.crawl_delay_s is None or 0 <= policy.crawl_delay_s <= 60


def test_a_crowd_of_robots_with_a_crowd_of_rules_costs_little() -> None:
    agents = "".join(f"User-agent: bot{n}\n" for n in range(10_000))
    rules = "".join(f"Disallow: /{n}/*/*/x\n" for n in range(12_000))
    body = (agents + rules).encode()[:MAX_BYTES]
    begun = time.perf_counter()
    assert read_policy(body).allows(URL)
    assert read_policy(b"User-agent: *\n" + body).allows(URL)
    assert time.perf_counter() - begun < 3


def test_memory_of_policies_is_bounded() -> None:
    body = b"User-agent: *\n" + b"".join(b"Disallow: /%d\n" % n for n in range(500))

    async def fetch(url: str) -> File:
        return File(200, body, "text/plain")

    async def run() -> int:
        robots = Robots(fetch, lambda: 0.0, max_kept=100 * len(body))
        for n in range(400):
            await robots.policy(f"http://h{n}.example")
        return len(robots)

    kept = asyncio.run(run())
    assert 80 < kept <= 100


def test_policies_and_failures_are_forgotten_in_time() -> None:
    now = 0.0
    asked: list[float] = []

    async def fetch(url: str) -> File:
        asked.append(now)
        if len(asked) == 2:
            raise Later("busy", 30.0, 503, asked=True)
        return File(200, b"", "text/plain")

    async def run() -> None:
        nonlocal now
        robots = Robots(fetch, lambda: now)
        await robots.policy("http://h.example")
        now = 80_000.0
        await robots.policy("http://h.example")
        now = 90_000.0
        with pytest.raises(Later) as caught:
            await robots.policy("http://h.example")
        assert caught.value.after_s == 30
        now = 90_020.0
        with pytest.raises(Later) as caught:
            await robots.policy("http://h.example")
        assert caught.value.after_s == 10
        now = 90_031.0
        await robots.policy("http://h.example")

    asyncio.run(run())
    assert asked == [0.0, 90_000.0, 90_031.0]
