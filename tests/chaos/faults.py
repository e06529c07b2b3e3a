"""Makes the faults of a schedule happen."""

from __future__ import annotations

import contextlib
import resource
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chaos import stalls
from chaos.answers import CALLS, CLASSES, ERRORS, WAYS
from chaos.clock import CLOCKS
from chaos.fleet import Fleet, Place
from chaos.ground import SESSION_S, Ground
from chaos.ledger import Feeder
from chaos.proxy import Fault, How
from chaos.schedule import Event
from databases import Database

POINTS = (
    "commit.begin", "commit.written", "commit.done", "after_poll", "after_step", "after_lines",
    "after_seal", "after_commit",
)  # fmt: skip
OF_STORES = (*POINTS, "store.written", "store.done")
AT_CALLS = ("cut", "delay_end_txn", "half_open", "produce_error")
FORGING_S = (0.3, 2.0)  # calls of one kind are answered falsely for so long
OUTLASTING_S = 10.0  # longer than a client tries on
REFUSING_S = 2.0
ROOM_BYTES = 64 << 10  # of a file, while the disk refuses more
DEAF_S = 9.0  # longer than a worker waits for its reader
STORM_S = 4.0
HUNT_S = 10.0
STALL_S = 10.0
ROLL_S = 2.0  # between two places of a deployment


@dataclass(slots=True)
class Means:
    """What there is to do harm with."""

    fleet: Fleet
    feeder: Feeder
    folder: Path
    stall_s: float  # of a store, the first time
    where: Ground
    database: Database | None = None


