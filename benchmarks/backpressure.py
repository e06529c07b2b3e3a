"""Back-pressure: a fast source before a slow enricher, then before a store that stalls.

Half of the time the enricher sleeps before every article, half of the time the store is locked by
somebody else. The log has small caps, so that all of it fills up within the first minute. Resident
memory of every process is sampled; at the end everything that the source committed must be in the
store. Prints one JSON line; exits 1 where something is missing or memory grew.

Run: python benchmarks/backpressure.py --minutes 10 [--plot docs]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import apsw
from charts import Axis, Line, chart

from newsmill import bus
from newsmill.archiver.sqlite import SqliteStore
from newsmill.bus.base import BusFull, Output, Record
from newsmill.enricher.worker import Enriching
from newsmill.process.drain import Drain
from newsmill.process.host import Desk, serve
from newsmill.process.settings import Settings
from newsmill.process.steps import Result
from newsmill.records import Article, encode
from newsmill.topics import ARTICLES
from newsmill.urls import identity

CAPS = "cap_bytes=60000000&ballast_bytes=0&min_free_bytes=0"
BATCH = 50
SLOW_S = 0.02  # of an article, while the enricher is slow
TEXT = "The harbour board met on Tuesday and put the vote on the new ferry line off again. " * 12
GROWTH_MB = 8.0  # from the second quarter of a phase to its last: what a heap may breathe
SAMPLE_S = 0.5

Samples = dict[str, list[tuple[float, float]]]  # seconds since the start, MB; by process


def settings_of(folder: Path) -> Settings:
    return Settings(data=folder, bus=f"file:{folder / 'bus'}?{CAPS}", log_level="warning")


# -- the parts, each a process


def source(folder: Path) -> int:
    """Publish articles as fast as the bus takes them; prints how many were committed."""
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(1))
    opened = bus.connect(settings_of(folder).bus_url, "live")
    member = opened.join("source", [])
    numbers = count()
    committed = refused = 0
    batch: list[Output] = []
    while not stopping:
        batch = batch or [_article(next(numbers)) for _ in range(BATCH)]
        try:
            member.commit(batch, [], {})
        except BusFull:
            refused += 1
            time.sleep(0.05)
            continue
        committed += len(batch)
        batch = []
    member.leave()
    opened.close()
    print(json.dumps({"committed": committed, "refused": refused}))
    return 0


def _article(number: int) -> Output:
    url = f"http://site{number % 97}.example/{number}"
    page_id = identity(url)
    article = Article(
        id=page_id, page_id=page_id, revision=page_id, url=url, canonical_url=url,
        title=f"Story {number}", text=TEXT, fetched="2026-03-01T00:00:00Z",
    )  # fmt: skip
    return Output(topic=ARTICLES, key=page_id.encode(), routing=page_id, value=encode(article))


class Slow(Enriching):
    """The enricher, asleep before every article as long as a file is there."""

    def __init__(self, log: Any, flag: Path) -> None:
        self._flag = flag
        super().__init__(log)

    def step(self, record: Record) -> Result:
        if self._flag.exists():
            time.sleep(SLOW_S)
        return super().step(record)


def enricher(folder: Path) -> int:
    def work(desk: Desk) -> None:
        slow = Slow(desk.log, folder / "slow")
        Drain("enricher", desk.member, slow, desk.bus.burst, desk.log, desk.life).run()

    return serve("enricher", "enricher", [ARTICLES], settings_of(folder), work)


# -- the run


class Run:
    """The processes, and what memory they held when."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = settings_of(folder)
        self.samples: Samples = {}
        self._started = time.monotonic()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        (self.folder / "slow").touch()
        opened = bus.connect(self.settings.bus_url, "live")
        opened.create()
        opened.close()
        SqliteStore(self.settings.store_path).close()
        ours = [sys.executable, __file__, "--folder", str(self.folder), "--part"]
        self._start("source", [*ours, "source"], stdout=subprocess.PIPE)
        self._start("enricher", [*ours, "enricher"])
        self._start("archiver", [sys.executable, "-m", "newsmill", "work", "archiver"])

    def _start(self, name: str, command: list[str], **pipes: Any) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("NEWSMILL_")} | {
            "NEWSMILL_DATA": str(self.folder),
            "NEWSMILL_BUS": self.settings.bus,
            "NEWSMILL_LOG_LEVEL": "warning",
        }
        log = (self.folder / "stderr").open("ab")
        process = subprocess.Popen(command, env=environment, stderr=log, **pipes)
        self._processes[name] = process
        self.samples[name] = []

    def watch(self, seconds: float) -> tuple[float, float]:
        """Sample for so long; when it began and ended, in seconds since the start."""
        began = time.monotonic() - self._started
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            now = time.monotonic() - self._started
            for name, process in self._processes.items():
                if process.poll() is not None:
                    raise SystemExit(
                        f"{name} ended: {(self.folder / 'stderr').read_text()[-2000:]}"
                    )
                self.samples[name].append((now, _rss_mb(process.pid)))
            time.sleep(SAMPLE_S)
        return began, time.monotonic() - self._started

    def stop_source(self) -> dict[str, int]:
        process = self._processes.pop("source")
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
        told: dict[str, int] = json.loads(out)
        return told

    def drained(self, within_s: float) -> float:
        """Wait until every group is at the end of its input; how long it took."""
        started = time.monotonic()
        with closing(bus.connect(self.settings.bus_url, "live")) as opened:
            groups = ("enricher", "archiver.sqlite")
            while any(lag.waiting for lag in opened.lag(groups)):
                if time.monotonic() - started > within_s:
                    raise SystemExit("the backlog was not drained in time")
                time.sleep(0.2)
        return time.monotonic() - started

    def stop(self) -> None:
        for process in self._processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self._processes.values():
            process.wait(30)

    def growth_mb(self, phase: tuple[float, float]) -> dict[str, float]:
        """From the second quarter of a phase to its last, by process."""
        began, ended = phase
        quarter = (ended - began) / 4
        grown = {}
        for name, samples in self.samples.items():
            early = [mb for at, mb in samples if began + quarter <= at < began + 2 * quarter]
            late = [mb for at, mb in samples if ended - quarter <= at <= ended]
            if early and late:
                grown[name] = round(median(late) - median(early), 2)
        return grown


