"""Marks every output with the attempt that wrote it, so that a torn or an undone step is seen.

The mark is a header: who wrote it, at which try, and how many outputs that try had. What the bus
refused goes to a file of its own: of those attempts nothing may ever be read.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from newsmill.bus.base import (
    Bus,
    BusFull,
    Change,
    Fenced,
    Mark,
    Member,
    Output,
    Place,
    Record,
    RecordTooLarge,
)
from newsmill.topics import Topic

HEADER = "attempt"


class TaggedBus:
    """A bus whose members mark what they write; all else is the bus's own."""

    def __init__(self, bus: Bus, refused: Path) -> None:
        self._bus = bus
        self._refused = refused

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)

    def join(self, group: str, topics: Sequence[Topic], *, slot: int | None = None) -> TaggedMember:
        """A member of the group, as the bus gives it."""
        return TaggedMember(self._bus.join(group, topics, slot=slot), self._refused)


class TaggedMember:
    """A member whose steps are marked."""

    def __init__(self, member: Member, refused: Path) -> None:
        self._member = member
        self._refused = refused
        self._who = f"{os.getpid()}-{time.monotonic_ns()}"
        self._tries = count()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._member, name)

    def commit(
        self,
        outputs: Sequence[Output],
        state: Sequence[Change],
        positions: Mapping[Place, Mark],
    ) -> None:
        """The member's own step, its outputs marked."""
        mark = f"{self._who}-{next(self._tries)}/{len(outputs)}"
        header = (HEADER, mark.encode())
        marked = [replace(output, headers=(*output.headers, header)) for output in outputs]
        try:
            self._member.commit(marked, state, positions)
        except (Fenced, BusFull, RecordTooLarge):  # not BusUnknown: nobody can tell how that ended
            with self._refused.open("a") as refused:
                refused.write(f"{mark}\n")
            raise


class Attempts:
    """Counts what a reader sees of every attempt."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def see(self, record: Record) -> None:
        """Take a record down; one without a mark is nobody's attempt."""
        marks = [value for name, value in record.headers if name == HEADER]
        if marks:  # a dead letter has its record's headers before its own
            self._seen[marks[-1].decode()] += 1

    def visible(self, refused: Iterable[Path]) -> tuple[int, int]:
        """Attempts of which a part is missing, and those refused of which something is there."""
        torn = sum(seen != int(mark.rpartition("/")[2]) for mark, seen in self._seen.items())
        names = {name for file in refused for name in file.read_text().split()}
        return torn, len(names & self._seen.keys())
