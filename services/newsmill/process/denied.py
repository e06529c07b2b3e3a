"""What was taken down, as every worker knows it that might bring it back.

A takedown is of the whole installation: it is said once, on the live lane's ``denied`` topic, and
every lane honours it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Protocol

from newsmill import bus
from newsmill.bus.base import Bus, BusUnknown, Record
from newsmill.errors import BadRecord, TryLater
from newsmill.process.settings import Settings
from newsmill.records import Denial, decode
from newsmill.topics import DENIED
from newsmill.urls import host_of

LIVE = "live"
FOLLOW_S = 1.0  # between two looks at the topic
FOLLOW_REPLAY_S = 30.0  # the same from another lane, which has to open the live one for it


def keys_of(ids: Iterable[str | None], urls: Iterable[str | None]) -> Iterator[str]:
    """Every key that would deny what has these ids and normal URLs: the ids, hosts, their parents.

    A key may come twice.
    """
    for each in ids:
        if each:
            yield each
    for url in urls:
        host = host_of(url) if url else ""
        while host:
            yield host
            host = host.partition(".")[2]


class Denied:
    """The denials that are known."""

    def __init__(self) -> None:
        self._by_key: dict[str, Denial] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def take(self, records: Iterable[Record]) -> list[Denial]:
        """Follow the topic's records; gives the denials among them that are new.

        One that cannot be read, or is of a newer version, denies its key all the same.
        """
        fresh = []
        for record in records:
            key = record.key.decode("utf-8", "replace")
            if record.value is None:
                self._by_key.pop(key, None)
                continue
            denial = _denial(key, record.value)
            if self._by_key.get(key) != denial:
                self._by_key[key] = denial
                fresh.append(denial)
        return fresh

    def find(self, ids: Iterable[str | None], urls: Iterable[str | None]) -> Denial | None:
        """The denial of what has these ids and URLs, None where there is none."""
        if not self._by_key:
            return None
        found = (self._by_key.get(key) for key in keys_of(ids, urls))
        return next((denial for denial in found if denial is not None), None)

    def check(self, ids: Iterable[str | None], urls: Iterable[str | None]) -> None:
        """Raise BadRecord (``denied``) for what was taken down."""
        denial = self.find(ids, urls)
        if denial is not None:
            raise BadRecord("denied", told(denial))


def _denial(key: str, value: bytes) -> Denial:
    try:
        return decode(Denial, value)
    except (BadRecord, TryLater):
        return Denial(key=key, at="", reason="")


def told(denial: Denial) -> str:
    """A denial in words: when, and why."""
    why = f": {denial.reason}" if denial.reason else ""
    return f"taken down {denial.at}{why}".strip()


class DeniedReader(Protocol):
    """Where the records of the topic come from."""

    def poll(self) -> list[Record]:
        """What came since the last call."""


class Following:
    """Denials kept up with, from whatever lane."""

    def __init__(self, opened: Bus, settings: Settings) -> None:
        is_live = settings.lane == LIVE
        self.denied = Denied()
        self._reader: DeniedReader = opened.follow(DENIED) if is_live else _Elsewhere(settings)
        self._every_s = FOLLOW_S if is_live else FOLLOW_REPLAY_S
        self._due_at = 0.0  # monotonic
        self._is_known = False

    def fresh(self) -> list[Denial]:
        """The denials that came since the last call; looks only so often.

        Once they are known, a bus that is away costs nothing: no record comes from it either.
        Raises BusUnknown where it was never reached.
        """
        now = time.monotonic()
        if now < self._due_at:
            return []
        self._due_at = now + self._every_s
        try:
            records = self._reader.poll()
        except BusUnknown:
            if not self._is_known:
                raise
            return []
        self._is_known = True
        return self.denied.take(records)


class _Elsewhere:
    """Reads the live lane's topic from a worker of another lane; makes nothing there."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.bus_url
        self._next = 0

    def poll(self) -> list[Record]:
        """What came since the last call."""
        with closing(bus.connect(self._url, LIVE)) as live:
            records = list(live.scan(DENIED, 0, self._next))
        if records:
            self._next = records[-1].next
        return records
