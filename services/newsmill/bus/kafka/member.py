"""A member of a group on Kafka: poll, commit, hold, restore, leave."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

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
from newsmill.bus.kafka import reading, registry
from newsmill.bus.kafka.burst import PlaceTaken, Producer, Refused, Send
from newsmill.bus.kafka.catalog import Catalog
from newsmill.bus.kafka.clients import Clients
from newsmill.bus.kafka.membership import PENDING_S, Membership
from newsmill.bus.kafka.shelf import Shelf
from newsmill.bus.kafka.slots import Slot
from newsmill.errors import Misconfigured
from newsmill.topics import Topic

LOOK_S = 0.2  # how long the consumer is left to wait before holds and skips are looked at again

JOIN_LOOK_S = 0.05
REFUSALS = 4  # in a row, with a loop's growing pauses between: then the right is not ours


class _Owner(NamedTuple):
    """An assignment."""

    place: Place
    epoch: int


class _Recalled(NamedTuple):
    """A partition of state as it is looked up, for as long as its owner has that epoch."""

    owner: Place
    epoch: int
    values: dict[bytes, bytes]


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
        self._first_wait_s = max(0.5, clients.options.session_ms / 3000)
        self._join_wait_s = clients.options.session_ms / 3000
        self._producer = Producer(clients, catalog.full(f"{group}.{slot.number}"))
        self._membership: Membership | None = None
        if topics:
            names = [topic.name for topic in topics]
            registry.enter(clients, catalog, self._producer, group, names)
            self._membership = Membership(clients, catalog, group, topics, slot.number)
        self._shelf = Shelf()
        self._recalled: dict[Place, _Recalled] = {}
        self._refusals = 0
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
            records = self._shelf.take(max_records, max_bytes, skip)
            waited = time.monotonic() - begun
            if records or waited >= max(timeout_s, self._wait_for_join_s(self._membership)):
                return records

    def commit(
        self,
        outputs: Sequence[Output],
        state: Sequence[Change],
        positions: Mapping[Place, Mark],
        *,
        adds: bool = False,
    ) -> None:
        """One step, whole or not at all; raises Fenced, BusFull, BusUnknown, RecordTooLarge.

        ``adds`` makes no difference: how much room there is is the brokers' affair.
        """
        self._require_open()
        if not positions and self._membership is not None:
            raise ValueError("a step of a group that reads must name the partitions it is of")
        owned = self._membership.owned if self._membership is not None else {}
        for place, mark in positions.items():
            self._shelf.check(place, mark, owned.get(place))
        check_named(state, positions)
        check_fits(outputs, state)
        self._catalog.ensure([*(o.topic for o in outputs), *(c.topic for c in state)])
        sends = [
            *(self._send(o.topic, target(o), o, n) for n, o in enumerate(outputs)),
            *(self._send(c.topic, c.partition, c, -1) for c in state),
        ]
        self._step(sends, positions)
        for change in state:
            self._note(change)

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
        self._shelf.go_to(place, mark.epoch, position)

    def hold(self, place: Place, until: float) -> None:
        """Deliver nothing from ``place`` before ``time.monotonic()`` reaches ``until``."""
        self._shelf.held[place] = until

    def restore(self, topic: Topic, partition: int) -> Iterable[tuple[bytes, bytes]]:
        """Every key and value of a partition of state owned here; raises Fenced where it is not.

        Read to the end of all that was *written*: a predecessor's step may be committed and not
        yet visible, and its position is already the one that we go on from.
        """
        self._owner_of_state(topic, partition)
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

    def recall(self, topic: Topic, partition: int, key: bytes) -> bytes | None:
        """One value of a partition of state owned here; raises Fenced where it is not.

        A broker looks no key up: the partition is restored at the first call, and kept as steps
        change it for as long as it is ours.
        """
        place, mine = Place(topic.name, partition), self._owner_of_state(topic, partition)
        known = self._recalled.get(place)
        if known is None or known.epoch != mine.epoch:
            self._forget_lost()
            values = dict(self.restore(topic, partition))
            known = self._recalled[place] = _Recalled(mine.place, mine.epoch, values)
        return known.values.get(key)

    def _forget_lost(self) -> None:
        """Hold nothing of partitions that are another's by now."""
        owned = self._member().owned
        self._recalled = {
            place: known
            for place, known in self._recalled.items()
            if known.owner in owned and owned[known.owner].epoch == known.epoch
        }

    def _owner_of_state(self, topic: Topic, partition: int) -> _Owner:
        """What was assigned here that a partition of state belongs to; raises Fenced if nothing."""
        self._require_open()
        owned = self._member().owned
        for name in (topic.beside or topic.name, topic.name):
            place = Place(name, partition)
            if place in owned:
                return _Owner(place, owned[place].epoch)
        raise Fenced(f"{topic.name}/{partition} is not owned here")

    def _note(self, change: Change) -> None:
        """Keep what is recalled as a step has changed it."""
        known = self._recalled.get(Place(change.topic.name, change.partition))
        if known is None:
            return
        if change.value is None:
            known.values.pop(change.key, None)
        else:
            known.values[change.key] = change.value

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
        shelf, now = self._shelf, time.monotonic()
        shelf.release(now)
        wants, ready = set(), False
        for place in membership.owned:
            if place.topic in self._streams and place not in skip and place not in shelf.held:
                if shelf.holds(place):
                    ready = True
                else:
                    wants.add(membership.where(place))
        if not membership.is_joining:
            self._pause_all_but(membership.consumer, wants)
        release_s = min(shelf.held.values(), default=now + LOOK_S) - now
        wait_s = 0.0 if ready else max(0.0, min(left_s, LOOK_S, release_s))
        with self._closed_when_taken():
            found = membership.consume(wait_s)
            if membership.adopt(shelf.reached):
                shelf.follow(membership.owned)
                return  # what was found may be of a position that is not ours
        for where, rows in found.items():
            place = membership.place(where)
            if place.topic in self._streams and place in membership.owned and rows:
                position = membership.consumer.position(where)
                shelf.put(place, reading.convert(place, rows, position))

    def _wait_for_join_s(self, membership: Membership) -> float:
        """How much longer than asked a poll may take while the group shares itself out.

        A step meanwhile may be of a share that is over.
        """
        if membership.is_settled:
            return 0.0
        return self._first_wait_s if membership.metadata is None else self._join_wait_s

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
        if membership is not None:
            self._settle(membership)
        owned = membership.owned if membership is not None else {}
        for place, mark in positions.items():
            if place not in owned or owned[place].epoch != mark.epoch:
                raise Fenced(f"{place} is not owned here under epoch {mark.epoch}")
        metadata = membership.metadata if membership is not None else None
        if positions and (metadata is None or metadata.generation_id < 0 or not metadata.member_id):
            raise Fenced(f"group {self._group} knows no generation of ours")
        crash.point("commit.begin")
        offsets = {self._member().where(place): mark.position for place, mark in positions.items()}
        try:
            self._write(sends, offsets, metadata)
        except Fenced:
            if membership is not None and self.is_open:
                membership.lose()
                self._shelf.follow(membership.owned)
            raise
        crash.point("commit.done")
        if membership is not None:
            for place, mark in positions.items():
                membership.advance(place, mark.position)

    def _write(
        self, sends: Sequence[Send], offsets: Mapping[TopicPartition, int], metadata: Any
    ) -> None:
        try:
            with self._closed_when_taken():
                self._producer.step(sends, offsets, metadata)
        except Refused as refused:
            self._refusals += 1
            if self._membership is None or self._refusals >= REFUSALS:  # tools come but once
                raise Misconfigured(str(refused)) from refused
            raise
        self._refusals = 0

    def _settle(self, membership: Membership) -> None:
        """Take over the outcome of a join that has ended since the last poll.

        While one is still under way the old share holds, and the broker takes steps of it.
        """
        if membership.is_joining:
            with self._closed_when_taken():
                membership.consume(JOIN_LOOK_S, records=False)
                if membership.adopt(self._shelf.reached):
                    self._shelf.follow(membership.owned)

    @contextmanager
    def _closed_when_taken(self) -> Iterator[None]:
        """A member whose place was taken is of no more use, and must hold nothing."""
        try:
            yield
        except PlaceTaken:
            self.close()
            raise

    def _send(self, topic: Topic, partition: int, what: Output | Change, index: int) -> Send:
        headers = list(what.headers) if isinstance(what, Output) else []
        full = self._catalog.full(topic.name)
        return Send(full, partition, what.key, what.value, headers, topic.max_bytes, index)

    def _member(self) -> Membership:
        if self._membership is None:
            raise Fenced(f"group {self._group} only publishes: it owns no partition")
        return self._membership

    def _require_open(self) -> None:
        if not self.is_open:
            raise Fenced(f"slot {self.slot} of {self._group} has left, or was taken")
