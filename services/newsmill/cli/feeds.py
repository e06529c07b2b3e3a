"""``feeds add|rest|import|export|list``: which feeds are polled."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from newsmill import bus
from newsmill.bus.base import Bus, Output
from newsmill.cli.bus import table
from newsmill.cli.options import BUS, read_settings, settings_flags
from newsmill.errors import BadRecord, Misconfigured
from newsmill.producer.core import FeedState, decode_state, read_opml, write_opml
from newsmill.records import Feed, decode, encode
from newsmill.topics import FEEDS, FEEDS_STATE
from newsmill.urls import normalise

GROUP = "tool.feeds"
WHY = 80  # characters of the last failure that are shown


@click.group("feeds")
def feeds_command() -> None:
    """Say which feeds are polled."""


def read_feeds(opened: Bus) -> dict[str, Feed]:
    """The feeds on the configuration topic, by URL."""
    follower = opened.follow(FEEDS)
    feeds: dict[str, Feed] = {}
    for record in follower.poll():
        if record.value is None:
            feeds.pop(record.key.decode(), None)
        else:
            feeds[record.key.decode()] = decode(Feed, record.value)
    follower.close()
    return feeds


def publish_feeds(opened: Bus, feeds: Iterable[Feed], removed: Iterable[str] = ()) -> None:
    """Write feeds, and remove others, in one step."""
    written = [(feed.url, encode(feed)) for feed in feeds]
    outputs = [
        Output(topic=FEEDS, key=url.encode(), routing=url, value=value)
        for url, value in [*written, *((url, None) for url in removed)]
    ]
    if not outputs:
        return
    member = opened.join(GROUP, [])
    member.commit(outputs, (), {})
    member.leave()


def replace_feeds(opened: Bus, feeds: Iterable[Feed]) -> int:
    """Poll just these: others on the topic rest. Gives the number of feeds that changed."""
    wanted = {feed.url: feed for feed in feeds}
    present = read_feeds(opened)
    changed = [feed for url, feed in wanted.items() if present.get(url) != feed]
    changed += [
        _resting(feed) for url, feed in present.items() if url not in wanted and not feed.paused
    ]
    publish_feeds(opened, changed)
    return len(changed)


def _resting(feed: Feed) -> Feed:
    return Feed(url=feed.url, title=feed.title, tags=feed.tags, paused=True)


def load_feeds(path: Path) -> tuple[Feed, ...]:
    """The feeds of an OPML file or a list of URLs, or of standard input (``-``).

    Raises Misconfigured, naming file and fault.
    """
    try:
        feeds = read_opml(path.read_bytes() if str(path) != "-" else sys.stdin.buffer.read())
    except OSError as error:
        raise Misconfigured(f"{path}: {error.strerror}") from None
    except (BadRecord, ValueError) as error:
        detail = error.detail if isinstance(error, BadRecord) else str(error)
        raise Misconfigured(f"{path}: {detail}") from None
    if not feeds:
        raise Misconfigured(f"{path}: no feed in it")
    return feeds


@feeds_command.command("add")
@click.argument("urls", nargs=-1, required=True)
@settings_flags(*BUS)
def add(urls: tuple[str, ...], **flags: Any) -> None:
    """Poll feeds, from now on or again.

    \b
    Example: newsmill feeds add https://news.example/rss.xml
    """
    feeds = [Feed(url=_normal(url)) for url in urls]
    opened = _open(flags)
    publish_feeds(opened, feeds)
    opened.close()
    click.echo(f"{len(feeds)} added")


@feeds_command.command("rest")
@click.argument("urls", nargs=-1, required=True)
@settings_flags(*BUS)
def rest(urls: tuple[str, ...], **flags: Any) -> None:
    """Poll feeds no longer, until they are added again; what they brought stays.

    \b
    Example: newsmill feeds rest https://news.example/rss.xml
    """
    opened = _open(flags)
    present = read_feeds(opened)
    wanted = [_normal(url) for url in urls]
    unknown = [url for url in wanted if url not in present]
    if unknown:
        opened.close()
        raise Misconfigured(f"feed {unknown[0]}: it is not polled; see newsmill feeds list")
    publish_feeds(opened, [_resting(present[url]) for url in wanted])
    opened.close()
    click.echo(f"{len(wanted)} at rest")


def _normal(url: str) -> str:
    try:
        return normalise(url)
    except ValueError as error:
        raise Misconfigured(f"feed {url!r}: {error}") from None


@feeds_command.command("import")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@settings_flags(*BUS)
def import_(file: Path, **flags: Any) -> None:
    """Poll the feeds of an OPML file, or of a list of URLs, beside those that are polled.

    FILE may be - for standard input.

    \b
    Example: newsmill feeds import subscriptions.opml
    """
    feeds = load_feeds(file)
    opened = _open(flags)
    publish_feeds(opened, feeds)
    opened.close()
    click.echo(f"{len(feeds)} imported")


@feeds_command.command("export")
@settings_flags(*BUS)
def export(**flags: Any) -> None:
    """Print the feeds as OPML.

    \b
    Example: newsmill feeds export > subscriptions.opml
    """
    opened = _open(flags)
    feeds = [feed for feed in read_feeds(opened).values() if not feed.paused]
    opened.close()
    click.echo(write_opml(sorted(feeds, key=lambda feed: feed.url)).decode(), nl=False)


@feeds_command.command("list")
@settings_flags(*BUS)
def list_(**flags: Any) -> None:
    """List the feeds, with what the last polls found.

    \b
    Example: newsmill feeds list
    """
    opened = _open(flags)
    feeds = read_feeds(opened)
    states = read_states(opened)
    opened.close()
    rows = []
    for url, feed in sorted(feeds.items()):
        state = states.get(url)
        how = "rests" if feed.paused else "new" if state is None else _health(state)
        why = state.why if state is not None and not feed.paused else None
        rows.append((url, how, state.polls if state else 0, feed.title or "", (why or "")[:WHY]))
    table(("feed", "state", "polls", "title", "why"), rows)


def read_states(opened: Bus) -> dict[str, FeedState]:
    """The producer's state of every feed, by URL."""
    states = {}
    for key, value in opened.read_state(FEEDS_STATE):
        if not key.startswith(b"\0"):
            states[key.decode()] = decode_state(value)
    return states


def _health(state: FeedState) -> str:
    if state.gone:
        return "gone"
    return f"failing ({state.failures})" if state.failures else "fine"


def _open(flags: dict[str, Any]) -> Bus:
    settings = read_settings(flags)
    opened = bus.connect(settings.bus_url, settings.lane)
    opened.create()
    return opened
