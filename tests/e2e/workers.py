"""Workers started one by one, as on many machines: no supervisor, each with slot and log."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from subprocess import Popen
from typing import Any

from newsmill import bus
from newsmill.topics import ENRICHED
from running import log_lines, start, stop, wait_for

ROLES = ("producer", "fetcher", "extractor", "enricher", "archiver")
SHARED = (*((role, 0) for role in ROLES), ("extractor", 1), ("enricher", 1))
BEAT_S = 0.5


class Workers:
    """Separate ``newsmill work`` processes of one lane, ended in order at the end."""

    def __init__(self, url: str, lane: str, folder: Path, **settings: str) -> None:
        self.url, self.lane, self.logs = url, lane, folder / "worker-logs"
        self.logs.mkdir()
        self._data = folder / "data"
        self._settings = settings | {"once": "true", "heartbeat_s": str(BEAT_S)}
        self._processes: dict[tuple[str, int], Popen[bytes]] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()

    def start(self, members: Iterable[tuple[str, int]], *words: object, **settings: str) -> None:
        for role, slot in members:
            given = ("--bus", self.url, "--lane", self.lane, "--data", self._data, "--slot", slot)
            log = self.logs / f"{role}-{slot}.jsonl"
            self._processes[role, slot] = start(
                "work", role, *given, *words, log=log, **self._settings | settings
            )

    def wait_killed(self, role: str, slot: int) -> None:
        """Until a member that was to die at a point of its own has died there."""
        assert self._processes.pop((role, slot)).wait(30) == -signal.SIGKILL

    def stop(self) -> None:
        """End them one after the other; each says that all is well."""
        codes = {name: stop(process) for name, process in self._processes.items()}
        assert set(codes.values()) == {0}, codes

    def lines(self, event: str) -> list[dict[str, Any]]:
        return [line for line in log_lines(self.logs) if line["event"] == event]

    def wait_assigned(self) -> None:
        """Until every member of every role owns partitions."""
        wait_for(lambda: set(self._processes) <= self._named("partition.assigned"))

    def wait_through(self, timeout: float = 60) -> None:
        """Until all are idle and every group is at its end, and still so two beats later."""
        end, seen, since = time.monotonic() + timeout, None, 0.0
        with closing(bus.connect(self.url, self.lane)) as opened:
            while since == 0.0 or time.monotonic() - since < 3 * BEAT_S:
                assert time.monotonic() < end, self._story()
                time.sleep(BEAT_S)
                lags = opened.lag()
                ends = sorted((lag.group, lag.place, lag.end) for lag in lags)
                if any(lag.waiting for lag in lags) or not self._are_idle() or ends != seen:
                    seen, since = ends, time.monotonic()

    def published(self) -> dict[tuple[str, int], int]:
        """How many records each worker took to their end, as its own last line says."""
        stops = {(line["service"], line["slot"]): line for line in self.lines("worker.stop")}
        return {name: stops[name]["counts"].get("published", 0) for name in self._processes}

    def _named(self, event: str) -> set[tuple[str, int]]:
        return {(line["service"], line["slot"]) for line in self.lines(event)}

    def _are_idle(self) -> bool:
        last = {(b["service"], b["slot"]): b["idle"] for b in self.lines("worker.heartbeat")}
        return set(last) == set(self._processes) and all(last.values())

    def _story(self) -> str:
        return "\n".join(
            f"{path.name}: {path.read_bytes()[-600:].decode()}" for path in self.logs.iterdir()
        )


def enriched(url: str, lane: str) -> list[bytes]:
    """The values of the enriched topic, sorted."""
    with closing(bus.connect(url, lane)) as opened:
        partitions: Sequence[int] = range(ENRICHED.partitions)
        return sorted(
            record.value or b""
            for partition in partitions
            for record in opened.scan(ENRICHED, partition)
        )
