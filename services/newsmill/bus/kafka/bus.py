"""The Kafka bus as ``bus.connect`` opens it: one lane of one namespace of a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from kafka import TopicPartition

from newsmill.bus.base import Burst, Described, Lag, Place, Record
from newsmill.bus.kafka import options, overview, reading
from newsmill.bus.kafka.catalog import Catalog
from newsmill.bus.kafka.clients import Clients
from newsmill.bus.kafka.follower import KafkaFollower
from newsmill.bus.kafka.member import KafkaMember
from newsmill.bus.kafka.slots import Slot
from newsmill.topics import TOPICS, Topic

BURST = Burst(records=500, bytes=4 << 20, wait_s=0.5)

Opened = TypeVar("Opened", KafkaMember, KafkaFollower)


class KafkaBus:
    """One lane of a Kafka bus. Its members may be owned by other threads; it itself by one.

    Raises Misconfigured, in one line, where no broker answers or none lets us in.
    """

    def __init__(
        self,
        spec: str,
        namespace: str,
        lane: str,
        on_notice: Callable[[str, dict[str, Any]], None] | None = None,
    ) -> None:
        self.on_notice = on_notice
        self._options = options.parse(spec, namespace, os.environ)
        self._clients = Clients(self._options)
        self._catalog = Catalog(self._clients, self._options.namespace, lane)
        self._lane = lane
        self._open: list[KafkaMember | KafkaFollower] = []
        self._clients.enter()
        self._catalog.cluster()

    @property
    def identity(self) -> str:
        """The name of this very log: the cluster's, and an id that is given once."""
        return self._catalog.identity()

    @property
    def burst(self) -> Burst:
        """The size of step that is cheap here: a transaction costs some 17 ms, however small."""
        return BURST

    def create(self) -> list[str]:
        """Make the lane's topics that are missing; raises Misconfigured on a mismatch."""
        return self._fresh().ensure(TOPICS)

    def join(self, group: str, topics: Sequence[Topic], *, slot: int | None = None) -> KafkaMember:
        """Become a member of ``group``; the topics are made where they are missing."""
        for topic in topics:
            if topic.kind == "config":
                raise ValueError(f"{topic.name} is followed, not shared by a group")
        self._fresh().ensure(topics)
        place = Slot(self._catalog.cluster(), self._catalog.full(group), slot)
        try:
            catalog = Catalog(self._clients, self._options.namespace, self._lane)
            return self._keep(KafkaMember(self._clients, catalog, group, topics, place))
        except BaseException:
            place.release()
            raise

    def follow(self, topic: Topic) -> KafkaFollower:
        """Read a configuration topic whole, and then as it grows; made where it is missing."""
        if topic.kind != "config":
            raise ValueError(f"{topic.name} is no configuration topic")
        self._fresh().ensure([topic])
        return self._keep(KafkaFollower(self._clients, self._catalog.full(topic.name), topic.name))

    def scan(self, topic: Topic, partition: int, start: int = 0) -> Iterator[Record]:
        """Read a partition from ``start`` to its present end, outside any group."""
        if not self._fresh().find(topic):
            return iter(())
        where = TopicPartition(self._catalog.full(topic.name), partition)
        first = reading.starts(self._clients, [where])[where]
        end = reading.settled_ends(self._clients, [where])[where]
        place = Place(topic.name, partition)
        return reading.read(self._clients, where.topic, place, max(start, first), end)

    def span(self, topic: Topic, partition: int) -> tuple[int, int]:
        """Where a partition begins and ends now, read-committed; (0, 0) where there is none."""
        if not self._fresh().find(topic):
            return 0, 0
        where = TopicPartition(self._catalog.full(topic.name), partition)
        first = reading.starts(self._clients, [where])[where]
        return first, reading.settled_ends(self._clients, [where])[where]

    def since(self, topic: Topic, partition: int, moment_ms: int) -> int:
        """The first offset of a record that was written then or later; the end where none was."""
        _, end = self.span(topic, partition)
        if not end:
            return 0
        where = TopicPartition(self._catalog.full(topic.name), partition)
        return reading.since(self._clients, where, moment_ms, end)

    def read_state(self, topic: Topic) -> Iterator[tuple[bytes, bytes]]:
        """Every committed key and value of a state topic, outside any group."""
        for partition in range(topic.partitions):
            yield from reading.latest(self.scan(topic, partition)).items()

    def lag(self, groups: Iterable[str] | None = None) -> list[Lag]:
        """How far the named groups are (all that ever joined, where None)."""
        with self._clients.asking():
            return overview.lag(self._clients, self._catalog, groups)

    def lanes(self) -> list[str]:
        """The names of all lanes of this namespace."""
        return self._catalog.lanes()

    def describe(self) -> list[Described]:
        """What the lane's topics hold."""
        return overview.describe(self._clients, self._catalog)

    def drop_group(self, group: str) -> None:
        """Forget an abandoned group; its members, if there are any, are fenced."""
        overview.drop_group(self._clients, self._catalog, group)

    def drop_lane(self) -> None:
        """Remove the lane's topics, state and groups; its members, if there are any, are fenced."""
        overview.drop_lane(self._clients, self._catalog)

    def close(self) -> None:
        """Let go of it; members that have not left are gone as by death."""
        for each in (*self._open,):
            each.close()
        self._open.clear()
        self._clients.close()

    def _fresh(self) -> Catalog:
        """The catalog as the cluster has it now: another process may have dropped the lane."""
        self._catalog.forget()
        return self._catalog

    def _keep(self, opened: Opened) -> Opened:
        self._open = [each for each in self._open if each.is_open]
        self._open.append(opened)
        return opened
