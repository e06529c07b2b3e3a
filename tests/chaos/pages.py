"""The pages of a run, each known by its number: what it is, and what must become of it.

Of a hundred, one is a URL of the page before it spelled otherwise, one the AMP form of the page
before it, one an update of the page before it, and one is poison; now and then an update is taken
back. All that is offered of number n follows from n.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from newsmill.bus.base import Output
from newsmill.process.pages import page_of, page_output
from newsmill.records import Page, PageLine
from newsmill.urls import identity

HOSTS = 97
ROUND = 100  # numbers after which the kinds come again
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
Kind = Literal["plain", "spelled", "amp", "update", "taken_back", "poison"]
REASONS = ("decode", "decode", "decode", "encoding", "encoding", "not_html")
"""What each sort of poison dies of, in the order of ``_spoiled``."""

_PAGE = """<!doctype html><html lang="en"><head><title>Bridge {shows} to be mended</title>
<link rel="canonical" href="{canonical}"></head><body><article><h1>Bridge {shows} to be mended</h1>
<p>Bridge number {shows} will be mended before the winter, the mayor told reporters on Monday.</p>
<p>The council voted for it after a long debate about the costs, which are higher than it had
thought; the works begin in spring and last for two years, and buses take another way.</p>
</article></body></html>"""
_SHOWN = re.compile(r"Bridge number (\d+) will")


@dataclass(frozen=True, slots=True)
class Offer:
    """One page record: ``shows`` is the number in its text, ``fetched`` the one in its time.

    Two offers of one ``page_id`` and one ``fetched`` are one record, offered twice.
    """

    number: int
    kind: Kind
    url: str
    page_id: str
    canonical: str
    shows: int
    fetched: int

    @property
    def is_poison(self) -> bool:
        """Whether nothing can be made of it, and it must be a dead letter."""
        return self.kind == "poison"

    @property
    def is_dropped(self) -> bool:
        """Whether the enricher must find that its page has not changed."""
        return self.kind == "spelled"

    @property
    def sort(self) -> int:
        """Which sort of poison."""
        return self.number // ROUND % len(REASONS)


def offer(number: int) -> Offer:
    """What is offered under a number."""
    before, part = number - 1, number % ROUND
    if part == 7:
        return _plain(number, "poison")
    if part == 10:
        url = f"HTTPS://H{before % HOSTS}.Example:443/./a/{before}?utm_source=feed#top"
        return replace(_plain(before, "spelled"), number=number, url=url)
    if part == 60:
        url = f"https://h{before % HOSTS}.example/amp/{before}"
        page = _plain(before, "amp")
        return replace(page, number=number, url=url, page_id=identity(url), fetched=number)
    if part == 30:
        return replace(_plain(before, "update"), number=number, shows=number, fetched=number)
    if number % (10 * ROUND) == 31:  # what the update before it changed
        return replace(_plain(number - 2, "taken_back"), number=number, fetched=number)
    return _plain(number, "plain")


def _plain(number: int, kind: Kind) -> Offer:
    url = f"https://h{number % HOSTS}.example/a/{number}"
    return Offer(number, kind, url, identity(url), url, shows=number, fetched=number)


def time_of(number: int) -> str:
    """When the page of that number was fetched."""
    return (FIRST + timedelta(seconds=number)).isoformat()


def number_of(fetched: str) -> int:
    """The number whose page was fetched then. Raises ValueError where it is no time."""
    return int((datetime.fromisoformat(fetched) - FIRST).total_seconds())


def shown_in(text: str) -> int:
    """The number in the text of an article; -1 where it has none."""
    found = _SHOWN.search(text)
    return int(found[1]) if found else -1


def output(one: Offer, version: int = 1) -> Output:
    """The page record of an offer, of that major version."""
    body = _PAGE.format(shows=one.shows, canonical=one.canonical).encode()
    line = PageLine(
        url=one.url, html_b64=body, status=200, content_type="text/html; charset=utf-8",
        fetched=time_of(one.fetched),
    )  # fmt: skip
    page, body = page_of(line)
    if one.is_poison:
        return _spoiled(page, body, one.sort)
    made = page_output(page, body)
    return made if version == 1 else _with_header(made, b'"v":1', b'"v":%d' % version)


def _spoiled(page: Page, body: bytes, sort: int) -> Output:
    """A page record of which nothing can be made, in the order of ``REASONS``."""
    made = page_output(page, body)
    frame = made.value or b""
    return (
        replace(made, headers=()),
        _with_header(made, b"{", b"\xff"),
        replace(made, value=None),
        replace(made, value=b"\x00" * 40),
        replace(made, value=frame[: len(frame) // 2]),
        page_output(replace(page, content_type="image/png"), b"\x89PNG\r\n\x1a\n" * 9),
    )[sort]


def _with_header(made: Output, old: bytes, new: bytes) -> Output:
    """The record with other bytes in its ``page`` header."""
    headers = tuple(
        (name, value.replace(old, new, 1) if name == "page" else value)
        for name, value in made.headers
    )
    return replace(made, headers=headers)
