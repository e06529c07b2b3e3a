"""Looking at a lane from outside: how far its groups are, what it holds; and removing it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from kafka import TopicPartition
from kafka.admin import MemberToRemove
from kafka.errors import GroupIdNotFoundError, KafkaError, NonEmptyGroupError

from newsmill.bus.base import Described, Lag, Place, Record
from newsmill.bus.kafka import reading, registry
from newsmill.bus.kafka.catalog import IDENTITY, Catalog
from newsmill.bus.kafka.clients import Clients
from newsmill.errors import Misconfigured

COUNT_RECORDS = 5_000  # of one partition are counted; past it, offsets stand for records
COUNT_BYTES = 32 << 20
GONE_S = 10.0


def lag(clients: Clients, catalog: Catalog, names: Iterable[str] | None) -> list[Lag]:
    """How far groups are in every partition of what they read."""
    known = registry.groups(clients, catalog)
    names = known if names is None else [name for name in names if name in known]
    there = catalog.existing()
    found: list[Lag] = []
    for name in names:
        full = catalog.full(name)
        with clients.admin() as admin:
            group = admin.describe_groups([full])[full]
            committed = admin.list_group_offsets(full)[full]
        members = group["members"] if group["error"] is None else []
        places = [
            TopicPartition(catalog.full(topic), partition)
            for topic in known[name]
            for partition in range(there.get(topic, 0))
        ]
        owners = _owners(members)
        if not places:
            continue
        first = reading.starts(clients, places)
        last = reading.settled_ends(clients, places)
        for place in places:
            at = committed[place].offset if place in committed else -1
            position = at if at >= 0 else first[place]
            short = Place(catalog.short(place.topic), place.partition)
            kind = catalog.kind(short.topic, there[short.topic])
            waiting, oldest = (
                count(clients, place, short, position, last[place])
                if kind == "stream"
                else (0, None)
            )
            found.append(
                Lag(name, short, position, last[place], waiting, oldest, owners.get(place))
            )
    return found


def count(
    clients: Clients, place: TopicPartition, short: Place, start: int, end: int
) -> tuple[int, int | None]:
    """Records between two offsets, and when the first was written.

    They are read and counted: markers of transactions, and records of undone ones, have offsets
    too. Past a bound the rest of the offsets are taken for records.
    """
    number, size = 0, 0
    first: Record | None = None
    for record in reading.read(clients, place.topic, short, start, end):
        first = first or record
        number += 1
        size += record.size
        if number >= COUNT_RECORDS or size >= COUNT_BYTES:
            number += end - record.next
            break
    return number, first.timestamp_ms if first is not None else None


def describe(clients: Clients, catalog: Catalog) -> list[Described]:
    """What the lane's topics hold: records as ``count`` has them, bytes as they lie on disk."""
    there = catalog.existing()
    sizes = _sizes(clients)
    found = []
    for name, partitions in there.items():
        places = [TopicPartition(catalog.full(name), number) for number in range(partitions)]
        first = reading.starts(clients, places)
        last = reading.settled_ends(clients, places)
        kind = catalog.kind(name, partitions)
        number = 0
        for place in places:
            short = Place(name, place.partition)
            if kind == "stream" or last[place] - first[place] > COUNT_RECORDS:
                number += count(clients, place, short, first[place], last[place])[0]
            else:
                rows = reading.read(clients, place.topic, short, first[place], last[place])
                number += len(reading.latest(rows))
        size = sum(sizes.get(place, 0) for place in places)
        found.append(Described(name, kind, partitions, number, size))
    return found


def drop_group(clients: Clients, catalog: Catalog, name: str) -> None:
    """Forget a group; its members, if there are any, are put out first."""
    _drop(clients, catalog.full(name))
    registry.strike(clients, catalog, name)


def _drop(clients: Clients, full: str) -> None:
    deadline = time.monotonic() + GONE_S
    while True:
        with clients.admin() as admin:
            try:
                members = admin.describe_groups([full])[full]["members"]
                if members:
                    admin.remove_group_members(full, [_removal(each) for each in members])
                outcome = admin.delete_groups([full])
            except GroupIdNotFoundError:
                return
        error = _error_of(outcome, full)
        if error is None or issubclass(error, GroupIdNotFoundError):
            return
        if not issubclass(error, NonEmptyGroupError) or time.monotonic() > deadline:
            raise Misconfigured(f"group {full} cannot be dropped: {error.__name__}")
        time.sleep(0.05)


def drop_lane(clients: Clients, catalog: Catalog) -> None:
    """Remove the lane's topics, state and groups."""
    for name in registry.groups(clients, catalog):
        _drop(clients, catalog.full(name))
    names = [*catalog.existing(), IDENTITY]
    catalog.forget()
    with clients.admin() as admin:
        admin.delete_topics([catalog.full(name) for name in names], raise_errors=False)
    deadline = time.monotonic() + GONE_S
    while catalog.existing() and time.monotonic() < deadline:
        time.sleep(0.05)


def _removal(member: Any) -> MemberToRemove:
    instance = member.get("group_instance_id")
    if instance:
        return MemberToRemove(group_instance_id=instance)
    return MemberToRemove(member_id=member["member_id"])


def _error_of(outcome: Any, group: str) -> type[KafkaError] | None:
    """The error of one group in what ``delete_groups`` gives."""
    pairs = outcome.items() if isinstance(outcome, dict) else outcome
    error = next((error for name, error in pairs if name == group), None)
    if error is None or getattr(error, "errno", 0) == 0:
        return None
    return error if isinstance(error, type) else type(error)


def _owners(members: Iterable[Any]) -> dict[TopicPartition, str]:
    owners = {}
    for member in members:
        slot = str(member.get("group_instance_id") or "").rpartition(".")[2]
        for topic in _listed(member["member_assignment"], "assigned_partitions"):
            for partition in topic["partitions"]:
                owners[TopicPartition(topic["topic"], partition)] = f"slot {slot}"
    return owners


def _listed(told: Any, name: str) -> Any:
    return told.get(name, ()) if isinstance(told, dict) else ()


def _sizes(clients: Clients) -> dict[TopicPartition, int]:
    """Bytes of every partition on the broker that has most of it."""
    with clients.admin() as admin:
        told = admin.describe_log_dirs()
    sizes: dict[TopicPartition, int] = {}
    for broker in told:
        for folder in broker["log_dirs"]:
            for topic in folder["topics"]:
                for part in topic["partitions"]:
                    place = TopicPartition(topic["name"], part["partition_index"])
                    sizes[place] = max(sizes.get(place, 0), part["partition_size"])
    return sizes
