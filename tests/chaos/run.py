"""One run under a seed: workers, faults, a watcher, a verdict as one JSON line.

    python -m chaos.run --bus file|kafka --seconds 120 --seed 1

Exit code 0 only when everything is exact, 2 where no broker can be had. The seconds are those of
faults; start-up and the drain afterwards come on top.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brokers import ladder
from chaos.faults import Faults, schedule
from chaos.fleet import Fleet
from chaos.ledger import Feeder, Watching, verdict
from chaos.proxy import Proxy
from chaos.reader import Reader
from newsmill import bus
from newsmill.bus.base import Bus
from newsmill.errors import NewsmillError
from running import NEWSMILL, environment

SESSION_S = 4.0
DRAIN_S = 90.0  # after the last fault, without a human
LOW_WATER = 3_000  # records that always wait


@dataclass(slots=True)
class Ground:
    """Where a run takes place."""

    url: str  # of the workers
    direct: str  # of the harness
    proxy: Proxy | None = None
    broker: Any = None

    def connect(self, within_s: float = 60.0) -> Bus:
        """The bus, as soon as it is there."""
        end = time.monotonic() + within_s
        while True:
            try:
                opened = bus.connect(self.direct, "live")
                opened.create()
                return opened
            except NewsmillError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)


@contextmanager
def ground(kind: str, folder: Path) -> Iterator[Ground]:
    """An embedded log, or a broker of our own behind a proxy."""
    if kind == "file":
        url = f"file:{folder / 'bus'}?lease_s={SESSION_S}"
        yield Ground(url, url)
        return
    options = f"?session_ms={int(SESSION_S * 1000)}&transaction_ms=8000"
    with ladder.borrowed(folder / "kafka", only="jvm") as broker:
        host, _, port = broker.bootstrap.partition(":")
        proxy = Proxy(host, int(port))
        try:
            name = f"{host}:{{}}/chaos{options}"
            yield Ground(
                f"kafka://{name.format(proxy.port)}", f"kafka://{name.format(port)}", proxy, broker
            )
        finally:
            proxy.close()


def run(kind: str, seconds: float, seed: int, folder: Path) -> tuple[dict[str, Any], str]:
    """The figures of a run, and what the workers last said where they are not exact."""
    with ExitStack() as stack:
        where = stack.enter_context(ground(kind, folder))
        feeder = Feeder(where.connect)
        watcher = Watcher(where)
        fleet = Fleet(where.url, folder)
        stack.callback(fleet.end)
        faults = Faults(fleet, SESSION_S, where.proxy, where.broker)
        _until(lambda: watcher.look(fleet, feeder), 20.0, lambda: watcher.moved)
        begun = time.monotonic()
        events = schedule(seed, kind == "kafka")
        event = next(events)
        due = begun + event.after_s
        while time.monotonic() - begun < seconds:
            watcher.look(fleet, feeder)
            if time.monotonic() >= due:
                faults.strike(event)
                event = next(events)
                due = time.monotonic() + event.after_s
            time.sleep(0.1)
        if where.proxy is not None:
            where.proxy.forget()
        drained = time.monotonic()
        _until(lambda: watcher.look(fleet, None), DRAIN_S, lambda: watcher.waiting == 0)
        drain_s = time.monotonic() - drained
        words = fleet.last_words()
        fleet.end()
        feeder.settle()
        feeder.close()
        watcher.close()
        opened = where.connect()
        found = verdict(opened, feeder.offered)
        found["aborted_visible"] += watcher.reader.differences(opened)
        opened.close()
    exact = not any(
        found[name] for name in ("lost", "duplicate", "aborted_visible", "out_of_order", "unknown")
    )
    told = _balance(fleet.logs)
    exact = exact and watcher.waiting == 0 and not watcher.seen.went_back and told == 0
    struck = where.proxy.struck if where.proxy is not None else Counter[str]()
    figures = {
        "bus": kind,
        **found,
        "read_beside": watcher.reader.seen,
        "positions_back": len(watcher.seen.went_back),
        "balance_exit": told,
        "faults": dict(sorted((faults.counts + struck).items())),
        "starts": sum(place.starts for place in fleet.places),
        "longest_stall_s": round(watcher.seen.longest_stall_s, 1),
        "drain_s": round(drain_s, 1),
        "seconds": seconds,
        "seed": seed,
        "exact": exact,
    }
    return figures, "" if exact else words


class Watcher:
    """Looks at the bus beside the run; where it is away for a moment, it looks later."""

    def __init__(self, where: Ground) -> None:
        self._where = where
        self._bus: Bus | None = where.connect()
        self._looked = 0.0
        self.seen = Watching()
        self.reader = Reader()
        self.waiting = -1
        self.moved = False

    def look(self, fleet: Fleet, feeder: Feeder | None) -> None:
        """A turn of the fleet, and now and then a look; feed where little waits."""
        fleet.turn()
        if time.monotonic() - self._looked < 0.5:
            return
        self._looked = time.monotonic()
        try:
            if self._bus is None:
                self._bus = self._where.connect(5.0)
            self.waiting = self.seen.look(self._bus)
            if feeder is not None and self.waiting < LOW_WATER:
                feeder.feed()
            self.reader.look(self._bus)
            self.moved = self.moved or any(self.seen.positions.values())
        except NewsmillError:
            self.seen.note_stall()
            self.close()

    def close(self) -> None:
        if self._bus is not None:
            self._bus.close()
            self._bus = None


def _until(turn: Callable[[], object], within_s: float, done: Callable[[], bool]) -> None:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        turn()
        if done():
            return
        time.sleep(0.1)


def _balance(logs: Path) -> int:
    """What ``ops summary`` says of the logs: 0 where they explain every record."""
    done = subprocess.run(
        [*NEWSMILL, "ops", "summary", str(logs)],
        capture_output=True, env=environment(), check=False,
    )  # fmt: skip
    if done.returncode:
        sys.stderr.write(done.stdout.decode()[-3000:] + done.stderr.decode()[-1000:])
    return done.returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bus", choices=("file", "kafka"), default="file")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for logs and data; default: none is kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="newsmill-chaos-") as folder:
        place = options.keep or Path(folder)
        try:
            figures, words = run(options.bus, options.seconds, options.seed, place)
        except ladder.NoBroker as error:
            print(error, file=sys.stderr)
            return 2
    if words:
        print(f"seed {options.seed}\n{words}", file=sys.stderr)
    print(json.dumps(figures))
    return 0 if figures["exact"] else 1


if __name__ == "__main__":
    sys.exit(main())
