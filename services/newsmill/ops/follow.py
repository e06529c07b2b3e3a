"""The live screen: what each stage does now, what waits, and what last went wrong."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from newsmill.ops.lines import Line, parse, seconds_between
from newsmill.ops.plots import spark
from newsmill.ops.summary import ALARMS, STAGES
from newsmill.ops.timeline import Timeline
from newsmill.ops.words import duration, number, table, when
from newsmill.process.telemetry import clean

WINDOW_S = 60  # the past minute is "now"
KEPT = 150  # slices
SPARKS = 30  # slices of the small plot of each stage
EVENTS = 200  # kept to be shown
SILENT_S = 100  # three heartbeats missed
_SHOWN = ALARMS | {"partition.held", "worker.stop", "worker.start", "run.done", "network.up"}
_QUIET = frozenset({"worker.start", "worker.stop", "run.done", "network.up"})


@dataclass(slots=True)
class Worker:
    """One worker as its last lines told it."""

    heard: str
    stopped: bool = False
    rss_mb: float = 0.0
    waiting: int | None = None


class Live:
    """All that the screen shows, fed line by line."""

    def __init__(self) -> None:
        self.timeline = Timeline(width_s=2, most=KEPT, slides=True)
        self.now = ""
        self.workers: dict[str, Worker] = {}
        self.events: deque[Line] = deque(maxlen=EVENTS)
        self.held: dict[tuple[str, str], Line] = {}
        self.dead: Counter[tuple[str, str]] = Counter()

    def feed(self, lines: Iterable[bytes]) -> None:
        """Lines that were written since."""
        for raw in lines:
            line = parse(raw)
            if line is not None:
                self.take(line)

    def take(self, line: Line) -> None:
        """One line."""
        self.now = max(self.now, line.ts)
        self.timeline.take(line)
        name = f"{line.service}-{line.slot}"
        worker = self.workers.get(name)
        if worker is None:
            worker = self.workers[name] = Worker(line.ts)
        worker.heard = max(worker.heard, line.ts)
        worker.stopped = line.event == "worker.stop"
        if line.event == "worker.heartbeat":
            worker.rss_mb = line.rss_mb or worker.rss_mb
            worker.waiting = line.waiting
        elif line.event == "record":
            if line.outcome == "dead":
                self.dead[line.stage or line.service, line.reason or "?"] += 1
        elif line.event == "step.commit":
            self._released(line)
        elif line.event in _SHOWN:
            self.events.append(line)
            if line.event == "partition.held":
                self.held[line.service, f"{line.topic}/{line.partition}"] = line

    def _released(self, line: Line) -> None:
        for place, position in (line.positions or {}).items():
            held = self.held.get((line.service, place))
            if held is not None and (held.offset is None or held.offset < position):
                del self.held[line.service, place]


def screen(live: Live, width: int, height: int) -> str:
    """The screen in so many columns and rows, without colour codes; no newline at its end."""
    rows = [f"newsmill  {when(live.now)} UTC" if live.now else "newsmill  (no line yet)", ""]
    rows += _stages(live, width)
    rows += ["", *_workers(live)]
    wrong = list(_wrong(live))
    rows += ["", *(wrong or ["Nothing is wrong."])]
    left = height - len(rows) - 2
    if left > 0 and live.events:
        rows += ["", *map(_told, sorted(live.events, key=lambda line: line.ts)[-left:])]
    return "\n".join(clean(row)[:width] for row in rows[:height])


def _stages(live: Live, width: int) -> Iterator[str]:
    timeline = live.timeline
    slices = max(1, WINDOW_S // timeline.width_s)
    room = max(0, min(SPARKS, width - 70))
    rows = [["STAGE", "/s now", "not published", "p50 ms", "p95", "waiting", ""]]
    for stage in (stage for stage in STAGES if stage in timeline.stages):
        rates = timeline.rates(stage, "published")
        others = timeline.rates(stage, "dead", "refused", "filtered", "duplicate")[-slices:]
        waiting = [
            worker.waiting for name, worker in live.workers.items()
            if name.startswith(f"{stage}-") and worker.waiting is not None
        ]  # fmt: skip
        rows.append(
            [
                stage,
                number(_mean(rates[-slices:])),
                number(_mean(others)),
                *(number(_latest(timeline.quantiles(stage, q)[-slices:])) for q in (0.5, 0.95)),
                f"{sum(waiting):,}" if waiting else "",
                spark(rates[-room:]) if room else "",
            ]
        )
    return table(rows, left=(0, 6))


def _workers(live: Live) -> Iterator[str]:
    working = {n: w for n, w in sorted(live.workers.items()) if not w.stopped and w.rss_mb}
    memory = sum(worker.rss_mb for worker in working.values())
    yield f"WORKERS  {len(working)} at work, {memory:,.0f} MB in all"


def _wrong(live: Live) -> Iterator[str]:
    for name, worker in sorted(live.workers.items()):
        silent_s = seconds_between(worker.heard, live.now)
        if worker.rss_mb and not worker.stopped and silent_s > SILENT_S:
            yield f"! {name} is silent for {duration(silent_s)}"
    for (service, place), line in sorted(live.held.items()):
        yield f"! {service}: {place} is held since {when(line.ts)}: {line.why}"
    for (stage, reason), count in live.dead.most_common(5):
        yield f"! {stage}: {count:,} dead: {reason}"


def _told(line: Line) -> str:
    sign = " " if line.event in _QUIET else "!"
    said = line.why or line.reason or line.detail or ""
    return f"{sign} {line.ts[11:19]} {line.service}-{line.slot} {line.event} {said}".rstrip()


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _latest(values: list[float | None]) -> float | None:
    return next((value for value in reversed(values) if value is not None), None)
