"""Being a member of a consumer group: what is owned, under which epoch, and from where it is read.

An *epoch* is the generation of the group in which a partition came to this member. It is kept while
the partition stays ours from one generation to the very next, under the same member id: then nobody
else had it between. All
that a step says to the broker (generation, member id) is taken when the assignment is, never later:
the library's own idea of them moves on while a join is still under way.

A join is driven to its end in a thread of its own, which has the consumer for so long. The library
drives it inside ``poll`` alone: one that comes to its end between two polls is thrown away and
begun again, with a rebalance for everybody, and a member in a join sends no heartbeats.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kafka import TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.errors import (
    FencedInstanceIdError,
    GroupAuthorizationFailedError,
    KafkaError,
    KafkaTimeoutError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
)

from newsmill.bus.base import BusUnknown, Mark, OutOfRange, Place
from newsmill.bus.kafka.aside import Aside
from newsmill.bus.kafka.assignor import Assignor
from newsmill.bus.kafka.burst import PlaceTaken
from newsmill.bus.kafka.catalog import Catalog
from newsmill.bus.kafka.clients import Clients, close_anyhow
from newsmill.bus.kafka.reading import starts
from newsmill.errors import Misconfigured
from newsmill.topics import Topic

PENDING_S = 15.0  # beside a transaction's own time: until the broker has undone a dead member's


class Owned(NamedTuple):
    """A partition that this member owns, with the group's committed position."""

    epoch: int
    position: int


