"""Driving a bus in tests: small topics, publishing, copying, members in processes of their own."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import orjson

from newsmill.bus.base import Bus, Change, Mark, Member, Output, Place, Record
from newsmill.topics import Topic

SOURCE = Topic("source", "stream", partitions=4, max_bytes=100_000)
SINK = Topic("sink", "stream", partitions=4, max_bytes=100_000)
TALLY = Topic("tally", "state", partitions=4, beside="source")
RULES = Topic("rules", "config", partitions=1)
WORLD = Topic("world", "state", partitions=4)  # joined over, with no stream beside it

WORKER = Path(__file__).with_name("copier.py")


def publish(bus: Bus, values: Iterable[bytes], topic: Topic = SOURCE, *, routing: str = "") -> None:
    """Publish values, each under itself as key and routed by it unless told otherwise."""
    tool = bus.join("publisher", [])
    tool.commit(
        [Output(topic=topic, key=v, value=v, routing=routing or v.decode()) for v in values], [], {}
    )
    tool.leave()


def numbered(count: int, start: int = 0) -> list[bytes]:
    return [b"item-%04d" % number for number in range(start, start + count)]


def take(member: Member, count: int, *, within_s: float = 5.0, **how: object) -> list[Record]:
    """Poll until so many records came."""
    records: list[Record] = []
    deadline = time.monotonic() + within_s
    while len(records) < count and time.monotonic() < deadline:
        records += member.poll(0.1, **how)  # type: ignore[arg-type]
    assert len(records) >= count, f"{len(records)} of {count} records within {within_s} s"
    return records


def marks(member: Member, records: Iterable[Record]) -> dict[Place, Mark]:
    """The positions after these records, under the present epochs."""
    owned = member.assignment
    return {
        record.place: Mark(record.next, owned[record.place].epoch)
        for record in records
        if record.place in owned
    }


def copies(records: Iterable[Record]) -> list[Output]:
    """What the copier writes for the records it read."""
    return [Output(topic=SINK, key=r.key, value=r.value, partition=r.partition) for r in records]


def counted(member: Member, records: Sequence[Record], memory: Counter[bytes]) -> list[Change]:
    """The tally of keys after these records, as changes of state; ``memory`` is what was before."""
    after = memory + Counter(record.key for record in records)
    return [
        Change(TALLY, record.partition, record.key, b"%d" % after[record.key]) for record in records
    ]


def everything(bus: Bus, topic: Topic) -> list[Record]:
    """All records of a topic, partition by partition."""
    return [
        record for partition in range(topic.partitions) for record in bus.scan(topic, partition)
    ]


def settle(members: Sequence[Member], done: Callable[[], bool], within_s: float) -> float:
    """Poll all members in turn until it is so; how long it took."""
    start = time.monotonic()
    while not done():
        assert time.monotonic() - start < within_s, [
            sorted(member.assignment) for member in members
        ]
        for member in members:
            member.poll(0.01)
    return time.monotonic() - start


def shares(*members: Member) -> list[int]:
    return sorted(len(member.assignment) for member in members)


def owned_once(members: Sequence[Member], partitions: int) -> bool:
    """Whether every partition has exactly one owner, and nobody two more than another."""
    places = [place for member in members for place in member.assignment]
    sizes = shares(*members)
    return len(places) == len(set(places)) == partitions and sizes[-1] - sizes[0] <= 1


FENCED = 75  # the exit code of a copier that was fenced


class Child:
    """A copier in a process of its own: what it does comes as one JSON line an event."""

    def __init__(self, url: str, how: dict[str, object], crash_at: str) -> None:
        environment = dict(os.environ)
        environment.pop("NEWSMILL_CRASH_AT", None)
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        if crash_at:
            environment["NEWSMILL_CRASH_AT"] = crash_at
        self._process = subprocess.Popen(
            [sys.executable, str(WORKER), orjson.dumps({"url": url, **how}).decode()],
            stdout=subprocess.PIPE,
            env=environment,
        )
        self._buffer = b""
        self.pid = self._process.pid

    def wait_for(self, event: str, within_s: float = 30.0) -> dict[str, object]:
        """The next event of that name; those before it are dropped."""
        deadline = time.monotonic() + within_s
        while True:
            line = self._line(deadline)
            assert line is not None, f"no {event!r} within {within_s} s"
            said: dict[str, object] = orjson.loads(line)
            if said["event"] == event:
                return said

    def until_its_end(self, event: str) -> list[dict[str, object]]:
        """All events of that name that it says before it ends."""
        said = []
        while (line := self._line(time.monotonic() + 30.0)) is not None:
            said.append(orjson.loads(line))
        self.wait()
        return [each for each in said if each["event"] == event]

    def _line(self, deadline: float) -> bytes | None:
        stdout = self._process.stdout
        assert stdout is not None
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([stdout], [], [], left)[0]:
                return None
            data = os.read(stdout.fileno(), 65536)
            if not data:
                return None
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self, within_s: float = 30.0) -> int:
        """Its exit code; minus the signal where one ended it."""
        return self._process.wait(within_s)

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


class Children:
    """The copiers of one test, none of which outlives it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._all: list[Child] = []

    def start(self, *, crash_at: str = "", **how: object) -> Child:
        child = Child(self._url, how, crash_at)
        self._all.append(child)
        return child

    def finish(self, count: int, **how: object) -> None:
        """Run so many side by side to their end; one that is fenced is started again.

        A rebalance in the middle of a step may fence a live member, but not for ever.
        """
        running = [self.start(**how) for _ in range(count)]
        for _ in range(2 * count):
            codes = [child.wait() for child in running]
            assert set(codes) <= {0, FENCED}
            running = [self.start(**how) for code in codes if code == FENCED]
            if not running:
                return
        raise AssertionError("copiers are fenced again and again")

    def __enter__(self) -> Children:
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._all:
            child.end()