def run(folder: Path, minutes: float, plot: Path | None) -> int:
    each = minutes * 60 / 2
    going = Run(folder)
    going.start()
    try:
        slow = going.watch(each)
        (folder / "slow").unlink()
        store = apsw.Connection(str(going.settings.store_path))
        store.set_busy_timeout(10_000)
        store.execute("BEGIN IMMEDIATE")
        stalled = going.watch(each)
        store.execute("ROLLBACK")
        store.close()
        told = going.stop_source()
        took_s = going.drained(120 + each)
    finally:
        going.stop()
    with SqliteStore(going.settings.store_path, readonly=True) as kept:
        stored = kept.count()
    phases = {"slow enricher": slow, "stalled store": stalled}
    growth = {name: going.growth_mb(phase) for name, phase in phases.items()}
    rss = {n: round(max(mb for _, mb in found), 1) for n, found in going.samples.items() if found}
    grew = max(mb for phase in growth.values() for mb in phase.values())
    result = {
        "minutes": minutes,
        "committed": told["committed"],
        "stored": stored,
        "dropped": told["committed"] - stored,
        "refused_by_the_full_log": told["refused"],
        "growth_mb": growth,
        "peak_rss_mb": rss,
        "log_mb": round(sum(p.stat().st_size for p in (folder / "bus").glob("bus.db*")) / 1e6, 1),
        "drained_in_s": round(took_s, 1),
    }
    print(json.dumps(result))
    if plot is not None:
        plot.mkdir(parents=True, exist_ok=True)
        for name, phase in phases.items():
            _draw(plot, name, phase, going.samples)
    return int(result["dropped"] != 0 or grew > GROWTH_MB)


def _rss_mb(pid: int) -> float:
    with suppress(OSError, IndexError):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / 1e6
    return 0.0


def _draw(folder: Path, name: str, phase: tuple[float, float], samples: Samples) -> None:
    """Resident memory over one phase, one line a process."""
    began, ended = phase
    colours = ("#c33", "#36c", "#2a2")
    lines = []
    for (process, found), colour in zip(samples.items(), colours, strict=True):
        points = [(at - began, mb) for at, mb in found if began <= at <= ended]
        lines.append(Line(process, colour, points[:: max(1, len(points) // 200)]))
    most = max(mb for line in lines for _, mb in line.points)
    file = folder / f"backpressure-{name.replace(' ', '-')}.svg"
    across = Axis("seconds", 0.0, round(ended - began))
    up = Axis("MB resident", 0.0, 50.0 * math.ceil(most * 1.2 / 50.0))
    file.write_text(chart(f"Memory before a {name}", across, up, lines), "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--plot", type=Path, help="a folder: draw memory over time into it")
    parser.add_argument("--part", choices=("source", "enricher"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.part:
        return {"source": source, "enricher": enricher}[asked.part](asked.folder)
    with tempfile.TemporaryDirectory(prefix="newsmill-backpressure-") as folder:
        return run(Path(folder), asked.minutes, asked.plot)


if __name__ == "__main__":
    sys.exit(main())
