"""Being a member of a group: its slot, its life, and its share of the partitions.

There is no leader. Each member, inside its own ``poll``, computes the fair share from the rows of
the group and from who is alive, gives up what it should not own, and takes what is free or owned by
the dead or the silent. Every change of owner grows the partition's epoch, and a step is written
only under the epoch that it names: safety rests on that alone, never on a clock.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from newsmill.bus.base import BusFull, Fenced, Place
from newsmill.bus.file.bells import Bells
from newsmill.bus.file.catalog import Group, Known
from newsmill.bus.file.database import Database
from newsmill.bus.file.presence import Presence
from newsmill.bus.share import share

SHARE_PATIENCE_S = 1.0  # for the write lock, when only the share is at stake


class Owned(NamedTuple):
    """A partition that this member owns, with the group's committed position."""

    number: int
    epoch: int
    position: int


@dataclass(frozen=True, slots=True)
class _View:
    members: dict[int, frozenset[int]]  # incarnation → topics, in order of slots
    shares: dict[int, tuple[int | None, int, int]]  # partition → owner, epoch, position


class Membership:
    """One member of one group."""

    def __init__(
        self,
        db: Database,
        presence: Presence,
        bells: Bells,
        group: Group,
        topics: Sequence[Known],
        slot: int | None,
    ) -> None:
        self._db = db
        self._presence = presence
        self._bells = bells
        self.group = group
        self._topics = tuple(sorted(topics, key=lambda known: known.topic.name))
        self._places = {
            number: Place(known.topic.name, partition)
            for known in self._topics
            for partition, number in enumerate(known.partitions)
        }
        self._lease_s = db.options.lease_s
        self.check_s = min(0.2, self._lease_s / 4)  # how often the group is looked at
        self._checked = self._looked = float("-inf")
        self._shared = -1  # the group's version when the share was last computed
        self._members: dict[int, frozenset[int]] = {}
        self._live: frozenset[int] = frozenset()
        self._seen: dict[int, tuple[int, float]] = {}  # beats of others, and since when
        self.owned: dict[Place, Owned] = {}
        self.incarnation, self.slot = self._enroll(slot)

    def beat(self) -> None:
        """Say that this member is at work."""
        self._presence.beat(self.incarnation)

    def tend(self) -> None:
        """Bring the share up to date, at most every ``check_s``; raises Fenced without a place."""
        now = time.monotonic()
        if now - self._checked < self.check_s:
            return
        self._checked = now
        if self._version() != self._shared or self._alive(self._members, now) != self._live:
            self._reshare(now)

    def refresh(self) -> None:
        """Read what this member owns now; raises Fenced when its place was taken."""
        with self._db.reading():
            view = self._view()
        self._adopt(view)

    def advance(self, place: Place, position: int) -> None:
        """Note what a step has committed."""
        self.owned[place] = self.owned[place]._replace(position=position)

    def leave(self) -> None:
        """Give everything up at once."""
        self.owned = {}
        try:
            with self._db.writing():
                self._expel(self.incarnation)
                self._bump()
        finally:
            self._presence.release(self.incarnation)
        self._bells.ring(self.group.bell)

    def vanish(self) -> None:
        """Be gone without a word, as by death."""
        self._presence.release(self.incarnation)

    def _reshare(self, now: float) -> None:
        with self._db.reading():
            version = self._version()
            view = self._view()
        self._adopt(view)
        live = self._alive(view.members, now)
        if self._plan(view, live):
            try:
                with self._db.writing(SHARE_PATIENCE_S):
                    view = self._view()
                    self._adopt(view)
                    live = self._alive(view.members, now)
                    self._apply(self._plan(view, live))
                    self._bury(view)
                    self._bump()
                    version = self._version()
                    view = self._view()
            except BusFull:
                return  # locked or full: the next look tries again
            self._adopt(view)
            self._bells.ring(self.group.bell)
        self._shared, self._live = version, live

    def _plan(self, view: _View, live: frozenset[int]) -> dict[int, bool]:
        """Partition → whether to take it (or give it up), where the rows are not as they should."""
        owners = {number: row[0] for number, row in view.shares.items()}
        targets = share(
            [
                (
                    known.partitions,
                    [m for m in view.members if m in live and known.id in view.members[m]],
                )
                for known in self._topics
            ],
            owners,
        )
        plan = {}
        for number in self._places:
            owner, target = owners.get(number), targets.get(number)
            if owner == self.incarnation != target:
                plan[number] = False
            elif target == self.incarnation != owner and (owner is None or owner not in live):
                plan[number] = True
        return plan

    def _apply(self, plan: dict[int, bool]) -> None:
        for number, take in plan.items():
            self._db.execute(
                "INSERT INTO shares(grp, tp, owner, epoch) VALUES(?1, ?2, ?3, 1) "
                "ON CONFLICT(grp, tp) DO UPDATE SET owner=?3, epoch=epoch + (?3 IS NOT NULL)",
                (self.group.id, number, self.incarnation if take else None),
            )

    def _bury(self, view: _View) -> None:
        """Forget the members that are dead; one that is only silent may come back."""
        for other in view.members:
            if not self._presence.is_there(other):
                self._expel(other)

    def _version(self) -> int:
        rows = self._db.execute("SELECT version FROM groups WHERE id=?", (self.group.id,))
        return rows[0][0] if rows else -2

    def _enroll(self, slot: int | None) -> tuple[int, int]:
        incarnation = 0
        topics = json.dumps([known.id for known in self._topics])
        try:
            with self._db.writing():
                taken = set()
                for other, its_slot in self._db.execute(
                    "SELECT inc, slot FROM members WHERE grp=?", (self.group.id,)
                ):
                    if its_slot == slot or not self._presence.is_there(other):
                        self._expel(other)
                    else:
                        taken.add(its_slot)
                if slot is None:
                    slot = next(number for number in range(len(taken) + 1) if number not in taken)
                [(incarnation,)] = self._db.execute(
                    "INSERT INTO members(grp, slot, topics, pid) VALUES(?, ?, ?, ?) RETURNING inc",
                    (self.group.id, slot, topics, os.getpid()),
                )
                # Locked before the row can be seen: a row without a lock is a dead member.
                self._presence.hold(incarnation)
                self._db.conn.executemany(
                    "INSERT OR IGNORE INTO shares(grp, tp) VALUES(?, ?)",
                    ((self.group.id, number) for number in self._places),
                )
                self._bump()
        except BaseException:
            self._presence.release(incarnation)
            raise
        self._bells.ring(self.group.bell)
        return incarnation, slot

    def _expel(self, incarnation: int) -> None:
        self._db.execute(
            "UPDATE shares SET owner=NULL WHERE grp=? AND owner=?", (self.group.id, incarnation)
        )
        self._db.execute("DELETE FROM members WHERE inc=?", (incarnation,))

    def _bump(self) -> None:
        self._db.execute("UPDATE groups SET version=version+1 WHERE id=?", (self.group.id,))

    def _view(self) -> _View:
        members = self._db.execute(
            "SELECT inc, topics FROM members WHERE grp=? ORDER BY slot", (self.group.id,)
        )
        shares = self._db.execute(
            "SELECT s.tp, s.owner, s.epoch, coalesce(s.pos, p.start) FROM shares s "
            "JOIN parts p ON p.tp = s.tp WHERE s.grp=? ORDER BY s.tp",
            (self.group.id,),
        )
        return _View(
            {inc: frozenset(json.loads(topics)) for inc, topics in members},
            {number: (owner, epoch, position) for number, owner, epoch, position in shares},
        )

    def _adopt(self, view: _View) -> None:
        """Take the rows' word for what is ours."""
        self._members = view.members
        if self.incarnation not in view.members:
            self.owned = {}
            raise Fenced(f"slot {self.slot} of {self.group.name} was taken by another process")
        self.owned = {
            place: Owned(number, view.shares[number][1], view.shares[number][2])
            for number, place in self._places.items()
            if number in view.shares and view.shares[number][0] == self.incarnation
        }

    def _alive(self, members: Iterable[int], now: float) -> frozenset[int]:
        """Who holds its lock and was heard within the lease, by our own clock."""
        if now - self._looked > max(1.0, self._lease_s / 2):
            self._seen.clear()  # we ourselves were stopped: nobody could be heard
        self._looked = now
        live = {self.incarnation}
        for other in members:
            if other == self.incarnation or not self._presence.is_there(other):
                continue
            beats = self._presence.beats(other)
            seen = self._seen.get(other)
            if seen is None or seen[0] != beats:
                self._seen[other] = (beats, now)
                live.add(other)
            elif now - seen[1] < self._lease_s:
                live.add(other)
        return frozenset(live)