class Membership:
    """One member of one group, over the consumer that it reads with."""

    def __init__(
        self, clients: Clients, catalog: Catalog, group: str, topics: Sequence[Topic], slot: int
    ) -> None:
        self._clients = clients
        self._catalog = catalog
        self.group = catalog.full(group)
        self.instance = f"{self.group}.{slot}"
        self._topics = [catalog.full(topic.name) for topic in topics]
        self._assignor = Assignor()
        self._seen = self._assignor.given
        self._generation = self._epoch = -1
        self._join: Aside | None = None
        self.metadata: Any = None  # what a step is fenced by; None while there is none
        self.owned: dict[Place, Owned] = {}
        self.consumer = clients.member(self.group, self.instance, self._assignor)
        self.consumer.subscribe(self._topics, listener=_Quiet())
        for topic in self._topics:  # known before the first join: else it shares out nothing
            self.consumer.partitions_for_topic(topic)

    def where(self, place: Place) -> TopicPartition:
        """A partition by its name on the wire."""
        return TopicPartition(self._catalog.full(place.topic), place.partition)

    def place(self, where: TopicPartition) -> Place:
        """A partition by its short name."""
        return Place(self._catalog.short(where.topic), where.partition)

    @property
    def is_joining(self) -> bool:
        """Whether a join has the consumer: nobody else may touch it then."""
        return self._join is not None

    @property
    def is_settled(self) -> bool:
        """Whether no join is under way or asked for, as far as this member knows."""
        return self._join is None and self.metadata is not None and not self._must_join()

    def consume(
        self, timeout_s: float, *, records: bool = True
    ) -> Mapping[TopicPartition, Sequence[Any]]:
        """What the consumer has; membership is kept up meanwhile, or that alone is done.

        Raises OutOfRange, PlaceTaken, Misconfigured.
        """
        try:
            if not self._joined(timeout_s) or not records:
                return {}
            self._unpark()
            found: Mapping[TopicPartition, Sequence[Any]] = self.consumer.poll(int(timeout_s * 1e3))
        except NoOffsetForPartitionError:
            return {}  # a new assignment: positions are ours to set
        except OffsetOutOfRangeError as error:
            raise self._out_of_range(error) from error
        except FencedInstanceIdError as error:
            raise PlaceTaken(f"{self.instance} was taken by another process") from error
        except (GroupAuthorizationFailedError, TopicAuthorizationFailedError) as error:
            raise Misconfigured(f"group {self.group}: {error!r}") from error
        except KafkaError as error:
            if not getattr(error, "retriable", False):
                raise BusUnknown(f"group {self.group}: {error!r}") from error
            return {}  # brokers that are away for a while come back
        return found

    def adopt(self, reached: Mapping[Place, int]) -> bool:
        """Take what the group gave since the last look; False where that is nothing new.

        The consumer is put to where each partition is to be read on: ``reached`` of what stays
        ours, the committed position of what is new. What it returned meanwhile is void.
        """
        given = self._assignor.given
        if self.is_joining or given is self._seen:
            return False
        generation, places = given
        metadata = self.consumer.group_metadata()._replace(generation_id=generation)
        stays = (
            self.metadata is not None
            and self.metadata.member_id == metadata.member_id  # else we were put out meanwhile
            and generation - self._generation in (0, 1)
        )
        before = self.owned if stays else {}
        mine = {self.place(TopicPartition(*each)) for each in places}
        kept = {place: before[place] for place in mine & before.keys()}
        new = self._committed(sorted(mine - kept.keys()))
        self._epoch = max(self._epoch + 1, generation)  # a group that is made anew counts anew
        self.owned = kept | {place: Owned(self._epoch, at) for place, at in new.items()}
        self.owned = dict(sorted(self.owned.items()))
        self.metadata = metadata
        self._seen, self._generation = given, generation
        with contextlib.suppress(AssertionError, KafkaError, ValueError):
            for place, owned in self.owned.items():  # unless it is another one's by now
                at = reached.get(place, owned.position) if place in kept else owned.position
                self.consumer.seek(self.where(place), at)
        return True

    def advance(self, place: Place, position: int) -> None:
        """Note what a step has committed."""
        self.owned[place] = self.owned[place]._replace(position=position)

    def lose(self) -> None:
        """Own nothing, and join anew: the broker has said that our generation is over."""
        self.owned, self.metadata = {}, None
        if not self.is_joining:
            self.consumer.unsubscribe()
            self.consumer.subscribe(self._topics, listener=_Quiet())

    def marks(self) -> dict[Place, Mark]:
        """What is owned, as the contract names it."""
        return {place: Mark(owned.position, owned.epoch) for place, owned in self.owned.items()}

    def close(self) -> None:
        """Be gone without a word, as by death: a static member is missed only after its session."""
        self.owned, self.metadata = {}, None
        close_anyhow(self.consumer)

    def remove(self) -> None:
        """Take this member out of the group at once, by the admin's hand; not its successor."""
        from kafka.admin import MemberToRemove

        member_id = self.metadata.member_id if self.metadata is not None else ""
        self.close()
        if member_id:
            with contextlib.suppress(KafkaError), self._clients.admin() as admin:
                admin.remove_group_members(
                    self.group,
                    [MemberToRemove(member_id=member_id, group_instance_id=self.instance)],
                )

    def _unpark(self) -> None:
        """Let the consumer take up again what it had fetched of partitions that were paused.

        It puts that aside, fetches nothing of those partitions, and takes it up again only where it
        has no partition in hand; of one that it has emptied it never lets go.
        """
        fetcher = self.consumer._fetcher
        if not fetcher._next_partition_records:
            fetcher._next_partition_records = None

    def _must_join(self) -> bool:
        return bool(self.consumer._coordinator.need_rejoin())

    def _joined(self, within_s: float) -> bool:
        """Join where the group asks for it; False while that goes on."""
        if self._join is None:
            if not self._must_join():
                return True
            # Not public, but it returns as soon as the join is over; the consumer's own poll does
            # not, and may end a moment before.
            coordinator = self.consumer._coordinator
            wait_ms = self._clients.options.poll_ms
            self._join = Aside(lambda: coordinator.poll(timeout_ms=wait_ms))
        join = self._join
        try:
            if not join.is_over(within_s):
                return False
        except BaseException:
            self._join = None
            raise
        self._join = None
        return not self._must_join()

    def _committed(self, places: Sequence[Place]) -> dict[Place, int]:
        """The group's positions, once no step of a predecessor is pending; else the log's start."""
        wait_ms = self._clients.options.transaction_ms + int(PENDING_S * 1e3)
        found: dict[Place, int] = {}
        missing = []
        for place in places:
            try:
                at = self.consumer.committed(self.where(place), timeout_ms=wait_ms)
            except KafkaTimeoutError as error:
                raise BusUnknown(f"group {self.group}: no position of {place}") from error
            if at is None:
                missing.append(place)
            else:
                found[place] = at
        if missing:
            first = starts(self._clients, [self.where(place) for place in missing])
            found |= {place: first[self.where(place)] for place in missing}
        return found

    def _out_of_range(self, error: OffsetOutOfRangeError) -> OutOfRange:
        told = [each for each in error.args if isinstance(each, Mapping)]
        where, position = next(((w, at) for each in told for w, at in each.items()), (None, None))
        if where is None:
            return OutOfRange(f"group {self.group}: {error}")
        first = starts(self._clients, [where])[where]
        return OutOfRange(
            f"group {self.group} is at {getattr(position, 'offset', position)} of "
            f"{self.place(where)}; the log begins at {first}"
        )


class _Quiet(ConsumerRebalanceListener):  # type: ignore[misc]  # the library has no types
    """Does nothing: with a listener, the library stops delivering what is about to be revoked."""

    def on_partitions_revoked(self, revoked: object) -> None:
        """Nothing to do."""

    def on_partitions_assigned(self, assigned: object) -> None:
        """Nothing to do."""
