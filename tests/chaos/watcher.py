"""Whoever looks at the bus beside a run: feeds it, follows positions, reads what is shown."""

from __future__ import annotations

import math
import threading
import time

from chaos.glance import glance
from chaos.ground import Ground
from chaos.ledger import BATCH, Feeder, Watching
from chaos.load import Load
from chaos.reader import Reader
from newsmill.bus.base import Bus
from newsmill.errors import NewsmillError

LOOK_S = 0.5
FIRST = "extractor"  # the group that is fed
QUIET_LOOKS = 3  # with nothing waiting, before a run counts as drained


class Watcher:
    """A thread of its own: faults go on while the bus lets it wait; where it is away, it tries on.

    ``with`` starts and ends it; then feeder and reader are the caller's.
    """

    def __init__(self, where: Ground, load: Load) -> None:
        self._where, self._load = where, load
        self._bus: Bus | None = None
        self._quiet = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.feeder = Feeder(where.connect, load)
        self.feeding = True
        self.seen = Watching()
        self.reader = Reader()
        self.waiting = -1  # for all groups together
        self.longest_look_s = 0.0

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def is_alive(self) -> bool:
        """Whether it looks on; what ended it otherwise is on standard error."""
        return self._thread.is_alive()

    @property
    def has_moved(self) -> bool:
        """Whether any group has got anywhere."""
        return any(self.seen.positions.values())

    @property
    def is_drained(self) -> bool:
        """Whether nothing waits, some looks on end."""
        return self._quiet >= QUIET_LOOKS

    def feed_no_more(self) -> None:
        """From the next look on there is nothing new."""
        self.feeding = False
        self._quiet = 0

    def _run(self) -> None:
        while not self._stop.wait(LOOK_S):
            begun = time.monotonic()
            try:
                self._look()
            except NewsmillError:
                self.seen.note_stall()
                self._close()
            self.longest_look_s = max(self.longest_look_s, time.monotonic() - begun)
        self._close()

    def _look(self) -> None:
        if self._bus is None:
            self._bus = self._where.connect(5.0)
        is_last = not self.feeding
        groups = self._load.groups
        self.seen.look(self._bus.lag(groups) if is_last else glance(self._bus, groups))
        self.waiting = self.seen.waiting.total()
        self._quiet = self._quiet + 1 if is_last and not self.waiting else 0
        missing = self._load.low_water - self.seen.waiting[FIRST]
        for _ in range(0 if is_last else math.ceil(missing / BATCH)):
            self.feeder.feed()
        self.reader.look(self._bus)

    def _close(self) -> None:
        if self._bus is not None:
            self._bus.close()
            self._bus = None
