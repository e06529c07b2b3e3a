"""Driving the loops: a real bus in a folder, a loop in a thread, and its log read back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from newsmill import bus
from newsmill.bus.base import Burst, Bus, Member, Output, Record
from newsmill.process.drain import Drain
from newsmill.process.life import Life
from newsmill.process.steps import Result
from newsmill.process.telemetry import Telemetry
from newsmill.process.tend import Tend
from newsmill.process.tender import Tender
from newsmill.process.work import Work
from newsmill.topics import ARTICLES, PAGES, Topic

BURST = Burst(records=20, bytes=1 << 20, wait_s=0.02)
QUICK = "lease_s=1&ballast_bytes=0&min_free_bytes=0&detector=off"


def url_of(folder: Path, options: str = QUICK) -> str:
    return f"file:{folder / 'bus'}?{options}"


def connect(folder: Path, options: str = QUICK) -> closing[Bus]:
    opened = bus.connect(url_of(folder, options), "live")
    opened.create()
    return closing(opened)


def publish(opened: Bus, topic: Topic, values: Iterable[bytes], *, routing: str = "") -> None:
    member = opened.join("publisher", [])
    member.commit(
        [Output(topic=topic, key=v[:40], value=v, routing=routing or repr(v[:40])) for v in values],
        [],
        {},
    )
    member.leave()


def everything(opened: Bus, topic: Topic) -> list[Record]:
    return [record for n in range(topic.partitions) for record in opened.scan(topic, n)]


def waiting(opened: Bus, group: str) -> int:
    return sum(lag.waiting for lag in opened.lag([group]))


def copied(record: Record) -> Result:
    """The trivial step: the value goes on, under its own key."""
    output = Output(topic=ARTICLES, key=record.key, value=record.value, partition=record.partition)
    return Result(outcome="published", outputs=(output,))


class Refusing:
    """A real member whose next steps are refused as the test says."""

    def __init__(self, member: Member, *errors: Exception) -> None:
        self._member = member
        self._errors = list(errors)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._member, name)

    def commit(self, *step: Any, **how: Any) -> None:
        if self._errors:
            raise self._errors.pop(0)
        self._member.commit(*step, **how)


class Loop:
    """A loop in a thread of its own, over a bus opened for itself; ``error`` is how it ended."""

    def __init__(self, folder: Path, name: str, options: str = QUICK) -> None:
        self.bus = bus.connect(url_of(folder, options), "live")
        self.log = Telemetry(
            name, directory=folder / "logs" / name, fd=_nowhere(), human=False, level="debug"
        )
        self.life = Life(self.log, heartbeat_s=0.2)
        self.error: BaseException | None = None
        self._logs = folder / "logs" / name
        self._thread: threading.Thread | None = None

    def drain(
        self,
        work: Work,
        *,
        group: str = "extractor",
        topic: Topic = PAGES,
        burst: Burst = BURST,
        wrap: Callable[[Any], Any] = lambda member: member,
    ) -> Loop:
        member = wrap(self.bus.join(group, [topic]))
        return self._start(Drain("extractor", member, work, burst, self.log, self.life).run)

    def tend(
        self,
        tender: Tender,
        topic: Topic,
        *,
        group: str = "fetcher",
        burst: Burst = BURST,
        wrap: Callable[[Any], Any] = lambda member: member,
    ) -> Loop:
        member = wrap(self.bus.join(group, [topic]))
        return self._start(Tend(member, tender, burst, self.log, self.life).run)

    def _start(self, run: Callable[[], None]) -> Loop:
        def body() -> None:
            try:
                run()
            except BaseException as error:
                self.error = error

        self._thread = threading.Thread(target=body)
        self._thread.start()
        return self

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        self.life.stop()
        if self._thread is not None:
            self._thread.join(25)
            assert not self._thread.is_alive()
        self.log.close()
        self.bus.close()

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        lines = [
            orjson.loads(raw)
            for path in sorted(self._logs.glob("*.jsonl"))
            for raw in path.read_bytes().splitlines()
        ]
        return [line for line in lines if not event or line["event"] == event]

    def __enter__(self) -> Loop:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _nowhere() -> int:
    """A descriptor that nobody has open: the log goes to its file alone."""
    return 1 << 20
