"""``poll|fetch``: the stages that go on the web, as filters."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import orjson

from newsmill.cli.lines import AHEAD, binary_lines, check_files, failed, passed, write_line
from newsmill.cli.options import WEB, read_settings, settings_flags
from newsmill.errors import BadRecord, Misconfigured, NewsmillError, TryLater
from newsmill.newsroom import FEEDS as SAMPLE_FEEDS
from newsmill.newsroom import HOSTS, Newsroom
from newsmill.process.pages import line_fields
from newsmill.process.settings import Settings
from newsmill.process.web import fetched_page, require_contact, web_settings
from newsmill.producer.core import parse
from newsmill.records import Entry, decode, encode
from newsmill.urls import host_of, identity, normalise
from newsmill.web.client import Client
from newsmill.web.messages import Request, Response

ACCEPT_FEEDS = (
    "application/rss+xml,application/atom+xml,application/feed+json,application/xml;q=0.9,*/*;q=0.5"
)
FEED_BYTES = 20_000_000


@click.command("poll")
@click.argument("feeds", nargs=-1)
@settings_flags(*WEB)
def poll_command(feeds: tuple[str, ...], **flags: Any) -> int:
    """Poll feeds once (URLs or files), and print their entries as JSON lines, each page once.

    Without feeds: those of the sample newsroom. A feed that gives nothing is named, and the others
    go on; when none could be read, the exit code is 1.

    \b
    Example: newsmill poll https://news.example/rss.xml | newsmill fetch
    """
    settings = read_settings(flags)
    feeds = feeds or SAMPLE_FEEDS
    with ExitStack() as stack:
        check_files(Path(feed) for feed in feeds if "://" not in feed)
        settings = with_newsroom(settings, feeds, stack)
        require_contact([feed for feed in feeds if "://" in feed], settings)
        return asyncio.run(_poll(feeds, settings))


async def _poll(feeds: Iterable[str], settings: Settings) -> int:
    are_read = False
    seen: set[str] = set()  # several feeds name the same page
    async with Client(web_settings(settings)) as client:
        for feed in feeds:
            try:
                body, url, content_type = await _feed(client, feed)
                parsed = parse(body, url, content_type=content_type)
                are_read = True
                for entry in parsed.entries:
                    if entry.page_id not in seen:
                        seen.add(entry.page_id)
                        write_line(encode(entry))
            except (BadRecord, TryLater) as error:
                click.echo(f"newsmill: {feed}: {error}", err=True)
    return 0 if are_read else 1


async def _feed(client: Client, feed: str) -> tuple[bytes, str, str | None]:
    if "://" not in feed:
        return Path(feed).read_bytes(), f"http://feed.invalid/{Path(feed).name}", None
    answer = await _patient(
        client, Request(url=feed, accept=ACCEPT_FEEDS, max_bytes=FEED_BYTES), attempts=3
    )
    return answer.body, answer.final_url, answer.headers.get("content-type")


@click.command("fetch")
@click.argument("urls", nargs=-1)
@settings_flags(*WEB)
def fetch_command(urls: tuple[str, ...], **flags: Any) -> int:
    """Fetch pages (of URLs, or of entry lines on standard input), and print page lines.

    \b
    Example: newsmill fetch https://news.example/story.html > pages.jsonl
    """
    settings = read_settings(flags)
    lines = [encode(_entry(url)) for url in urls] if urls else list(binary_lines(()))
    with ExitStack() as stack:
        settings = _reaching(lines, settings, stack)
        asyncio.run(_fetch(lines, settings, write_line))
    return 0


def fetch_lines(urls: Iterable[str], settings: Settings) -> list[bytes]:
    """The page line of each URL, or the line of its failure; raises Misconfigured for no URL."""
    lines = [encode(_entry(url)) for url in urls]
    found: list[bytes] = []
    with ExitStack() as stack:
        settings = _reaching(lines, settings, stack)
        asyncio.run(_fetch(lines, settings, found.append))
    return found


def _reaching(lines: Iterable[bytes], settings: Settings, stack: ExitStack) -> Settings:
    """The settings with which the lines' pages are reached; raises Misconfigured without a name."""
    asked = [url for line in lines if (url := _url_of(line))]
    settings = with_newsroom(settings, asked, stack)
    require_contact(asked, settings)
    return settings


def _entry(url: str) -> Entry:
    try:
        return Entry(url=normalise(url), page_id=identity(url))
    except ValueError as error:
        raise Misconfigured(f"{url}: {error}") from None


def _url_of(line: bytes) -> str | None:
    try:
        return decode(Entry, line).url
    except NewsmillError:
        return None


async def _fetch(
    lines: Iterable[bytes], settings: Settings, write: Callable[[bytes], None]
) -> None:
    async with Client(web_settings(settings)) as client:

        async def one(line: bytes) -> bytes:
            if before := passed(line):
                return before
            try:
                entry = decode(Entry, line)
                answer = await _patient(client, Request(url=entry.url), settings.fetch_attempts)
                return orjson.dumps(
                    line_fields(fetched_page(entry.page_id, answer, entry), answer.body)
                )
            except (BadRecord, TryLater) as error:
                return failed(line, error)

        async for answer in _in_order(lines, one):
            write(answer)


async def _in_order(lines: Iterable[bytes], one: Callable[[bytes], Any]) -> AsyncIterator[bytes]:
    waiting: deque[asyncio.Task[bytes]] = deque()
    for line in lines:
        waiting.append(asyncio.create_task(one(line)))
        while len(waiting) >= AHEAD:
            yield await waiting.popleft()
    while waiting:
        yield await waiting.popleft()


async def _patient(client: Client, request: Request, attempts: int) -> Response:
    """Ask until there is an answer or no more patience: a filter waits, a worker comes back."""
    for attempt in range(1, attempts + 1):
        try:
            return await client.get(request)
        except TryLater as later:
            if attempt == attempts:
                raise BadRecord("unreachable", f"{later.why}; attempt {attempt}") from None
            await asyncio.sleep(min(later.after_s, 60.0))
    raise AssertionError("unreachable")


def with_newsroom(settings: Settings, urls: Iterable[str], stack: ExitStack) -> Settings:
    """Serve the sample newsroom meanwhile, where a URL is of it and no rule says where it is."""
    ours = {host_of(url) for url in urls} & set(HOSTS)
    if not ours or settings.resolve:
        return settings
    newsroom = stack.enter_context(Newsroom())
    return replace(settings, resolve=newsroom.resolve)
