"""What goes in, and how the run goes on: the feeder, and who watches the groups' positions."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from chaos.load import Load
from newsmill.bus.base import Bus, Lag, Member, Output, Place
from newsmill.errors import NewsmillError
from newsmill.topics import PAGES

BATCH = 200  # whole rounds of the real load: its first record is a plain page


class Feeder:
    """Puts numbered records on the first topic; knows which are really there."""

    def __init__(self, connect: Callable[[], Bus], load: Load) -> None:
        self._connect, self._load = connect, load
        self._bus: Bus | None = None
        self._member: Member | None = None
        self._in_doubt = False  # whether the last batch is there
        self._versions: dict[int, int] = {}  # of the first records of batches, where not 1
        self.offered = 0

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

    def make_newer(self, version: int) -> None:
        """The next batch begins with a record of that major version."""
        self._versions[self.offered + (BATCH if self._in_doubt else 0)] = version

    def _batch(self) -> list[Output]:
        numbers = range(self.offered, self.offered + BATCH)
        return [self._load.output(n, self._versions.get(n, 1)) for n in numbers]

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
            key, bus = self._load.key(self.offered), self._bus
            places = range(PAGES.partitions)
            if any(record.key == key for place in places for record in bus.scan(PAGES, place)):
                self.offered += BATCH
            self._in_doubt = False

    def close(self) -> None:
        """Let go of the bus."""
        if self._member is not None:
            self._member.close()
        if self._bus is not None:
            self._bus.close()
        self._member = self._bus = None


@dataclass(slots=True)
class Watching:
    """The run as it goes on: positions never go back, and something moves."""

    positions: dict[tuple[str, Place], int] = field(default_factory=dict)
    went_back: list[str] = field(default_factory=list)
    waiting: Counter[str] = field(default_factory=Counter)  # by group
    longest_stall_s: float = 0.0
    _moved: float = field(default_factory=time.monotonic)

    def look(self, lags: Iterable[Lag]) -> None:
        """Take the groups' positions down, and how much waits for them."""
        self.note_stall()
        waiting: Counter[str] = Counter()
        moved = False
        for lag in lags:
            waiting[lag.group] += lag.waiting
            at = lag.position
            key = (lag.group, lag.place)
            before = self.positions.get(key)
            if before is not None and at < before:
                self.went_back.append(f"{lag.group} {lag.place}: {before} to {at}")
            moved = moved or before is None or at > before
            self.positions[key] = max(at, before or 0)
        self.waiting = waiting
        if moved or not waiting.total():
            self._moved = time.monotonic()
        self.note_stall()

    def note_stall(self) -> None:
        """How long nothing has moved by now, a bus that cannot be asked included."""
        self.longest_stall_s = max(self.longest_stall_s, time.monotonic() - self._moved)
