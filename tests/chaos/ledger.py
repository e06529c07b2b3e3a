"""What went in and what came out, by number: the oracles, on data read as any reader does."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from chaos.stage import is_poison
from newsmill.bus.base import Bus, Member, Output, Place
from newsmill.errors import NewsmillError
from newsmill.topics import ARTICLES, DEAD, ENRICHED, PAGES, Topic, partition_of

BATCH = 500


class Feeder:
    """Puts numbered records on the first topic; knows which are really there."""

    def __init__(self, connect: Callable[[], Bus]) -> None:
        self._connect = connect
        self._bus: Bus | None = None
        self._member: Member | None = None
        self._in_doubt = False  # whether the last batch is there
        self.offered = 0
        self._back()

    def feed(self) -> None:
        """One batch more. Where nobody can tell whether it is there, the log is asked."""
        try:
            if self._member is None:
                self._back()
            if self._member is not None:
                self._in_doubt = True
                self._member.commit(self._batch(), [], {})
                self._in_doubt = False
                self.offered += BATCH
        except NewsmillError:
            self.close()

    def _batch(self) -> list[Output]:
        return [
            Output(
                topic=PAGES,
                key=b"%032d" % n,
                value=orjson.dumps({"n": n, "made": f"f{n}"}),
                partition=partition_of(f"host{n % 97}.example", PAGES.partitions),
            )
            for n in range(self.offered, self.offered + BATCH)
        ]

    def _back(self) -> None:
        self._bus = self._connect()
        self._member = self._bus.join("feeder", [])  # undoes what its predecessor left
        self.settle()

    def settle(self) -> None:
        """Find out about a batch in doubt. Raises NewsmillError where the log cannot be asked."""
        if self._in_doubt:
            if self._bus is None:
                self._back()
                return
            if self.offered in {held["n"] for held in values(self._bus, PAGES)}:
                self.offered += BATCH
            self._in_doubt = False

    def close(self) -> None:
        """Let go of the bus."""
        if self._member is not None:
            self._member.close()
        if self._bus is not None:
            self._bus.close()
        self._member = self._bus = None


def values(bus: Bus, topic: Topic) -> list[dict[str, Any]]:
    """All that a topic holds, read committed, in order of its partitions."""
    return [
        orjson.loads(record.value or b"") | {"partition": record.partition}
        for partition in range(topic.partitions)
        for record in bus.scan(topic, partition)
    ]


@dataclass(slots=True)
class Watching:
    """The run as it goes on: positions never go back, and something moves."""

    positions: dict[tuple[str, Place], int] = field(default_factory=dict)
    went_back: list[str] = field(default_factory=list)
    longest_stall_s: float = 0.0
    _moved: float = field(default_factory=time.monotonic)

    def look(self, bus: Bus) -> int:
        """Take the groups' positions down; how much waits for them."""
        self.note_stall()
        waiting = 0
        moved = False
        for lag in bus.lag(["extractor", "enricher"]):
            waiting += lag.waiting
            at = lag.position
            key = (lag.group, lag.place)
            before = self.positions.get(key)
            if before is not None and at < before:
                self.went_back.append(f"{lag.group} {lag.place}: {before} to {at}")
            moved = moved or before is None or at > before
            self.positions[key] = max(at, before or 0)
        if moved or not waiting:
            self._moved = time.monotonic()
        self.note_stall()
        return waiting

    def note_stall(self) -> None:
        """How long nothing has moved by now, a bus that cannot be asked included."""
        self.longest_stall_s = max(self.longest_stall_s, time.monotonic() - self._moved)


def verdict(bus: Bus, offered: int) -> dict[str, int]:
    """Every number once at the end, or dead; nothing made of what was undone; order kept."""
    pages, articles = values(bus, PAGES), values(bus, ARTICLES)
    enriched, dead = values(bus, ENRICHED), values(bus, DEAD)
    out = Counter(held["n"] for held in enriched)
    died = Counter(held["n"] for held in dead)
    middle = Counter(held["n"] for held in articles)
    wanted = {n for n in range(offered) if not is_poison(n)}
    poison = set(range(offered)) - wanted
    doubled = sum(count - 1 for counts in (out, died, middle) for count in counts.values())
    fed = {held["made"] for held in pages}
    made = {held["made"] for held in articles}
    undone = sum(held["of"] not in fed for held in articles)
    undone += sum(held["of"] not in made for held in enriched)
    return {
        "in": offered,
        "out": len(out),
        "dead": len(died),
        "lost": len(wanted - out.keys()) + len(poison - died.keys()) + len(wanted - middle.keys()),
        "duplicate": doubled,
        "aborted_visible": undone,
        "out_of_order": _disorder(articles) + _disorder(enriched),
        "unknown": len(out.keys() - wanted) + len(died.keys() - poison),
    }


def _disorder(held: list[Mapping[str, Any]] | list[dict[str, Any]]) -> int:
    last: dict[int, int] = {}
    found = 0
    for each in held:
        found += each["n"] < last.get(each["partition"], -1)
        last[each["partition"]] = each["n"]
    return found
