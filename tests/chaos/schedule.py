"""The schedule that a seed makes: which faults, when, and what else of them is left to chance."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from chaos.answers import CLASSES

WORKERS = (
    "kill", "kill_at_point", "zombie", "pause", "kill_all", "child_killed", "clock", "storm",
    "child_killed", "strays", "newer", "deaf", "store_stalls",
)  # fmt: skip
OF_KAFKA = (
    *WORKERS, "cut", "cut", "delay_end_txn", "half_open", "blackhole", "broker_killed",
    "broker_restarted", *(f"produce_error:{kind}" for kind in (*CLASSES, "unanswered")),
)  # fmt: skip
OF_FILE = (*WORKERS, "disk_refuses")
GAP_S = (2.5, 7.5)  # between two faults: at least eight a minute, and time to start in between


@dataclass(frozen=True, slots=True)
class Event:
    """A fault, and how long after the one before."""

    name: str
    after_s: float
    roll: float  # what else is left to chance


def schedule(seed: int, is_kafka: bool, without: Collection[str] = ()) -> Iterator[Event]:
    """The faults of a seed, without end; every kind before any comes a second time."""
    chance = random.Random(seed)
    kinds = [name for name in (OF_KAFKA if is_kafka else OF_FILE) if name not in without]
    while True:
        names = list(kinds)
        chance.shuffle(names)
        for name in names:
            yield Event(name, chance.uniform(*GAP_S), chance.random())
