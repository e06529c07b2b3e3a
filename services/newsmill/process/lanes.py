"""What a drain worker holds of each partition: records in order, done or not."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from newsmill.bus.base import Mark, Record
from newsmill.process.steps import Result

LANE_BYTES = 8 << 20  # delivered and not committed, of one partition
LANE_RECORDS = 200


@dataclass(slots=True)
class Item:
    """A delivered record and what became of it."""

    record: Record
    attempt: int = 0
    result: Result | None = None


@dataclass(slots=True)
class Lane:
    """What this worker holds of one partition under one epoch, in order of offset."""

    mark: Mark
    items: dict[int, Item] = field(default_factory=dict)  # by offset
    unstarted: deque[Item] = field(default_factory=deque)
    bytes: int = 0
    held_until: float = 0.0

    @property
    def is_full(self) -> bool:
        """Whether the partition pauses."""
        return self.bytes >= LANE_BYTES or len(self.items) >= LANE_RECORDS

    def add(self, record: Record) -> None:
        """Take a record as delivered."""
        item = self.items[record.offset] = Item(record)
        self.unstarted.append(item)
        self.bytes += record.size

    def finished(self, most: int) -> list[Item]:
        """The finished prefix, at most so many."""
        prefix: list[Item] = []
        for item in self.items.values():
            if item.result is None or len(prefix) >= most:
                break
            prefix.append(item)
        return prefix

    def release(self, prefix: list[Item]) -> None:
        """Let a committed prefix go."""
        for item in prefix:
            del self.items[item.record.offset]
            self.bytes -= item.record.size
