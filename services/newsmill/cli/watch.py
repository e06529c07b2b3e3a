"""Watches a run: shows its progress, knows when it is through, and tells what came of it."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import FrameType
from typing import Any

import click

from newsmill.archiver.stores import FINGERPRINTS, wanted_stores
from newsmill.bus.base import Bus, BusUnknown
from newsmill.cli.progress import Progress
from newsmill.cli.report import report
from newsmill.process.events import Level, Stage
from newsmill.process.settings import Settings, without_secret
from newsmill.process.supervisor import Line, Supervisor
from newsmill.process.telemetry import Telemetry, for_people

TURN_S = 0.2
HEARTBEAT_S = 0.5  # of workers whose end somebody waits for
STUCK_S = 20.0  # a held partition and no progress for so long: nothing will come of waiting
CRASHES = 4  # in a row, and no progress: it will crash for ever
STAGES: tuple[Stage, ...] = ("producer", "fetcher", "extractor", "enricher", "archiver")
DRAINS = ("fetcher", "extractor", "enricher")  # the groups that read streams, but for archivers


class Watch:
    """One run of workers under a supervisor, from start to summary."""

    def __init__(
        self,
        settings: Settings,
        opened: Bus,
        roles: Sequence[tuple[str, int]],
        *,
        commands: Mapping[str, Sequence[str]] | None = None,
        name: str = "run",
        quiet: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self._progress = progress
        self.is_through = False  # whether all was done that there was to do
        self._quiet = quiet
        self._settings = settings
        self._bus = opened
        self._name = name
        self._terminal = sys.stderr.isatty()
        log_dir = settings.log_dir
        level: Level = "warning" if self._terminal else "info"  # a person sees the progress instead
        self._log = Telemetry(name, lane=settings.lane, level=level, directory=log_dir)
        self._counts: Counter[tuple[str, str]] = Counter()
        self._stopping = False
        self._groups = (*DRAINS, *(store.group for store in wanted_stores(settings)))
        self._started_ms = time.time_ns() // 1_000_000
        self._shown = 0.0
        self._quiet_since = time.monotonic()
        self._ends: tuple[Any, ...] = ()
        self._through: dict[tuple[str, int], int] = {}
        self._held: Line = {}
        own = HEARTBEAT_S if settings.once else settings.heartbeat_s
        settings = replace(settings, heartbeat_s=own)
        self._supervisor = Supervisor(settings, roles, self._log, self._on_line, commands=commands)

    def run(self) -> int:
        """Run to the end; gives the exit code."""
        before = self._listen()
        self._log.event(
            "run.start",
            workers=len(self._supervisor.workers),
            bus=without_secret(self._settings.bus_url),
        )
        started = time.monotonic()
        why = "stopped"
        try:
            self._supervisor.start()
            while not self._stopping:
                self._supervisor.turn(TURN_S)
                self._show()
                if self._settings.once and (end := self._end()):
                    why = end
                    break
        finally:
            self._supervisor.stop()
            for number, handler in before.items():
                signal.signal(number, handler)
        self._clear()
        took_ms = (time.monotonic() - started) * 1e3
        lost = self._log.lost or None
        self._log.event("run.done", why=why, took_ms=took_ms, counts=self._totals(), lost=lost)
        self._log.close()
        self.is_through = why == "through"
        return self._report(why, took_ms / 1e3)

    # -- stopping

    def _listen(self) -> dict[int, Any]:
        def on_stop(number: int, frame: FrameType | None) -> None:
            if self._stopping:  # the second one: our death ends the workers too
                self._supervisor.kill()
                os._exit(128 + number)
            self._stopping = True

        return {n: signal.signal(n, on_stop) for n in (signal.SIGINT, signal.SIGTERM)}

    def _end(self) -> str:
        """Why the run is over, or nothing: in stage order, and seen twice."""
        workers = self._supervisor.workers
        if not all(worker.heartbeat.get("idle") for worker in workers):
            return self._stuck()
        try:
            lags = self._bus.lag(self._groups)
        except BusUnknown:  # brokers that are away come back, or the workers tell
            return self._stuck()
        if any(lag.waiting for lag in lags):
            return self._stuck()
        ends = tuple((lag.group, lag.place, lag.end) for lag in lags)
        seen_again = self._through and all(
            worker.beats > self._through.get(worker.name, worker.beats) + 1 for worker in workers
        )
        if ends != self._ends or not self._through:
            self._ends = ends
            self._through = {worker.name: worker.beats for worker in workers}
            return ""
        return "through" if seen_again else ""

    def _stuck(self) -> str:
        self._through = {}
        if time.monotonic() - self._quiet_since < STUCK_S:
            return ""
        if any(w.failures >= CRASHES or w.fuses for w in self._supervisor.workers):
            return "crashing"
        if any(worker.heartbeat.get("held") for worker in self._supervisor.workers):
            return "held"
        return ""

    # -- what the workers write

    def _on_line(self, line: bytes, fields: Line) -> None:
        event = fields.get("event")
        if event == "record" and fields.get("store") != FINGERPRINTS:
            self._counts[str(fields.get("stage")), str(fields.get("outcome"))] += 1
        elif event == "step.commit":
            self._quiet_since = time.monotonic()
        elif event == "source.progress" and self._progress is not None:
            self._progress.saw(fields)
        elif event in ("partition.held", "bus.full", "disk.low", "network.down"):
            self._held = fields
        if not fields and line.startswith(b"newsmill: "):
            return  # its last words: said once, by who raises them or logs its exit
        if event == "worker.heartbeat" and self._settings.log_level in ("warning", "error"):
            return  # it is for us
        if not self._terminal:
            self._log.pass_on(line)
        elif fields.get("level") in ("warning", "error") and event != "record":
            self._clear()
            self._log.pass_on(for_people(line))

    def _totals(self) -> dict[str, int]:
        return {f"{stage} {outcome}": n for (stage, outcome), n in sorted(self._counts.items())}

    def _show(self) -> None:
        """The progress line of a terminal, a few times a second; of a replay, also in the log."""
        now = time.monotonic()
        if self._progress is not None:
            self._progress.turn(now, self._counts)
            if facts := self._progress.facts(now, self._counts):
                self._log.event("run.progress", **facts)
        if not self._terminal or now - self._shown < 0.25:
            return
        self._shown = now
        text = self._stages() if self._progress is None else self._progress.text(self._counts)
        self._log.pass_on(f"\r\x1b[K{text[: _width()]}".encode())

    def _stages(self) -> str:
        """What came out of every stage."""
        parts = []
        for stage in STAGES:
            counts = {o: n for (s, o), n in self._counts.items() if s == stage}
            made = counts.pop("published", 0)
            others = " ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items()))
            parts.append(f"{stage} {made}" + (f" ({others})" if others else ""))
        return " > ".join(parts)

    def _clear(self) -> None:
        if self._terminal:
            self._log.pass_on(b"\r\x1b[K")

    # -- what came of it

    def _report(self, why: str, took_s: float) -> int:
        waiting = sum(worker.heartbeat.get("waiting") or 0 for worker in self._supervisor.workers)
        if not self._quiet:
            click.echo(report(self._settings, self._name, self._started_ms, took_s, waiting))
        if why not in ("held", "crashing"):
            return 0
        stopped = self._held_by() if why == "held" else self._crashing()
        self._log.pass_on(f"Stopped: {stopped}\n".encode("utf-8", "replace"))
        return 1

    def _held_by(self) -> str:
        held = self._held
        if held.get("event") == "bus.full":
            return f"the bus has no room: {held.get('why')}"
        if held.get("event") == "disk.low":
            free, limit = held.get("free_bytes"), held.get("limit")
            return f"{free} bytes of disk are free; the log needs {limit}"
        if held.get("event") == "network.down":
            return f"our own network is away: {held.get('why')}"
        place = f"{held.get('topic')}/{held.get('partition')}"
        return f"{place} is held at offset {held.get('offset')}: {held.get('why')}"

    def _crashing(self) -> str:
        worst = max(self._supervisor.workers, key=lambda worker: worker.failures)
        words = f": {worst.last_words}" if worst.last_words else ""
        return f"{worst.role} ends again and again, exit code {worst.exit_code}{words}"


def _width() -> int:
    return shutil.get_terminal_size().columns - 1
