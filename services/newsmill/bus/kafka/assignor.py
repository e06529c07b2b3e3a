"""Which member owns what: the share of the embedded log, as an assignor of Kafka's group protocol.

Eager on purpose: one round a rebalance. Who owns a partition keeps it where that is fair, so it is
taken from nobody who would get it back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from kafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from kafka.protocol.consumer.metadata import (
    ConsumerProtocolAssignment,
    ConsumerProtocolSubscription,
)

from newsmill.bus.share import share


class Assignor(AbstractPartitionAssignor):  # type: ignore[misc]  # the library has no types
    """The assignor of one consumer. Its calls come on the library's own thread.

    ``given`` is the last assignment, always of one piece: the generation and its partitions.
    Nothing else says for sure which generation an assignment is of: the library's own notion moves
    on while a join is still under way.
    """

    name = "newsmill-share"

    def __init__(self) -> None:
        self.given: tuple[int, tuple[tuple[str, int], ...]] = (-1, ())

    def metadata(self, topics: Iterable[str]) -> Any:
        """What this member tells the leader: its topics, what it owned, under which generation."""
        generation, owned = self.given
        told = orjson.dumps({"generation": generation, "owned": owned})
        return ConsumerProtocolSubscription(
            version=0, topics=sorted(topics), user_data=told, owned_partitions=[]
        )

    def on_assignment(self, assignment: Any, generation: int) -> None:
        """Note what was given."""
        self.given = (generation, tuple((tp.topic, tp.partition) for tp in assignment.partitions()))

    def assign(self, cluster: Any, members: Iterable[Any]) -> dict[str, Any]:
        """As the leader: who gets what."""
        ordered = sorted(members, key=lambda each: (each.group_instance_id or "", each.member_id))
        readers: dict[str, list[int]] = {}
        for number, member in enumerate(ordered):
            for topic in member.metadata.topics:
                readers.setdefault(topic, []).append(number)
        places: list[tuple[str, int]] = []
        topics = []
        for topic in sorted(readers):
            count = sorted(cluster.partitions_for_topic(topic) or ())
            first = len(places)
            places += [(topic, partition) for partition in count]
            topics.append((range(first, len(places)), readers[topic]))
        owners = _owners(ordered, {place: number for number, place in enumerate(places)})
        shared: dict[int, dict[str, list[int]]] = {}
        for place, owner in sorted(share(topics, owners).items()):
            topic, partition = places[place]
            shared.setdefault(owner, {}).setdefault(topic, []).append(partition)
        return {
            member.member_id: ConsumerProtocolAssignment(
                version=0,
                assigned_partitions=sorted(shared.get(number, {}).items()),
                user_data=b"",
            )
            for number, member in enumerate(ordered)
        }


def _owners(members: list[Any], numbers: dict[tuple[str, int], int]) -> dict[int, int | None]:
    """Who had what; of several that claim a partition, the one of the latest generation."""
    claims: dict[int, tuple[int, int]] = {}
    for number, member in enumerate(members):
        try:
            told = orjson.loads(bytes(member.metadata.user_data or b"{}"))
        except orjson.JSONDecodeError:
            continue
        for topic, partition in told.get("owned", ()):
            place = numbers.get((topic, partition))
            claim = (int(told.get("generation", -1)), number)
            if place is not None and claim > claims.get(place, (-1, -1)):
                claims[place] = claim
    return {place: number for place, (_, number) in claims.items()}
