"""What a run carries through the pipeline, by which workers, and what must become of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from newsmill.bus.base import Bus, Output

WRONG = ("lost", "duplicate", "aborted_visible", "out_of_order", "unknown")
"""The figures of a verdict that are 0 where everything is exact."""


class Load(Protocol):
    """A kind of run. ``roles`` are its places in order, ``module`` the program of a place."""

    name: str
    module: str
    roles: tuple[str, ...]
    groups: tuple[str, ...]
    low_water: int  # records that always wait for the first stage
    settings: Mapping[str, str]  # of every worker
    lacks: frozenset[str]  # faults that it cannot be put through

    def key(self, number: int) -> bytes:
        """The key of the record of that number; ``number`` begins a batch."""

    def output(self, number: int, version: int) -> Output:
        """The record of that number, of that major version where it has versions."""

    def verdict(self, bus: Bus, offered: int, folder: Path) -> dict[str, Any]:
        """What became of the first ``offered`` records: in, out, dead, and ``WRONG``."""


def missing(wanted: Counter[Any], found: Counter[Any]) -> int:
    """How many of what is wanted are not found."""
    return (wanted - found).total()


def beyond(wanted: Counter[Any], found: Counter[Any]) -> int:
    """How many more there are than wanted, of what is wanted."""
    return sum(count for what, count in (found - wanted).items() if what in wanted)


def strange(wanted: Counter[Any], found: Counter[Any]) -> int:
    """How many there are that nobody wanted."""
    return sum(what not in wanted for what in found)


def disorder(rows: Iterable[tuple[Hashable, int]]) -> int:
    """How often a number is smaller than the one before it on the same way."""
    last: dict[Hashable, int] = {}
    found = 0
    for way, number in rows:
        found += number < last.get(way, -1)
        last[way] = number
    return found
