"""Which member should own which partition: balanced, and moving as few as it can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def share(
    topics: Sequence[tuple[Sequence[int], Sequence[int]]], owners: Mapping[int, int | None]
) -> dict[int, int]:
    """Partition → member, for topics given as (partitions, members that read them).

    Of one topic no member has two more than another. Who owns a partition keeps it where that
    allows; every member that computes it from the same rows comes to the same answer.
    """
    targets: dict[int, int] = {}
    load: dict[int, int] = {}
    for partitions, members in topics:
        if members:
            for partition, member in _share_one(partitions, members, owners, load).items():
                targets[partition] = member
                load[member] = load.get(member, 0) + 1
    return targets


def _share_one(
    partitions: Sequence[int],
    members: Sequence[int],
    owners: Mapping[int, int | None],
    load: Mapping[int, int],
) -> dict[int, int]:
    has: dict[int, list[int]] = {member: [] for member in members}
    loose: list[int] = []
    for partition in partitions:
        owner = owners.get(partition)
        has[owner].append(partition) if owner in has else loose.append(partition)
    base, extra = divmod(len(partitions), len(members))
    # One more goes to those that bear least of the topics before, then to those that have it.
    first = sorted(members, key=lambda member: (load.get(member, 0), -len(has[member])))
    quota = {member: base + (place < extra) for place, member in enumerate(first)}
    for member in members:
        loose += has[member][quota[member] :]
        del has[member][quota[member] :]
    loose.sort(reverse=True)
    for member in members:
        while len(has[member]) < quota[member]:
            has[member].append(loose.pop())
    return {partition: member for member, mine in has.items() for partition in mine}
