"""One run under a seed: workers, faults, a watcher, a verdict as one JSON line.

    python -m chaos.run --bus file|kafka --seconds 120 --seed 1 [--brokers 3] [--stores both]
                        [--workers light] [--keep DIR]

Exit code 0 only when everything is exact, 2 where no broker can be had. The seconds are those of
faults; start-up and the drain afterwards come on top.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from brokers import ladder
from chaos.books import balance, pages_hit
from chaos.faults import Faults, Means
from chaos.fleet import Fleet
from chaos.ground import Ground, ground
from chaos.light import Light
from chaos.load import WRONG, Load
from chaos.real import Real
from chaos.schedule import Event, schedule
from chaos.watcher import Watcher
from databases import Database, NoDatabase, database

START_S = 40.0
DRAIN_S = 120.0  # after the last fault, without a human
LONGEST_STALL_S = 130.0  # of a store, the first time
FEWEST, KINDS = 5, 3  # faults a minute, and kinds of them


def run(
    where: Ground, load: Load, seconds: float, seed: int, folder: Path, database: Database | None
) -> tuple[dict[str, Any], str]:
    """The figures of a run, and what the workers last said where they are not exact."""
    kind = "kafka" if where.brokers else "file"
    with ExitStack() as stack:
        where.keep_all()
        watcher = Watcher(where, load)
        fleet = Fleet(where.url, folder, load)
        stack.callback(fleet.end)
        stall_s = min(LONGEST_STALL_S, seconds / 3)
        faults = Faults(Means(fleet, watcher.feeder, folder, stall_s, where, database))
        with watcher:
            _until(fleet.turn, START_S, lambda: watcher.has_moved)
            events = schedule(seed, kind == "kafka", load.lacks)
            _trouble(fleet, faults, watcher, events, seconds, folder)
            drained = time.monotonic()
            hanging_s = where.watch_hanging()
            watcher.feed_no_more()
            _until(fleet.turn, DRAIN_S, lambda: watcher.is_drained)
            drain_s = time.monotonic() - drained
            is_watched = watcher.is_alive
        words = (folder / "journal").read_text() + fleet.last_words()
        fleet.end()
        watcher.feeder.settle()
        offered = watcher.feeder.offered
        watcher.feeder.close()
        opened = where.connect()
        found = load.verdict(opened, offered, folder)
        found["aborted_visible"] += watcher.reader.differences(opened)
        opened.close()
    told, said = balance(folder)
    struck = where.proxy.struck if where.proxy is not None else Counter[str]()
    figures = {
        "bus": kind,
        "workers": load.name,
        "brokers": len(where.brokers),
        **found,
        "read_beside": watcher.reader.seen,
        "positions_back": len(watcher.seen.went_back),
        "balance_exit": told,
        "faults": dict(sorted((faults.counts + struck).items())),
        "pages_hit": pages_hit(folder),
        "forged": where.proxy.forged if where.proxy is not None else 0,
        "starts": fleet.starts,
        "versions": fleet.version,
        "watched": is_watched,
        "longest_look_s": round(watcher.longest_look_s, 1),
        "longest_stall_s": round(watcher.seen.longest_stall_s, 1),
        "drain_s": round(drain_s, 1),
        "waiting": watcher.waiting,
        "hanging_s": hanging_s(),
        "seconds": seconds,
        "seed": seed,
    }
    figures["exact"] = is_exact(figures)
    return figures, "" if figures["exact"] else f"{said}\n{words}"


def is_exact(figures: dict[str, Any]) -> bool:
    """Whether nothing at all is wrong, and there was enough that could have gone wrong."""
    faults = figures["faults"]
    minutes = figures["seconds"] / 60
    return (
        not any(figures[name] for name in WRONG)
        and figures["in"] == figures["out"] + figures["dead"] + figures["lost"]
        and not any(store["wrong"] for store in figures.get("stores", {}).values())
        and figures["waiting"] == 0
        and figures["watched"]
        and figures["hanging_s"] is not None
        and figures["positions_back"] == figures["balance_exit"] == 0
        and sum(faults.values()) >= FEWEST * minutes
        and len(faults) >= KINDS
    )


def _trouble(
    fleet: Fleet,
    faults: Faults,
    watcher: Watcher,
    events: Iterator[Event],
    seconds: float,
    folder: Path,
) -> None:
    """The seconds of faults, each told in the journal; fewer where nobody watches any more."""
    begun = time.monotonic()
    event = next(events)
    due = begun + event.after_s
    with (folder / "journal").open("w", buffering=1) as journal:
        while (now := time.monotonic()) - begun < seconds and watcher.is_alive:
            fleet.turn()
            faults.turn()
            if now >= due:
                journal.write(f"{time.strftime('%H:%M:%S')} {event.name} {event.roll:.4f}\n")
                faults.strike(event)
                event = next(events)
                due = time.monotonic() + event.after_s
            time.sleep(0.1)
    faults.end()


def _until(turn: Callable[[], object], within_s: float, done: Callable[[], bool]) -> None:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        turn()
        if done():
            return
        time.sleep(0.1)


@contextmanager
def stores(wanted: str) -> Iterator[tuple[dict[str, str], Database | None]]:
    """The stores of a run by name, and the server of the one that has one. Raises NoDatabase."""
    found = {"sqlite": "sqlite"}
    if wanted == "sqlite":
        yield found, None
        return
    with database() as server:
        yield found | {"postgresql": server.fresh()}, server


def main() -> int:
    """One run as the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bus", choices=("file", "kafka"), default="file")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", choices=("real", "light"), default="real")
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=1)
    parser.add_argument("--stores", choices=("sqlite", "both"), default="sqlite")
    parser.add_argument("--keep", type=Path, help="folder for logs and data; default: none is kept")
    options = parser.parse_args()
    with ExitStack() as stack:
        try:
            folder = options.keep or Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="newsmill-chaos-"))
            )
            named, server = stack.enter_context(stores(options.stores))
            load = Light() if options.workers == "light" else Real(named)
            where = stack.enter_context(ground(options.bus, folder, options.brokers))
            figures, words = run(where, load, options.seconds, options.seed, folder, server)
        except (ladder.NoBroker, NoDatabase) as error:
            print(error, file=sys.stderr)
            return 2
    if words:
        print(f"seed {options.seed}\n{words}", file=sys.stderr)
    print(json.dumps(figures))
    return 0 if figures["exact"] else 1


if __name__ == "__main__":
    sys.exit(main())