class Faults:
    """Strikes, and counts all but those that are the proxy's, at calls, to count."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._fleet, self._where = means.fleet, means.where
        self._endings: list[tuple[float, stalls.Ending]] = []
        self._hunts: list[tuple[float, Place]] = []  # for a child in each
        self._deaf_until = 0.0
        self._long: threading.Thread | None = None
        self.counts: Counter[str] = Counter()

    def turn(self) -> None:
        """End what has gone on for long enough."""
        now = time.monotonic()
        for ending in [each for each in self._endings if each[0] <= now]:
            self._endings.remove(ending)
            ending[1]()
        for hunt in [*self._hunts]:
            until, place = hunt
            found = self._fleet.kill_busy_grandchild(place)
            self.counts["child_killed"] += found
            if found or now >= until:
                self._hunts.remove(hunt)

    def end(self) -> None:
        """End what goes on, and call off what found no call."""
        self._endings = [(0.0, ending) for _, ending in self._endings]
        self._hunts.clear()
        self.turn()
        if self._long is not None:
            self._long.join()
        if self._where.proxy is not None:
            self._where.proxy.forget()

    def strike(self, event: Event) -> None:
        """One fault."""
        there = [place for place in self._fleet.places if place.process is not None]
        if not there:  # all are between two lives
            return
        place = there[int(event.roll * 997) % len(there)]
        name, _, kind = event.name.partition(":")
        strike = getattr(self, f"_{name}")
        told = strike(kind, event.roll) if kind else strike(place, event.roll)
        if told is not False and name not in AT_CALLS:
            self.counts[name] += 1

    # -- workers

    def _kill(self, place: Place, roll: float) -> None:
        self._fleet.kill(place)

    def _kill_at_point(self, place: Place, roll: float) -> None:
        points = OF_STORES if place.role == "archiver" else POINTS
        number = 1 + int(roll * 31) % 4
        place.crash_at = f"{points[int(roll * 101) % len(points)]}:{number}"
        self._fleet.kill(place)

    def _zombie(self, place: Place, roll: float) -> None:
        self._fleet.stop_and_replace(place, SESSION_S * 2.5)

    def _pause(self, place: Place, roll: float) -> None:
        self._fleet.pause(place, SESSION_S * 1.5)

    def _kill_all(self, place: Place, roll: float) -> None:
        for each in self._fleet.places:
            self._fleet.kill(each)

    def _child_killed(self, place: Place, roll: float) -> bool:
        """In every extractor one, as soon as it is in the middle of a page."""
        until = time.monotonic() + HUNT_S
        self._hunts = [(until, each) for each in self._fleet.places if each.role == "extractor"]
        return False  # each is counted when it is found

    def _clock(self, place: Place, roll: float) -> bool:
        """A wrong wall clock, of one worker or all, until it is killed or set otherwise."""
        how = 1 + int(roll * 7919) % (len(CLOCKS) - 1)
        for each in self._fleet.places if roll < 0.3 else [place]:
            if each.process is not None and _handles(each.process.pid, signal.SIGRTMIN + how):
                each.process.send_signal(signal.SIGRTMIN + how)
                self.counts[f"clock {CLOCKS[how]}"] += 1
        return False  # it is counted

    def _storm(self, place: Place, roll: float) -> None:
        roles = self._fleet.roles
        self._fleet.storm([*roles, *roles] if roll < 0.2 else roles, STORM_S)

    def _deaf(self, place: Place, roll: float) -> None:
        self._fleet.stop_listening(place, DEAF_S)
        self._deaf_until = time.monotonic() + DEAF_S

    def _newer(self, place: Place, roll: float) -> None:
        """Offer what the present version must hold, and then deploy the one that reads it."""
        version = self._fleet.version + 1
        self._means.feeder.make_newer(version)
        self._fleet.roll(version, ROLL_S)

    def _strays(self, place: Place, roll: float) -> bool:
        def strike() -> None:
            if self._where.send_strays(int(roll * 8) % 8):
                self.counts["strays"] += 1

        self._aside(strike)
        return False  # it is counted where it came about

    # -- stores and disks

    def _store_stalls(self, place: Place, roll: float) -> bool:
        """One at a time; for long the first time."""
        if self._endings:
            return False
        database = self._means.database
        if database is not None and roll < 0.5:
            ending: stalls.Ending | None = stalls.stall_postgres(database)
        else:
            ending = stalls.stall_sqlite(self._means.folder / "stores" / "live.db")
        if ending is None:
            return False
        seconds = STALL_S if self.counts["store_stalls"] else self._means.stall_s
        self._endings.append((time.monotonic() + seconds, ending))
        return True

    def _disk_refuses(self, place: Place, roll: float) -> bool:
        """Refuse all writes but to the starts of files, as a full disk does.

        Not while a pipe is unread: of the two sinks of the logs one must go on, or lines are lost.
        """
        if time.monotonic() < self._deaf_until:
            return False
        there = [p.process.pid for p in self._fleet.places if p.process is not None]
        for pid in there:
            _limit_files(pid, ROOM_BYTES)
        time.sleep(REFUSING_S)
        for pid in there:
            _limit_files(pid, resource.RLIM_INFINITY)
        return True

    # -- the network and the brokers

    def _cut(self, place: Place, roll: float) -> None:
        call = list(CALLS)[int(roll * 541) % len(CALLS)]
        self._at(f"cut at {call}", call, "cut_before" if roll < 0.5 else "cut_after", 0.0)

    def _delay_end_txn(self, place: Place, roll: float) -> None:
        self._at("delay_end_txn", "end_txn", "delay", 3.0)

    def _half_open(self, place: Place, roll: float) -> None:
        self._at("half_open", "produce", "half_open", 2.0)

    def _produce_error(self, kind: str, roll: float) -> None:
        """One of the wrong answers of that class, for a while; now and then for long."""
        name = f"produce_error:{kind}"
        if kind == "unanswered":
            self._at(name, list(CALLS)[int(roll * 541) % len(CALLS)], "unanswered", 0.0)
            return
        answers = [(call, error) for call, errors in CLASSES[kind].items() for error in errors]
        call, error = answers[int(roll * 7919) % len(answers)]
        shortest, longest = FORGING_S
        lasts_s = shortest + roll * (longest - shortest)
        if kind == "retriable" and roll < 0.2:
            lasts_s = OUTLASTING_S
        elif error == "message_too_large":
            lasts_s = 0.0  # said of the same record twice it is believed, and buries the record
        way = WAYS[int(roll * 101) % len(WAYS)]
        if self._where.proxy is not None:
            fault = Fault(name, CALLS[call], way, code=ERRORS[error], lasts_s=lasts_s)
            self._where.proxy.at_next(fault)

    def _at(self, name: str, call: str, how: How, seconds: float) -> None:
        if self._where.proxy is not None:
            self._where.proxy.at_next(Fault(name, CALLS[call], how, seconds))

    def _blackhole(self, place: Place, roll: float) -> None:
        if self._where.proxy is not None:
            self._where.proxy.blackhole(3.0)

    def _broker_killed(self, place: Place, roll: float) -> bool:
        broker = self._where.brokers[int(roll * 997) % len(self._where.brokers)]

        def strike() -> None:
            broker.kill()
            broker.start()

        return self._aside(strike)

    def _broker_restarted(self, place: Place, roll: float) -> bool:
        """All in order, one after the other."""

        def strike() -> None:
            for broker in self._where.brokers:
                broker.restart()

        return self._aside(strike)

    def _aside(self, strike: Callable[[], None]) -> bool:
        """Do what takes long while other faults go on; False where another such one does."""
        if self._long is not None and self._long.is_alive():
            return False
        self._long = threading.Thread(target=strike)
        self._long.start()
        return True


def _handles(pid: int, number: int) -> bool:
    """Whether the process would survive the signal: it has a handler for it."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = status.partition("SigCgt:")[2].split(maxsplit=1)[0]
    return bool(int(caught, 16) >> (number - 1) & 1)


def _limit_files(pid: int, size: int) -> None:
    """The size past which the process may write no file; nothing where it is gone."""
    with contextlib.suppress(ProcessLookupError):
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
