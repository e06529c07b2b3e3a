"""Writing a step: fenced inside its transaction, under the caps, its end read back if unsure."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence

import apsw

from newsmill.bus import crash
from newsmill.bus.base import BusFull, BusUnknown, Change, Fenced, Mark, Output, Place
from newsmill.bus.checking import check_named
from newsmill.bus.file import step
from newsmill.bus.file.bells import Bells
from newsmill.bus.file.catalog import Catalog, Known
from newsmill.bus.file.database import Database
from newsmill.bus.file.follower import compact
from newsmill.bus.file.membership import Membership
from newsmill.bus.file.retention import Room
from newsmill.errors import NewsmillError


class _OverCap(Exception):
    def __init__(self, known: Known, cap: int) -> None:
        super().__init__()
        self.known = known
        self.cap = cap


class Writer:
    """Writes the steps of one member."""

    def __init__(
        self, db: Database, catalog: Catalog, bells: Bells, membership: Membership
    ) -> None:
        self._db = db
        self._catalog = catalog
        self._bells = bells
        self._membership = membership
        self._room = Room(db)

    def commit(
        self,
        outputs: Sequence[Output],
        state: Sequence[Change],
        positions: Mapping[Place, Mark],
        *,
        adds: bool,
    ) -> None:
        """One step, whole or not at all; raises Fenced, BusFull, BusUnknown, RecordTooLarge."""
        check_named(state, positions)
        encoded = step.encode(self._catalog, outputs, state)
        drains = not adds and self._drains(positions)
        if outputs and not drains:
            self._room.check_disk()
        self._membership.beat()
        self._write_with_room(encoded, positions, drains)
        crash.point("commit.done")
        for place, mark in positions.items():
            self._membership.advance(place, mark.position)
        self._after(encoded)

    def rewind(self, place: Place, mark: Mark) -> None:
        """Commit an earlier position of a partition owned here; raises Fenced."""
        self._db.begin()
        try:
            self._fence({place: mark})
        except BaseException:
            self._db.rollback()
            raise
        self._db.conn.execute("COMMIT")
        self._membership.advance(place, mark.position)

    def _drains(self, positions: Mapping[Place, Mark]) -> bool:
        """Whether the step takes records out of a stream, rather than only adding to one."""
        owned = self._membership.owned
        return any(
            place in owned and mark.position > owned[place].position
            for place, mark in positions.items()
        )

    def _write_with_room(
        self, encoded: step.Step, positions: Mapping[Place, Mark], drains: bool
    ) -> None:
        for last in (False, True):
            try:
                self._write(encoded, positions, drains)
            except _OverCap as over:
                incoming = sum(encoded.sizes.values())
                if last or not self._room.trim(over.known, incoming=incoming):
                    raise self._full(over) from None
            except (apsw.FullError, apsw.IOError) as error:
                if last:
                    raise BusFull(f"{self._db.path}: {error}") from None
                self._room.rescue(list(encoded.topics.values()))
            else:
                return

    def _write(self, encoded: step.Step, positions: Mapping[Place, Mark], drains: bool) -> None:
        now_ms = time.time_ns() // 1_000_000
        crash.point("commit.begin")
        self._db.begin()
        try:
            steps = self._fence(positions)
            step.write(self._db, encoded, now_ms)
            for known in encoded.topics.values():
                cap = self._room.over(known, drains=drains)
                if cap is not None:
                    raise _OverCap(known, cap)
            crash.point("commit.written")
        except BaseException:
            self._db.rollback()
            raise
        try:
            self._db.conn.execute("COMMIT")
        except apsw.Error as error:
            if not self._happened(steps, error):
                raise

    def _fence(self, positions: Mapping[Place, Mark]) -> int:
        """Move the positions, each only under its epoch; the number of this member's step."""
        membership = self._membership
        rows = self._db.execute(
            "UPDATE members SET steps=steps+1 WHERE inc=? RETURNING steps",
            (membership.incarnation,),
        )
        lost = [] if rows else list(positions)
        for place, mark in positions.items():
            owned = membership.owned.get(place)
            if not rows or owned is None or not self._move(owned.number, mark):
                lost.append(place)
        if lost or not rows:
            self._db.rollback()
            raise self._fenced(positions)
        return int(rows[0][0])

    def _move(self, number: int, mark: Mark) -> bool:
        membership = self._membership
        self._db.execute(
            "UPDATE shares SET pos=? WHERE grp=? AND tp=? AND owner=? AND epoch=?",
            (mark.position, membership.group.id, number, membership.incarnation, mark.epoch),
        )
        return self._db.conn.changes() == 1

    def _fenced(self, positions: Mapping[Place, Mark]) -> Fenced:
        """The error that says what was lost, after bringing ``assignment`` up to date."""
        try:
            self._membership.refresh()
        except Fenced as fenced:
            return fenced
        owned = self._membership.owned
        lost = [
            str(place)
            for place, mark in positions.items()
            if place not in owned or owned[place].epoch != mark.epoch
        ]
        return Fenced(f"{self._membership.group.name}: {', '.join(lost)} belong to another member")

    def _happened(self, steps: int, error: apsw.Error) -> bool:
        """Whether a step whose COMMIT failed is in the file all the same, by a new connection."""
        try:
            self._db.reopen()
            rows = self._db.execute(
                "SELECT steps FROM members WHERE inc=?", (self._membership.incarnation,)
            )
        except (apsw.Error, OSError, NewsmillError) as again:
            raise BusUnknown(f"{self._db.path}: {error}; and then: {again}") from None
        if not rows:
            raise BusUnknown(f"{self._db.path}: {error}; and this member was replaced meanwhile")
        return bool(rows[0][0] == steps)

    def _full(self, over: _OverCap) -> BusFull:
        groups = ", ".join(self._room.blockers(over.known)) or "none"
        return BusFull(
            f"topic {over.known.topic.name} is at its cap of {over.cap} bytes; "
            f"groups that have not read it to its end: {groups}"
        )

    def _after(self, encoded: step.Step) -> None:
        """Wake the readers and keep house; the step has happened: nothing here may fail it."""
        for known in encoded.topics.values():
            self._bells.ring(known.bell)
        with contextlib.suppress(BusFull, apsw.Error):
            for known in encoded.topics.values():
                if known.topic.kind == "config":
                    compact(self._db, known)
                elif self._room.is_due(known):
                    self._room.trim(known)
