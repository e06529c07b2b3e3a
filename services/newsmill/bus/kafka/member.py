"""A member of a group on Kafka: poll, commit, hold, restore, leave."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from kafka import TopicPartition

from newsmill.bus import crash
from newsmill.bus.base import (
    MAX_POLL_BYTES,
    MAX_RECORDS,
    Change,
    Fenced,
    Mark,
    Output,
    Place,
    Record,
)
from newsmill.bus.checking import check_fits, check_named, target
from newsmill.bus.kafka import reading
from newsmill.bus.kafka.burst import PlaceTaken, Producer, Send
from newsmill.bus.kafka.catalog import Catalog
from newsmill.bus.kafka.clients import Clients
from newsmill.bus.kafka.membership import PENDING_S, Membership
from newsmill.bus.kafka.slots import Slot
from newsmill.topics import Topic

LOOK_S = 0.2  # how long the consumer is left to wait before holds and skips are looked at again

JOIN_LOOK_S = 0.05  # a join goes on only while the consumer is polled


class KafkaMember:
    """One member: a consumer, a transactional producer, a slot. One thread owns it."""

    def __init__(
        self, clients: Clients, catalog: Catalog, group: str, topics: Sequence[Topic], slot: Slot
    ) -> None:
        self._clients = clients
        self._catalog = catalog
        self._group = group
        self._slot = slot
        self._streams = {topic.name for topic in topics if topic.kind == "stream"}
        self._join_wait_s = max(0.5, clients.options.session_ms / 4000)
        self._producer = Producer(clients, catalog.full(f"{group}.{slot.number}"))
        self._membership = (
            Membership(clients, catalog, group, topics, slot.number) if topics else None
        )
        self._waiting: dict[Place, deque[Record]] = {}  # taken from the consumer, not delivered
        self._reached: dict[Place, int] = {}  # the consumer's position, behind those
        self._next: dict[Place, tuple[int, int]] = {}  # epoch, next position to deliver
        self._held: dict[Place, float] = {}
        self._turn = 0
        self.is_open = True

    @property
    def slot(self) -> int:
        """The stable number of this member within its group."""
        return self._slot.number

    @property
    def identity(self) -> str:
        """Names the log that it reads."""
        return self._catalog.identity()

    @property
    def assignment(self) -> Mapping[Place, Mark]:
        """What this member owns, with the committed position and the epoch of each."""
        return self._membership.marks() if self._membership is not None else {}

    def poll(
        self,
        timeout_s: float,
        *,
        max_records: int = MAX_RECORDS,
        max_bytes: int = MAX_POLL_BYTES,
        skip: Collection[Place] = (),
    ) -> list[Record]:
        """The next records of the owned partitions; raises OutOfRange, Fenced without a place."""
        begun = time.monotonic()
        self._require_open()
        self._slot.tend()
        if self._membership is None:
            time.sleep(timeout_s)
            return []
        while True:
            self._gather(self._membership, begun + timeout_s - time.monotonic(), skip)
            records = self._deliver(max_records, max_bytes, skip)
            waited = time.monotonic() - begun
            joining = not self._membership.is_settled
            if records or waited >= (max(timeout_s, self._join_wait_s) if joining else timeout_s):
                return records

    def commit(
        self,
        outputs: Sequence[Output],
        state: Sequence[Change],
        positions: Mapping[Place, Mark],
    ) -> None:
        """One step, whole or not at all; raises Fenced, BusFull, BusUnknown, RecordTooLarge."""
        self._require_open()
        if not positions and self._membership is not None:
            raise ValueError("a step of a group that reads must name the partitions it is of")
        for place, mark in positions.items():
            self._check_position(place, mark)
        check_named(state, positions)
        check_fits(outputs, state)
        self._catalog.ensure([*(o.topic for o in outputs), *(c.topic for c in state)])
        sends = [
            *(self._send(o.topic, target(o), o, n) for n, o in enumerate(outputs)),
            *(self._send(c.topic, c.partition, c, -1) for c in state),
        ]
        self._step(sends, positions)

    def rewind(self, place: Place, mark: Mark) -> None:
        """Deliver from an earlier position again; raises Fenced."""
        self._require_open()
        membership = self._member()
        owned = membership.owned.get(place)
        if owned is None or owned.epoch != mark.epoch:
            raise Fenced(f"{place} is not owned here")
        if mark.position > owned.position:
            raise ValueError(f"{place}: position {mark.position} is no earlier one")
        where = membership.where(place)
        position = max(mark.position, reading.starts(self._clients, [where])[where])
        self._step([], {place: Mark(position, mark.epoch)})
        membership.consumer.seek(where, position)
        self._forget(place)
        self._next[place] = (mark.epoch, position)

    def hold(self, place: Place, until: float) -> None:
        """Deliver nothing from ``place`` before ``time.monotonic()`` reaches ``until``."""
        self._held[place] = until

    def restore(self, topic: Topic, partition: int) -> Iterable[tuple[bytes, bytes]]:
        """Every key and value of a partition of state owned here; raises Fenced where it is not.

        Read to the end of all that was *written*: a predecessor's step may be committed and not
        yet visible, and its position is already the one that we go on from.
        """
        self._require_open()
        owned = self._member().owned
        beside = Place(topic.beside or topic.name, partition)
        if beside not in owned and Place(topic.name, partition) not in owned:
            raise Fenced(f"{topic.name}/{partition} is not owned here")
        self._catalog.ensure([topic])
        where = TopicPartition(self._catalog.full(topic.name), partition)
        start = reading.starts(self._clients, [where])[where]
        end = reading.ends(self._clients, [where], committed=False)[where]
        within_s = self._clients.options.transaction_ms / 1e3 + PENDING_S
        rows = reading.read(
            self._clients,
            where.topic,
            Place(topic.name, partition),
            start,
            end,
            within_s=within_s,
        )
        return reading.latest(rows).items()

    def leave(self) -> None:
        """Give all partitions up at once."""
        if self.is_open:
            if self._membership is not None:
                self._membership.remove()
            self.close()

    def close(self) -> None:
        """Let go without a word, as a killed process does."""
        if self.is_open:
            self.is_open = False
            if self._membership is not None:
                self._membership.close()
            self._producer.close()
            self._slot.release()

    # -- delivering

    def _gather(self, membership: Membership, left_s: float, skip: Collection[Place]) -> None:
        """Take from the consumer what may be delivered next; wait for it if there is nothing."""
        now = time.monotonic()
        self._held = {place: until for place, until in self._held.items() if until > now}
        wants, ready = set(), False
        for place in membership.owned:
            if place.topic in self._streams and place not in skip and place not in self._held:
                ready = ready or bool(self._waiting.get(place))
                if not self._waiting.get(place):
                    wants.add(membership.where(place))
        self._pause_all_but(membership.consumer, wants)
        release_s = min(self._held.values(), default=now + LOOK_S) - now
        wait_s = 0.0 if ready else max(0.0, min(left_s, LOOK_S, release_s))
        if not membership.is_settled:
            wait_s = max(wait_s, JOIN_LOOK_S)
        try:
            found = membership.consume(wait_s)
            if membership.adopt(self._reached):
                self._follow_assignment(membership)
                return  # what was found may be of a position that is not ours
        except PlaceTaken:
            self.close()
            raise
        for where, rows in found.items():
            place = membership.place(where)
            if place.topic not in self._streams or place not in membership.owned:
                continue
            position = membership.consumer.position(where, timeout_ms=1000)
            self._waiting.setdefault(place, deque()).extend(
                reading.convert(place, rows, position or rows[-1].offset + 1)
            )
            self._reached[place] = position

    def _deliver(self, max_records: int, max_bytes: int, skip: Collection[Place]) -> list[Record]:
        """A fair part of every partition, in turn, within the bounds of all together."""
        places = [
            place
            for place, waiting in self._waiting.items()
            if waiting and place not in skip and place not in self._held
        ]
        if not places:
            return []
        self._turn += 1
        first = self._turn % len(places)
        places = places[first:] + places[:first]
        records: list[Record] = []
        left = max_bytes
        for part in (len(places), 1):  # a share each, and then what is left to whoever has more
            for place in places:
                waiting = self._waiting[place]
                most = min(max(1, max_records // part), max_records - len(records))
                share = max(1, max_bytes // part)
                while waiting and most > 0 and share > 0:
                    size = waiting[0].size
                    if records and size > min(left, share):
                        break
                    record = waiting.popleft()
                    records.append(record)
                    left, share, most = left - size, share - size, most - 1
                    self._next[place] = (self._next[place][0], record.next)
        return records

    def _follow_assignment(self, membership: Membership) -> None:
        for place in self._next.keys() - membership.owned.keys():
            self._forget(place)
        for place, mine in membership.owned.items():
            if self._next.get(place, (None, 0))[0] != mine.epoch:
                self._forget(place)
                self._next[place] = (mine.epoch, mine.position)

    def _forget(self, place: Place) -> None:
        self._next.pop(place, None)
        self._held.pop(place, None)
        self._waiting.pop(place, None)
        self._reached.pop(place, None)

    @staticmethod
    def _pause_all_but(consumer: Any, wants: set[TopicPartition]) -> None:
        paused = consumer.paused()
        if pause := consumer.assignment() - wants - paused:
            consumer.pause(*pause)
        if resume := wants & paused:
            consumer.resume(*resume)

    # -- the step

    def _step(self, sends: Sequence[Send], positions: Mapping[Place, Mark]) -> None:
        membership = self._membership
        owned = membership.owned if membership is not None else {}
        for place, mark in positions.items():
            if place not in owned or owned[place].epoch != mark.epoch:
                raise Fenced(f"{place} is not owned here under epoch {mark.epoch}")
        metadata = membership.metadata if membership is not None else None
        if positions and (metadata is None or metadata.generation_id < 0 or not metadata.member_id):
            raise Fenced(f"group {self._group} knows no generation of ours")
        crash.point("commit.begin")
        try:
            self._producer.step(
                sends,
                {self._member().where(place): mark.position for place, mark in positions.items()},
                metadata,
            )
        except PlaceTaken:
            self.close()
            raise
        except Fenced:
            if membership is not None:
                membership.lose()
                self._follow_assignment(membership)
            raise
        crash.point("commit.done")
        if membership is not None:
            for place, mark in positions.items():
                membership.advance(place, mark.position)

    def _send(self, topic: Topic, partition: int, what: Output | Change, index: int) -> Send:
        headers = list(what.headers) if isinstance(what, Output) else []
        full = self._catalog.full(topic.name)
        return Send(full, partition, what.key, what.value, headers, topic.max_bytes, index)

    def _check_position(self, place: Place, mark: Mark) -> None:
        """Raise ValueError for a position that skips what was not delivered, or goes back."""
        owned = self._membership.owned.get(place) if self._membership is not None else None
        if owned is None or owned.epoch != mark.epoch:
            return  # the step will be fenced
        epoch, reached = self._next.get(place, (None, 0))
        if epoch == mark.epoch and mark.position > reached:
            raise ValueError(f"{place}: position {mark.position} was not delivered yet")
        if mark.position < owned.position:
            raise ValueError(f"{place}: position {mark.position} is behind the committed one")

    def _member(self) -> Membership:
        if self._membership is None:
            raise Fenced(f"group {self._group} only publishes: it owns no partition")
        return self._membership

    def _require_open(self) -> None:
        if not self.is_open:
            raise Fenced(f"slot {self.slot} of {self._group} has left, or was taken")
