"""A topic's own past: the pages of a lane once more, as they lie on the bus.

Spelled ``topic:pages``, ``topic:LANE.pages/PARTITION@FROM..UNTIL``: the lane is live where none is
named, all partitions are read in order, and FROM (in) and UNTIL (out) are offsets or times. The
records are passed on byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from newsmill import bus
from newsmill.bus.base import Bus, Output, Record
from newsmill.errors import BadRecord, Misconfigured
from newsmill.producer.sources.base import At, Item, Ready
from newsmill.records import Page, decode, traceparent
from newsmill.topics import PAGES

PREFIX = "topic:"
LIVE = "live"
_SPELLED = re.compile(
    r"topic:(?:([A-Za-z0-9_-]{1,64})\.)?([a-z]+)(?:/(\d{1,4}))?(?:@(.*?)(?:\.\.(.*))?)?\Z"
)
_LENGTH = 4  # bytes before an item's header that say how long it is


def is_past(word: str) -> bool:
    """Whether a source is a topic's past, by its spelling."""
    return word.startswith(PREFIX)


def pinned(words: Iterable[str], bus_url: str) -> list[str]:
    """The words with each topic's past spelled out: every partition from offset to offset.

    What is written after this moment is no part of it, however often the replay is started again.
    Raises Misconfigured.
    """
    found: list[str] = []
    for word in words:
        found += _pinned(word, bus_url) if is_past(word) else [word]
    return found


def _pinned(word: str, bus_url: str) -> list[str]:
    spelled = _SPELLED.match(word)
    if spelled is None or spelled[2] != PAGES.name:
        raise Misconfigured(
            f"{word}: no topic's past; use topic:pages, topic:pages@2026-11-01..2026-11-08, or"
            " topic:LANE.pages/PARTITION@FROM..UNTIL"
        )
    lane = spelled[1] or LIVE
    chosen = range(PAGES.partitions) if spelled[3] is None else [int(spelled[3])]
    words: list[str] = []
    with closing(bus.connect(bus_url, lane)) as opened:
        if not any(opened.span(PAGES, partition)[1] for partition in range(PAGES.partitions)):
            raise Misconfigured(f"{word}: lane {lane} has no pages on this bus")
        for partition in chosen:
            if partition >= PAGES.partitions:
                raise Misconfigured(f"{word}: {PAGES.name} has {PAGES.partitions} partitions")
            first, end = opened.span(PAGES, partition)
            start = _offset(opened, partition, spelled[4], (first, end), first)
            until = _offset(opened, partition, spelled[5], (first, end), end)
            words.append(f"{PREFIX}{lane}.{PAGES.name}/{partition}@{start}..{max(start, until)}")
    return words


def _offset(
    opened: Bus, partition: int, spelled: str | None, span: tuple[int, int], otherwise: int
) -> int:
    """The offset that a bound names, within what there is."""
    if not spelled:
        return otherwise
    if spelled.isdigit():
        return min(max(int(spelled), span[0]), span[1])
    try:
        moment = datetime.fromisoformat(spelled)
    except ValueError:
        raise Misconfigured(f"{spelled!r} is neither an offset nor a time") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return opened.since(PAGES, partition, max(0, int(moment.timestamp() * 1000)))


class PastSource:
    """One partition of a topic's past, pinned by ``pinned``."""

    def __init__(self, word: str, bus_url: str) -> None:
        spelled = _SPELLED.match(word)
        if spelled is None:
            raise ValueError(f"{word} is not pinned")
        lane, topic, partition, start, until = spelled.groups()
        self.path = Path(f"{PREFIX}{lane}.{topic}/{partition}")
        self._lane, self._partition = lane, int(partition)
        self._start, self._until = int(start), int(until)
        self._url = bus_url

    def head(self) -> str:
        """The name of the log that it is of: another one, or the same made anew, has another."""
        with closing(bus.connect(self._url, self._lane)) as opened:
            return opened.identity

    def size(self) -> int:
        """The offset at which it ends."""
        return self._until

    def items(self, at: At) -> Iterator[Item]:
        """The records after ``at``; what retention has dropped by now is one damaged part."""
        start = max(self._start, at.byte)
        number = at.number
        with closing(bus.connect(self._url, self._lane)) as opened:
            first, _ = opened.span(PAGES, self._partition)
            if first > start:
                number += 1
                lost = BadRecord("source_cut", f"offset {start} to {first}: retention dropped it")
                at = replace(at, number=number, byte=first)
                yield Item(number, start, at, b"", lost)
            for record in opened.scan(PAGES, self._partition, start):
                if record.offset >= self._until:
                    return
                number += 1
                at = replace(at, number=number, byte=record.next)
                yield Item(number, record.offset, at, _packed(record))

    def page(self, item: Item) -> Ready:
        """The page as it was published; raises BadRecord, and TryLater for a newer version."""
        held, value = _unpacked(item.raw)
        page = decode(Page, held or None)
        headers = (
            ("content-encoding", b"zstd"),
            ("page", held),
            ("traceparent", traceparent(page.page_id, PAGES.name)),
        )
        key = page.page_id.encode()
        return Ready(
            page, Output(topic=PAGES, key=key, routing=page.page_id, value=value, headers=headers)
        )


def _packed(record: Record) -> bytes:
    held = record.header("page") or b""
    return b"".join((len(held).to_bytes(_LENGTH, "big"), held, record.value or b""))


def _unpacked(raw: bytes) -> tuple[bytes, bytes]:
    end = _LENGTH + int.from_bytes(raw[:_LENGTH], "big")
    return raw[_LENGTH:end], raw[end:]
