"""A member of a group on the embedded log: poll, commit, hold, restore, leave."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from newsmill.bus.base import (
    MAX_POLL_BYTES,
    MAX_RECORDS,
    BusFull,
    Change,
    Fenced,
    Mark,
    OutOfRange,
    Output,
    Place,
    Record,
)
from newsmill.bus.file import reading
from newsmill.bus.file.bells import Bells, Ear
from newsmill.bus.file.catalog import Catalog, Known
from newsmill.bus.file.database import Database
from newsmill.bus.file.membership import Membership
from newsmill.bus.file.presence import Presence
from newsmill.bus.file.reading import Notice
from newsmill.bus.file.writer import Writer
from newsmill.topics import Topic

GUARD_S = 1.0  # how often a member sees to it that a detector is at work


class _Batch:
    """What one poll has gathered so far, within its bounds."""

    def __init__(self, max_records: int, max_bytes: int) -> None:
        self.max_records = self.records_left = max_records
        self.max_bytes = self.bytes_left = max_bytes
        self.records: list[Record] = []
        self.damaged: list[tuple[Place, list[Any]]] = []

    def add(self, records: list[Record]) -> None:
        self.records += records
        self.records_left -= len(records)
        self.bytes_left -= sum(record.size for record in records)


class FileMember:
    """One member, with a connection of its own. Not thread-safe: one thread owns it."""

    def __init__(
        self,
        db: Database,
        catalog: Catalog,
        presence: Presence,
        bells: Bells,
        membership: Membership,
        topics: Sequence[Known],
        notice: Notice,
    ) -> None:
        self._db = db
        self._catalog = catalog
        self._presence = presence
        self._bells = bells
        self._membership = membership
        self._streams = [known for known in topics if known.topic.kind == "stream"]
        self._publishes_only = not topics
        self._notice = notice
        self._writer = Writer(db, catalog, bells, membership)
        self._next: dict[Place, tuple[int, int]] = {}  # epoch, next position to deliver
        self._held: dict[Place, float] = {}
        self._turn = 0
        self._guarded = float("-inf")
        self.is_open = True
        names = [known.bell for known in self._streams]
        self._ear = Ear(db.options.directory / "bells", (*names, membership.group.bell))

    @property
    def slot(self) -> int:
        """The stable number of this member within its group."""
        return self._membership.slot

    @property
    def identity(self) -> str:
        """Names the log that it reads."""
        return self._catalog.identity()

    @property
    def assignment(self) -> Mapping[Place, Mark]:
        """What this member owns, with the committed position and the epoch of each."""
        return {
            place: Mark(owned.position, owned.epoch)
            for place, owned in self._membership.owned.items()
        }

    def poll(
        self,
        timeout_s: float,
        *,
        max_records: int = MAX_RECORDS,
        max_bytes: int = MAX_POLL_BYTES,
        skip: Collection[Place] = (),
    ) -> list[Record]:
        """The next records of the owned partitions; raises OutOfRange, Fenced without a place."""
        deadline = time.monotonic() + timeout_s
        while True:
            self._require_open()
            self._membership.beat()
            self._membership.tend()
            self._follow_assignment()
            self._see_to_the_guard()
            records = self._fetch(max_records, max_bytes, skip)
            left = deadline - time.monotonic()
            if records or left <= 0:
                return records
            self._ear.wait(min(left, self._membership.check_s, self._until_release()))

    def hold(self, place: Place, until: float) -> None:
        """Deliver nothing from ``place`` before ``time.monotonic()`` reaches ``until``."""
        self._held[place] = until

    def rewind(self, place: Place, mark: Mark) -> None:
        """Deliver from an earlier position again; raises Fenced."""
        self._require_open()
        owned = self._membership.owned.get(place)
        if owned is None or owned.epoch != mark.epoch:
            raise Fenced(f"{place} is not owned here")
        if mark.position > owned.position:
            raise ValueError(f"{place}: position {mark.position} is no earlier one")
        (start,) = self._db.execute("SELECT start FROM parts WHERE tp=?", (owned.number,))[0]
        position = max(mark.position, start)
        self._writer.rewind(place, Mark(position, mark.epoch))
        self._next[place] = (mark.epoch, position)

    def restore(self, topic: Topic, partition: int) -> Iterable[tuple[bytes, bytes]]:
        """Every key and value of a partition of state owned here; raises Fenced where it is not."""
        return reading.restore(self._db, self._own_state(topic, partition), self._notice)

    def recall(self, topic: Topic, partition: int, key: bytes) -> bytes | None:
        """One value of a partition of state owned here; raises Fenced where it is not, TryLater."""
        return reading.recall(self._db, self._own_state(topic, partition), key, self._notice)

    def _own_state(self, topic: Topic, partition: int) -> tuple[int, str, int]:
        owned = self._membership.owned
        beside = Place(topic.beside or topic.name, partition)
        if beside not in owned and Place(topic.name, partition) not in owned:
            raise Fenced(f"{topic.name}/{partition} is not owned here")
        return self._catalog.get(topic).partitions[partition], topic.name, partition

    def leave(self) -> None:
        """Give all partitions up at once."""
        if self.is_open:
            with contextlib.suppress(BusFull):  # the lock that the kernel frees says as much
                self._membership.leave()
            self.close()

    def close(self) -> None:
        """Let go without a word, as a killed process does; others see it at once."""
        if self.is_open:
            self.is_open = False
            self._membership.vanish()
            self._ear.close()
            self._bells.close()
            self._db.close()

    def commit(
        self,
        outputs: Sequence[Output],
        state: Sequence[Change],
        positions: Mapping[Place, Mark],
        *,
        adds: bool = False,
    ) -> None:
        """One step, whole or not at all; raises Fenced, BusFull, BusUnknown, RecordTooLarge."""
        self._require_open()
        if not positions and not self._publishes_only:
            raise ValueError("a step of a group that reads must name the partitions it is of")
        for place, mark in positions.items():
            self._check_position(place, mark)
        self._writer.commit(outputs, state, positions, adds=adds)

    def _check_position(self, place: Place, mark: Mark) -> None:
        """Raise ValueError for a position that skips what was not delivered, or goes back."""
        epoch, reached = self._next.get(place, (None, 0))
        owned = self._membership.owned.get(place)
        if owned is None or owned.epoch != mark.epoch:
            return  # the step will be fenced
        if epoch == mark.epoch and mark.position > reached:
            raise ValueError(f"{place}: position {mark.position} was not delivered yet")
        if mark.position < owned.position:
            raise ValueError(f"{place}: position {mark.position} is behind the committed one")

    def _require_open(self) -> None:
        if not self.is_open:
            raise Fenced(f"slot {self.slot} of {self._membership.group.name} has left")

    def _follow_assignment(self) -> None:
        owned = self._membership.owned
        for place in self._next.keys() - owned.keys():
            del self._next[place]
            self._held.pop(place, None)
        for place, mine in owned.items():
            if self._next.get(place, (None, 0))[0] != mine.epoch:
                self._next[place] = (mine.epoch, mine.position)
                self._held.pop(place, None)

    def _see_to_the_guard(self) -> None:
        now = time.monotonic()
        if self._db.options.detector == "on" and now - self._guarded > GUARD_S:
            self._guarded = now
            for pid in self._presence.guard(self._db.options.lease_s):
                self._notice("killed", {"pid": pid})

    def _until_release(self) -> float:
        """Seconds until the first hold ends."""
        now = time.monotonic()
        return max(0.0, min((until - now for until in self._held.values()), default=3600.0))

    def _fetch(self, max_records: int, max_bytes: int, skip: Collection[Place]) -> list[Record]:
        """Read under one snapshot, so that retention cannot drop anything between look and read."""
        batch = _Batch(max_records, max_bytes)
        with self._db.reading():
            ready = self._ready(skip)
            self._turn += 1
            first = self._turn % max(1, len(ready))
            ready = [*ready[first:], *ready[:first]]
            # First each place gets its fair part; then what is left goes to those that have more.
            for part in (max(1, len(ready)), 1):
                for place, end in ready:
                    self._fetch_one(batch, place, end, part)
        for place, rows in batch.damaged:
            where = (self._membership.owned[place].number, *place)
            reading.set_aside(self._db, where, rows, self._notice)
        return batch.records

    def _ready(self, skip: Collection[Place]) -> list[tuple[Place, int]]:
        """The places with something to deliver, with the end of each."""
        now = time.monotonic()
        self._held = {place: until for place, until in self._held.items() if until > now}
        ready = []
        for known in self._streams:
            rows = self._db.execute(
                "SELECT part, start, next FROM parts WHERE topic=?", (known.id,)
            )
            for partition, start, end in rows:
                place = Place(known.topic.name, partition)
                if place not in self._next or place in skip or place in self._held:
                    continue
                position = self._next[place][1]
                if not start <= position <= end:
                    raise OutOfRange(
                        f"group {self._membership.group.name} is at {position} of {place}; "
                        f"the log holds {start} to {end}"
                    )
                if position < end:
                    ready.append((place, end))
        return ready

    def _fetch_one(self, batch: _Batch, place: Place, end: int, part: int) -> None:
        epoch, start = self._next[place]
        if start >= end or batch.records_left <= 0 or batch.bytes_left <= 0:
            return
        records, position, damaged = reading.read(
            self._db,
            (self._membership.owned[place].number, *place),
            start,
            end,
            min(max(1, batch.max_records // part), batch.records_left),
            min(max(1, batch.max_bytes // part), batch.bytes_left),
            first_bytes=batch.bytes_left if batch.records else None,
        )
        if damaged:
            batch.damaged.append((place, damaged))
        batch.add(records)
        self._next[place] = (epoch, position)
