"""What the live screen knows, line by line: who works, what waits, and what goes wrong now."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from newsmill.ops.feeds import Feeds
from newsmill.ops.lines import Line, parse
from newsmill.ops.summary import ALARMS
from newsmill.ops.timeline import Timeline

KEPT = 150  # slices
SLICE_S = 2
EVENTS = 200  # kept to be shown
STARTS = 20  # of a worker, remembered
SITES = 1_000  # that turned us away, remembered
_PASSING = frozenset({"annotator.failed", "cap.hit", "child.killed", "host.backoff", "step.fenced"})
_LASTING = ALARMS - _PASSING - {"worker.exit"}  # they say of a worker how it is, until it goes on


@dataclass(slots=True)
class Worker:
    """One worker as its last lines told it."""

    service: str
    run: str
    heard: str
    stopped: bool = False
    fault: str = ""  # why it ended, where nobody had asked it to
    rss_mb: float = 0.0
    waiting: int | None = None
    starts: deque[str] = field(default_factory=lambda: deque(maxlen=STARTS))
    alarm: Line | None = None  # what keeps it from working, until it commits again


@dataclass(slots=True)
class Dead:
    """Dead letters of one stage and reason."""

    count: int = 0
    last: str = ""
    page_id: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """Something that happened, as the list of events shows it; what happens again is told once."""

    ts: str
    who: str
    what: str
    is_bad: bool
    times: int = 1


class Live:
    """All that the screen shows, fed line by line."""

    def __init__(self) -> None:
        self.timeline = Timeline(width_s=SLICE_S, most=KEPT, slides=True)
        self.now = ""  # of the latest line
        self.workers: dict[str, Worker] = {}
        self.events: dict[tuple[str, str], Told] = {}  # by who and what, the oldest first
        self.held: dict[tuple[str, str], Line] = {}
        self.dead: dict[tuple[str, str], Dead] = {}
        self.feeds = Feeds()
        self.finished: dict[str, str] = {}  # when a stage last finished a record
        self.turned_away: dict[str, Line] = {}  # by site, the last time

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
        worker = self._worker(line)
        event = line.event
        if event == "worker.heartbeat":
            worker.rss_mb = line.rss_mb or worker.rss_mb
            worker.waiting = line.waiting
        elif event == "record":
            self._record(line)
        elif event == "step.commit":
            worker.alarm = None
            self._released(line)
        elif event == "worker.stop":
            self._stopped(line, worker)
        elif event.startswith("feed."):
            self.feeds.take(line)
        else:
            self._other(line, worker)

    def _worker(self, line: Line) -> Worker:
        name = f"{line.service}-{line.slot}"
        worker = self.workers.get(name)
        if worker is None:
            worker = self.workers[name] = Worker(line.service, line.run, line.ts)
        if line.event == "worker.start":
            self._started(line, worker)
        worker.heard = max(worker.heard, line.ts)
        return worker

    def _started(self, line: Line, worker: Worker) -> None:
        is_crash = worker.run != line.run and not worker.stopped
        said = "crashed or was killed; started again" if is_crash else "started"
        self._tell(line, said, is_bad=is_crash)
        worker.run, worker.stopped, worker.fault, worker.alarm = line.run, False, "", None
        worker.starts.append(line.ts)

    def _stopped(self, line: Line, worker: Worker) -> None:
        worker.stopped = True
        worker.fault = (line.why or f"exit code {line.exit_code}") if line.exit_code else ""
        self._tell(line, f"stopped: {line.why or ''}", is_bad=bool(worker.fault))

    def _record(self, line: Line) -> None:
        stage = line.stage or line.service
        self.finished[stage] = line.ts
        if stage == "fetcher" and line.site is not None and line.outcome == "published":
            self.turned_away.pop(line.site, None)
        if line.outcome == "dead":
            dead = self.dead.setdefault((stage, line.reason or "?"), Dead())
            dead.count += 1
            dead.last, dead.page_id = line.ts, line.page_id or dead.page_id

    def _other(self, line: Line, worker: Worker) -> None:
        event = line.event
        if event == "partition.held":
            self.held[line.service, f"{line.topic}/{line.partition}"] = line
        elif event == "network.up":
            worker.alarm = None
        elif event == "host.backoff":
            self.turned_away.pop(line.site or "?", None)
            self.turned_away[line.site or "?"] = line
            if len(self.turned_away) > SITES:
                del self.turned_away[next(iter(self.turned_away))]
        elif event in _LASTING:
            worker.alarm = line
        elif event != "run.done" and event not in ALARMS:
            return
        said = line.why or line.reason or line.detail
        words = (event, None if said else line.site, None if said else line.status, said)
        is_bad = event not in ("network.up", "run.done")
        self._tell(line, " ".join(str(word) for word in words if word), is_bad=is_bad)

    def _tell(self, line: Line, what: str, *, is_bad: bool) -> None:
        who = f"{line.service}-{line.slot}"
        before = self.events.pop((who, what), None)
        times = 1 if before is None else before.times + 1
        self.events[who, what] = Told(line.ts, who, what, is_bad, times)
        if len(self.events) > EVENTS:
            del self.events[next(iter(self.events))]

    def _released(self, line: Line) -> None:
        for place, position in (line.positions or {}).items():
            held = self.held.get((line.service, place))
            if held is not None and (held.offset is None or held.offset < position):
                del self.held[line.service, place]
