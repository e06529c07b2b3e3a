"""``poll|fetch|extract|enrich``: each stage alone, as a filter or for a person."""

from __future__ import annotations

import asyncio
import re
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson

from newsmill.cli.options import WEB, binary_lines, read_settings, settings_flags, write_line
from newsmill.cli.people import show_article
from newsmill.enricher.worker import enrich
from newsmill.errors import BadRecord, Misconfigured, NewsmillError, TryLater
from newsmill.extractor.worker import children
from newsmill.newsroom import FEEDS as SAMPLE_FEEDS
from newsmill.newsroom import HOSTS, Newsroom
from newsmill.process.children import Failure
from newsmill.process.pages import TEXT, line_fields, read_line
from newsmill.process.settings import Settings
from newsmill.process.web import require_contact, web_settings
from newsmill.producer.core import parse
from newsmill.records import Article, Entry, Page, compress, decode, encode, page_header
from newsmill.urls import host_of, identity, normalise
from newsmill.web.client import Client
from newsmill.web.messages import Request, Response

AHEAD = 256  # lines worked on before the first of them is written
ACCEPT_FEEDS = (
    "application/rss+xml,application/atom+xml,application/feed+json,application/xml;q=0.9,*/*;q=0.5"
)
FEED_BYTES = 20_000_000
_ID = re.compile(rb'"(?:id|input_id|page_id)"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)')


@click.command("poll")
@click.argument("feeds", nargs=-1)
@settings_flags(*WEB)
def poll_command(feeds: tuple[str, ...], **flags: Any) -> int:
    """Poll feeds once (URLs or files), and print their entries as JSON lines, each page once.

    Without feeds: those of the sample newsroom.

    \b
    Example: newsmill poll https://news.example/rss.xml | newsmill fetch
    """
    settings = read_settings(flags)
    feeds = feeds or SAMPLE_FEEDS
    with ExitStack() as stack:
        settings = with_newsroom(settings, feeds, stack)
        require_contact([feed for feed in feeds if "://" in feed], settings)
        return asyncio.run(_poll(feeds, settings))


async def _poll(feeds: Iterable[str], settings: Settings) -> int:
    code = 0
    seen: set[str] = set()  # several feeds name the same page
    async with Client(web_settings(settings)) as client:
        for feed in feeds:
            try:
                body, url, content_type = await _feed(client, feed)
                for entry in parse(body, url, content_type=content_type).entries:
                    if entry.page_id not in seen:
                        seen.add(entry.page_id)
                        write_line(encode(entry))
            except (BadRecord, TryLater) as error:
                click.echo(f"newsmill: {feed}: {error}", err=True)
                code = 1
    return code


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
        asked = [url for line in lines if (url := _url_of(line))]
        settings = with_newsroom(settings, asked, stack)
        require_contact(asked, settings)
        asyncio.run(_fetch(lines, settings))
    return 0


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


async def _fetch(lines: Iterable[bytes], settings: Settings) -> None:
    async with Client(web_settings(settings)) as client:

        async def one(line: bytes) -> bytes:
            if passed := _passed(line):
                return passed
            try:
                entry = decode(Entry, line)
                answer = await _patient(client, Request(url=entry.url), settings.fetch_attempts)
                return orjson.dumps(line_fields(_page(entry, answer), answer.body))
            except (BadRecord, TryLater) as error:
                return failed(line, error)

        async for answer in _in_order(lines, one):
            write_line(answer)


async def _in_order(lines: Iterable[bytes], one: Callable[[bytes], Any]) -> AsyncIterator[bytes]:
    waiting: deque[asyncio.Task[bytes]] = deque()
    for line in lines:
        waiting.append(asyncio.create_task(one(line)))
        while len(waiting) >= AHEAD:
            yield await waiting.popleft()
    while waiting:
        yield await waiting.popleft()


def _page(entry: Entry, answer: Response) -> Page:
    return Page(
        page_id=entry.page_id,
        url=entry.url,
        final_url=answer.final_url if answer.final_url != entry.url else None,
        status=answer.status,
        content_type=answer.headers.get("content-type"),
        fetched=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        redirects=answer.redirects,
        entry=entry,
    )


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


