"""What a drain worker holds of each partition: records in order, done or not."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from newsmill.bus.base import Burst, Mark, Place, Record
from newsmill.process.events import Stage
from newsmill.process.steps import Result
from newsmill.process.telemetry import Telemetry

LANE_BYTES = 8 << 20  # delivered and not committed, of one partition, with what was made of it
LANE_RECORDS = 200


@dataclass(slots=True)
class Item:
    """A delivered record and what became of it."""

    record: Record
    attempt: int = 0
    result: Result | None = None
    made: int = 0  # bytes of the result's outputs
    told: bool = False  # its log line is written


@dataclass(slots=True)
class Lane:
    """What this worker holds of one partition under one epoch, in order of offset."""

    mark: Mark
    pending: deque[Item] = field(default_factory=deque)  # all behind the finished prefix
    unstarted: deque[Item] = field(default_factory=deque)
    working: dict[int, Item] = field(default_factory=dict)  # with the work, by offset
    ready: deque[Item] = field(default_factory=deque)  # the finished prefix
    bytes: int = 0
    held_until: float = 0.0
    opens_at: float | None = None  # the work could not take the partition over, and tries again

    def __len__(self) -> int:
        return len(self.pending) + len(self.ready)

    @property
    def is_full(self) -> bool:
        """Whether the partition pauses."""
        return self.bytes >= LANE_BYTES or len(self) >= LANE_RECORDS

    def add(self, record: Record) -> None:
        """Take a record as delivered."""
        item = Item(record)
        self.pending.append(item)
        self.unstarted.append(item)
        self.bytes += record.size

    def clear(self) -> None:
        """Let everything go that was delivered; it will be again."""
        self.pending.clear()
        self.unstarted.clear()
        self.bytes = 0

    def begin(self) -> Item:
        """The next record goes to the work."""
        item = self.unstarted.popleft()
        item.attempt += 1
        self.working[item.record.offset] = item
        return item

    def ended(self, record: Record) -> Item | None:
        """Its item comes back from the work; None where it is of an assignment that is over."""
        item = self.working.get(record.offset)
        if item is None or item.record is not record:
            return None
        del self.working[record.offset]
        return item

    def put_back(self, item: Item) -> None:
        """It is to be started once more."""
        self.unstarted.appendleft(item)

    def finish(self, item: Item, result: Result) -> list[Item]:
        """Note its result; gives what the finished prefix grew by."""
        item.result = result
        item.made = sum(len(output.value or b"") for output in result.outputs)
        self.bytes += item.made
        grown: list[Item] = []
        while self.pending and self.pending[0].result is not None:
            grown.append(self.pending.popleft())
        self.ready.extend(grown)
        return grown

    def release(self, prefix: list[Item]) -> None:
        """Let a committed prefix go."""
        for item in prefix:
            self.ready.popleft()
            self.bytes -= item.record.size + item.made


Prefixes = dict[Place, list[Item]]


def next_step(lanes: Mapping[Place, Lane], burst: Burst, turn: int) -> Prefixes:
    """The finished prefixes that go into one step, within the burst's bytes; lanes go in turn."""
    most = max(1, burst.records)
    left = max(1, burst.bytes)
    places = list(lanes)
    first = turn % max(1, len(places))
    prefixes: Prefixes = {}
    for place in (*places[first:], *places[:first]):
        prefix: list[Item] = []
        for item in islice(lanes[place].ready, most):
            if left <= 0:
                break
            prefix.append(item)
            left -= item.made
        if prefix:
            prefixes[place] = prefix
    return prefixes


def write_lines(log: Telemetry, stage: Stage, items: Iterable[Item]) -> None:
    """The log lines of finished records that have none yet."""
    now_ms = time.time_ns() // 1_000_000
    for item in items:
        record, result = item.record, item.result
        if result is None or item.told:
            continue
        item.told = True
        log.add(
            "record",
            level="warning" if result.outcome == "dead" else None,
            stage=stage,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            attempt=item.attempt,
            outcome=result.outcome,
            reason=result.reason,
            detail=result.detail,
            age_ms=max(0, now_ms - record.timestamp_ms),
            **result.facts,
        )
