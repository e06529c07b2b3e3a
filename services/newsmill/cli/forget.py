"""``forget``: takes an article or a whole site down, everywhere, for good."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from newsmill import bus
from newsmill.archiver.sqlite import SqliteStore
from newsmill.archiver.stores import open_wanted, wanted_stores
from newsmill.archiver.takedown import forget_captures
from newsmill.bus.base import Bus, Output
from newsmill.cli.options import read_settings, settings_flags
from newsmill.errors import Misconfigured
from newsmill.process.denied import LIVE
from newsmill.process.settings import Settings
from newsmill.records import Denial, encode
from newsmill.topics import DENIED
from newsmill.urls import host_of, identity, normalise

GROUP = "tool.forget"
_ID = re.compile(r"[0-9a-fA-F]{32}\Z")


@click.command("forget")
@click.argument("what", metavar="ID|URL|SITE")
@click.option("--reason", default="", help="Kept with the takedown, and told by newsmill show.")
@settings_flags("data", "bus", "store")
def forget_command(what: str, reason: str, **flags: Any) -> None:
    """Take an article or a whole site down: out of stores and archives, never to come back.

    It is said on the bus first: fetchers, archivers and replays of every lane keep it away from
    then on, running ones within a second or, of a replay, half a minute.

    \b
    Example: newsmill forget https://news.example/story.html --reason "court order 12/26"
    """
    settings = read_settings(flags)
    at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    keys = keys_to_deny(what, settings)
    denials = [
        Denial(key=key, at=at, reason=" ".join(reason.split()), article_id=article_id)
        for key, article_id in keys.items()
    ]
    with closing(bus.connect(settings.bus_url, LIVE)) as opened:
        opened.create()
        publish(opened, denials)
    articles = _from_stores(settings, denials)
    captures = sum(forget_captures(folder, denials) for folder in archives(settings))
    click.echo(f"taken down: {', '.join(keys)}", err=True)
    click.echo(f"{articles} articles and {captures} archived pages removed", err=True)


def keys_to_deny(what: str, settings: Settings) -> dict[str, str | None]:
    """The keys that name what is to go, each with the article that it goes with.

    Of an article all pages are named that the stores of the data folder know, since a fetcher knows
    pages only. Raises Misconfigured for what is no id, no URL and no site.
    """
    if not _ID.match(what) and "/" not in what:
        return {_site(what): None}
    try:
        key = what.lower() if _ID.match(what) else identity(normalise(what))
    except ValueError as error:
        raise Misconfigured(f"{what!r} is neither an id nor an address: {error}") from None
    keys: dict[str, str | None] = {key: None}
    for path in stores(settings):
        with SqliteStore(path) as store:
            found = store.find(key)
        if found is not None:
            keys |= dict.fromkeys((found.article_id, *found.pages), found.article_id)
    return keys


def _site(what: str) -> str:
    try:
        host = host_of(normalise(f"http://{what}/"))
    except ValueError as error:
        raise Misconfigured(f"{what!r} is no id, no address and no site: {error}") from None
    if "." not in host:
        raise Misconfigured(f"{what!r} is no site: a whole top-level domain is not taken down")
    return host


def publish(opened: Bus, denials: Iterable[Denial]) -> None:
    """Say it on the configuration topic, in one step."""
    member = opened.join(GROUP, [])
    outputs = [
        Output(topic=DENIED, key=one.key.encode(), routing=one.key, value=encode(one))
        for one in denials
    ]
    member.commit(outputs, (), {})
    member.leave()


def stores(settings: Settings) -> list[Path]:
    """The SQLite stores of every lane in the data folder."""
    return sorted(settings.store_path.parent.glob("*.db"))


def archives(settings: Settings) -> list[Path]:
    """The raw archives of every lane in the data folder."""
    return sorted(index.parent for index in settings.archive_path.parent.glob("*/index.db"))


def _from_stores(settings: Settings, denials: Sequence[Denial]) -> int:
    removed = 0
    for path in stores(settings):
        with SqliteStore(path) as store:
            removed += store.forget(denials)
    for wanted in wanted_stores(settings):
        if not wanted.is_file:
            database = open_wanted(wanted, settings)
            removed += database.forget(denials)
            database.close()
    return removed