@click.command("extract")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--jsonl", is_flag=True, help="Page lines in, article lines out.")
@click.option("--json", "as_json", is_flag=True, help="Article lines, on a terminal too.")
@settings_flags("children", "child_timeout_s", "child_memory_mb")
def extract_command(files: tuple[Path, ...], jsonl: bool, as_json: bool, **flags: Any) -> int:
    """Extract articles from files of HTML or text, or from page lines.

    \b
    Example: newsmill extract page.html
             newsmill extract --jsonl < pages.jsonl | newsmill enrich --jsonl
    """
    settings = read_settings(flags)
    if files and not jsonl:
        for_people = not as_json and sys.stdout.isatty()
        return _extract_files(files, settings, for_people)
    for answer in extract_lines(binary_lines(files), settings):
        write_line(answer)
    return 0


def extract_lines(lines: Iterable[bytes], settings: Settings) -> Iterator[bytes]:
    """One article line for each page line, in order, through child processes."""
    pool = children(settings)
    answers: dict[int, bytes] = {}
    taken = given = 0
    try:
        source = iter(lines)
        ended = False
        while not ended or given < taken:
            while not ended and pool.free and taken - given < AHEAD:
                line = next(source, None)
                if line is None:
                    ended = True
                    break
                _give(pool, taken, line, answers)
                taken += 1
            for (number, line), answer in pool.done(0.2 if pool.busy else 0.0):
                if isinstance(answer, Failure):
                    answers[number] = failed(line, answer.error)
                else:
                    answers[number] = answer[0]
            while given in answers:
                yield answers.pop(given)
                given += 1
    finally:
        pool.close()


def _give(pool: Any, number: int, line: bytes, answers: dict[int, bytes]) -> None:
    if error := _passed(line):
        answers[number] = error
        return
    try:
        page, body = read_line(line)
        frames = [page_header(page), compress(body)]
    except (BadRecord, TryLater) as bad:
        answers[number] = failed(line, bad)
        return
    pool.start((number, line), frames)


def _extract_files(files: tuple[Path, ...], settings: Settings, for_people: bool) -> int:
    lines = [_file_line(path) for path in files]
    code = 0
    for path, answer in zip(files, extract_lines(lines, settings), strict=True):
        fields = orjson.loads(answer)
        if not for_people:
            write_line(answer)
        elif error := fields.get("error"):
            click.echo(f"newsmill: {path}: {error['reason']}: {error['detail']}", err=True)
        else:
            show_article(decode(Article, answer))
        code = 1 if "error" in fields else code
    return code


def _file_line(path: Path) -> bytes:
    import base64

    is_text = path.suffix.lower() in (".txt", ".text")
    fields = {
        "id": str(path),
        "url": f"http://file.invalid/{path.name}",
        "content_type": TEXT if is_text else None,
        "body_b64": base64.b64encode(path.read_bytes()).decode(),
    }
    return orjson.dumps(fields)


@click.command("enrich")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--jsonl", is_flag=True, help="Article lines in, enriched lines out (the default).")
def enrich_command(files: tuple[Path, ...], jsonl: bool) -> int:
    """Annotate article lines: language, entities, quotes.

    \b
    Example: newsmill extract --jsonl < pages.jsonl | newsmill enrich --jsonl
    """
    for line in binary_lines(files):
        write_line(_enriched(line.rstrip(b"\r\n")))
    return 0


def _enriched(line: bytes) -> bytes:
    if error := _passed(line):
        return error
    try:
        article = decode(Article, line)
        return enrich(line, article)[0]
    except (BadRecord, TryLater) as bad:
        return failed(line, bad)


def failed(line: bytes, error: BadRecord | TryLater) -> bytes:
    """The line that stands for one that failed."""
    found = _ID.search(line[:65536])
    input_id = orjson.loads(found[1]) if found else None
    if isinstance(error, BadRecord):
        why = {"reason": error.reason, "detail": error.detail}
    else:
        why = {"reason": "later", "detail": error.why}
    return orjson.dumps({"input_id": input_id, "error": why})


def _passed(line: bytes) -> bytes | None:
    """The line itself where it stands for one that failed before."""
    if b'"error"' not in line[:4096]:
        return None
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return (
        line.strip() if isinstance(fields, dict) and isinstance(fields.get("error"), dict) else None
    )


def with_newsroom(settings: Settings, urls: Iterable[str], stack: ExitStack) -> Settings:
    """Serve the sample newsroom meanwhile, where a URL is of it and no rule says where it is."""
    ours = {host_of(url) for url in urls} & set(HOSTS)
    if not ours or settings.resolve:
        return settings
    newsroom = stack.enter_context(Newsroom())
    return replace(settings, resolve=newsroom.resolve)
