"""The faults, and the schedule that a seed makes of them."""

from __future__ import annotations

import contextlib
import random
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from chaos.fleet import Fleet, Place
from chaos.proxy import CALLS, Fault, How, Proxy

POINTS = ("commit.begin", "commit.written", "commit.done")
WORKERS = ("kill", "kill_at_point", "zombie", "pause", "kill_all")
OF_KAFKA = (*WORKERS, "cut", "cut", "delay_end_txn", "half_open", "blackhole", "broker_killed")
OF_FILE = (*WORKERS, "disk_refuses")
AT_CALLS = ("cut", "delay_end_txn", "half_open")
REFUSING_S = 2.0
ROOM_BYTES = 512 << 10  # for lines meanwhile
GAP_S = (1.5, 5.0)  # between two faults: at least twelve a minute


@dataclass(frozen=True, slots=True)
class Event:
    """A fault, and how long after the one before."""

    name: str
    after_s: float
    roll: float  # what else is left to chance


def schedule(seed: int, is_kafka: bool) -> Iterator[Event]:
    """The faults of a seed, without end; every kind before any comes a second time."""
    chance = random.Random(seed)
    while True:
        names = list(OF_KAFKA if is_kafka else OF_FILE)
        chance.shuffle(names)
        for name in names:
            yield Event(name, chance.uniform(*GAP_S), chance.random())


class Faults:
    """Makes faults happen, and counts those that are not the proxy's, at calls, to count."""

    def __init__(self, fleet: Fleet, session_s: float, proxy: Proxy | None, broker: Any) -> None:
        self._fleet, self._session_s = fleet, session_s
        self._proxy, self._broker = proxy, broker
        self.counts: Counter[str] = Counter()

    def strike(self, event: Event) -> None:
        """One fault."""
        there = [place for place in self._fleet.places if place.process is not None]
        if not there:  # all are between two lives
            return
        place = there[int(event.roll * 997) % len(there)]
        strike: dict[str, Callable[[], object]] = {
            "kill": lambda: self._fleet.kill(place),
            "kill_at_point": lambda: self._kill_at_point(place, event.roll),
            "zombie": lambda: self._fleet.stop_and_replace(place, self._session_s * 2.5),
            "pause": lambda: self._fleet.pause(place, self._session_s * 1.5),
            "kill_all": lambda: [self._fleet.kill(each) for each in self._fleet.places],
            "cut": lambda: self._cut(event.roll),
            "delay_end_txn": lambda: self._at("delay_end_txn", "end_txn", "delay", 3.0),
            "half_open": lambda: self._at("half_open", "produce", "half_open", 2.0),
            "blackhole": lambda: self._proxy and self._proxy.blackhole(3.0),
            "broker_killed": self._kill_broker,
            "disk_refuses": self._refuse_writes,
        }
        strike[event.name]()
        if event.name not in AT_CALLS:
            self.counts[event.name] += 1

    def _kill_at_point(self, place: Place, roll: float) -> None:
        number = 1 + int(roll * 31) % 4
        place.crash_at = f"{POINTS[int(roll * 101) % len(POINTS)]}:{number}"
        self._fleet.kill(place)

    def _cut(self, roll: float) -> None:
        call = list(CALLS)[int(roll * 541) % len(CALLS)]
        self._at(f"cut at {call}", call, "cut_before" if roll < 0.5 else "cut_after", 0.0)

    def _at(self, name: str, call: str, how: How, seconds: float) -> None:
        if self._proxy is not None:
            self._proxy.at_next(Fault(name, CALLS[call], how, seconds))

    def _kill_broker(self) -> None:
        self._broker.kill()
        self._broker.start()

    def _refuse_writes(self) -> None:
        """Refuse the bus's writes for a while, as a full disk does, and leave the lines alone."""
        limit = self._fleet.longest_log() + ROOM_BYTES
        there = [p.process.pid for p in self._fleet.places if p.process is not None]
        for pid in there:
            _limit_files(pid, limit)
        time.sleep(REFUSING_S)
        for pid in there:
            _limit_files(pid, resource.RLIM_INFINITY)


def _limit_files(pid: int, size: int) -> None:
    """The size past which the process may write no file; nothing where it is gone."""
    with contextlib.suppress(ProcessLookupError):
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
