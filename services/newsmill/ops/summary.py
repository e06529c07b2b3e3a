"""What happened, from logs alone: every stage's account, what is wrong, and what is on its way.

One pass over the lines, in memory that grows with what waits and with the number of feeds and
process starts, not with the number of lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from newsmill.ops.feeds import Feeds
from newsmill.ops.findings import Findings
from newsmill.ops.flow import STAGES, Arrow, arrows, in_order, name_of
from newsmill.ops.journeys import Arrival, Journeys
from newsmill.ops.lag import EVERY_S, Lag, Watch
from newsmill.ops.ledger import Ledger, Listener
from newsmill.ops.lines import Line, moment, parse, seconds_between
from newsmill.ops.read import Logs
from newsmill.ops.runs import Run, ended_without_stop, is_drained

ALARMS = frozenset(
    {"annotator.failed", "bus.damaged", "bus.full", "bus.killed", "cap.hit", "child.killed",
     "disk.low", "fuse.blown", "host.backoff", "network.down", "step.fenced", "worker.exit"}
)  # fmt: skip
__all__ = ["ALARMS", "STAGES", "LongestStep", "Summary", "name_of", "rate_of", "summarise"]


@dataclass(frozen=True, slots=True)
class LongestStep:
    """The commit that took longest."""

    took_ms: float
    ts: str
    service: str
    slot: int
    records: int | None


class Summary:
    """The answer of ``summarise``; other accumulators may listen to what comes to count."""

    def __init__(
        self, listeners: Sequence[Listener] = (), on_arrival: Arrival | None = None
    ) -> None:
        self.lines = 0
        self.foreign = 0  # torn, or not ours
        self.repeated = 0  # the same line twice, as when a stream is kept beside the files
        self.first = self.last = ""
        self.ledgers: dict[tuple[str, str, str], Ledger] = {}
        self.runs: dict[str, Run] = {}
        self.feeds = Feeds()
        self.journeys = Journeys(on_arrival)
        self.findings = Findings()
        self.alarms: Counter[tuple[str, str]] = Counter()  # (service, event)
        self.last_alarm: dict[tuple[str, str], Line] = {}
        self.longest: LongestStep | None = None
        self.problems: list[str] = []  # files that could not be read whole
        self._listeners = (self.journeys.heard, *listeners)
        self._watches: dict[tuple[str, str], Watch] = {}  # by lane and stage
        self._through: dict[str, str] = {}  # when a run of a lane came to its own end
        self._next_look = ""

    # -- line by line

    def take(self, line: Line) -> None:
        """One line, in the order of time."""
        self.feed((line,))

    def feed(self, lines: Iterable[Line]) -> None:
        """Many lines, in the order of time."""
        runs, first, last, next_look = self.runs, self.first, self.last, self._next_look
        count = 0
        for line in lines:
            ts = line.ts
            count += 1
            if ts > last:
                last = ts
                if ts >= next_look:
                    first = first or ts
                    self._look(ts)
                    next_look = self._next_look
            elif ts < first:
                first = ts
            run = runs.get(line.run)
            if run is None:
                run = runs[line.run] = Run(line)
            if line.seq == run.next_seq:
                run.next_seq += 1
            elif not run.is_new(line.seq):
                self.repeated += 1
                continue
            run.last = ts
            if line.event == "record":
                ledger = self._ledger(line, run)
                ledger.last = ts
                ledger.record(line)
                if line.detail is not None:
                    self.findings.take(line)
            else:
                run.saw(line)
                self._other(line, run)
        self.first, self.last = first, last
        self.lines += count

    def _other(self, line: Line, run: Run) -> None:
        event = line.event
        if event != "step.commit":
            self.findings.take(line)
        if event == "step.commit":
            self._commit(line, run)
        elif event == "partition.assigned":
            self._ledger(line, run).assigned(line)
        elif event == "partition.held":
            self._ledger(line, run).hold(line)
        elif event.startswith("feed."):
            self.feeds.take(line)
        elif event == "run.done":
            if line.why == "through":
                self._through[line.lane] = line.ts
        elif event in ALARMS:
            self.alarms[line.service, event] += 1
            self.last_alarm[line.service, event] = line
            if event == "bus.full":
                self._ledger(line, run).full(line)

    def _commit(self, line: Line, run: Run) -> None:
        ledger = self._ledger(line, run)
        ledger.last = line.ts
        ledger.commit(line)
        longest = self.longest.took_ms if self.longest is not None else 0.0
        if line.took_ms is not None and line.took_ms > longest:
            self.longest = LongestStep(line.took_ms, line.ts, line.service, line.slot, line.records)

    def _ledger(self, line: Line, run: Run) -> Ledger:
        ledger = run.ledger
        if ledger is not None and ledger.store == line.store and ledger.lane == line.lane:
            return ledger
        key = (line.lane, line.service, line.store or "")
        ledger = self.ledgers.get(key)
        if ledger is None:
            ledger = Ledger(line.lane, line.service, line.store, self._listeners)
            self.ledgers[key] = ledger
        run.ledger = ledger
        return ledger

    def _look(self, ts: str) -> None:
        """Note how many records wait before each stage, now and again."""
        at = moment(ts)
        if at is None:
            return
        later = datetime.fromtimestamp(at.timestamp() + EVERY_S, UTC)
        self._next_look = f"{later:%Y-%m-%dT%H:%M:%S}.{later.microsecond // 1000:03d}Z"
        for ledger in self.ledgers.values():
            ledger.settle()
        for arrow in arrows(self.stages):
            key = (arrow.lane, name_of(arrow.target))
            watch = self._watches.get(key)
            if watch is None:
                watch = self._watches[key] = Watch()
            watch.look(ts, arrow.published, arrow.target.finished)

    def close(self) -> None:
        """The logs are at their end."""
        for ledger in self.ledgers.values():
            ledger.close()
        if self.last:
            self._look(self.last)

    # -- what it comes to

    @property
    def stages(self) -> list[Ledger]:
        """The accounts in the order of the pipeline, lane by lane."""
        return in_order(self.ledgers.values())

    def unexplained(self, ledger: Ledger) -> int:
        """Records of a stage that its logs cannot explain.

        In the frontier also those that it should hold when its own last word is that it holds none.
        """
        lost = ledger.unexplained
        if ledger.is_frontier and is_drained(list(self.runs.values()), ledger.stage, ledger.lane):
            lost += ledger.waiting
        return lost

    @property
    def is_balanced(self) -> bool:
        """Whether everything that came in is explained, in every stage."""
        return not any(self.unexplained(ledger) for ledger in self.stages)

    @property
    def arrows(self) -> Iterator[Arrow]:
        """What passes between the stages of each lane that the logs know."""
        return arrows(self.stages)

    def lag(self, ledger: Ledger) -> Lag | None:
        """What waits before a stage; None for the first one, before which nothing can."""
        watch = self._watches.get((ledger.lane, name_of(ledger)))
        if watch is None:
            return None
        workers = [
            run for run in self.runs.values()
            if (run.service, run.lane) == (ledger.stage, ledger.lane) and not run.has_stopped
        ]  # fmt: skip
        heard = max((run.last for run in workers), default="")
        return watch.lag(self.last, heard, ledger.last_age_ms / 1000, ledger.last_counted)

    def is_through(self, lane: str) -> bool:
        """Whether the last word of a lane is that its run came to its own end: none is to speak."""
        last = max((run.last for run in self.runs.values() if run.lane == lane), default="")
        return self._through.get(lane, "") >= last

    @property
    def crashed(self) -> list[Run]:
        """Processes that ended without a word and were started again."""
        return ended_without_stop(list(self.runs.values()))[0]

    @property
    def failed(self) -> list[Run]:
        """Processes that ended with an error, and said so: a broker away, a bug, a blown fuse."""
        return [run for run in self.runs.values() if run.fault is not None]

    @property
    def still_open(self) -> list[Run]:
        """Processes that never said they stop, and that nothing followed: at work, or killed."""
        return ended_without_stop(list(self.runs.values()))[1]

    @property
    def missing_lines(self) -> int:
        """Line numbers that are nowhere: lost on the way, or in a file that was not read."""
        return sum(run.missing for run in self.runs.values())


def summarise(
    lines: Logs | Iterable[bytes],
    listeners: Sequence[Listener] = (),
    on_arrival: Arrival | None = None,
) -> Summary:
    """The whole account of the lines, which come in the order of time (see ``Logs``)."""
    summary = Summary(listeners, on_arrival)
    if isinstance(lines, Logs):
        for batch in lines.batches():
            summary.feed(batch)
        summary.foreign = lines.foreign
        summary.problems = list(lines.problems)
    else:
        for raw in lines:
            line = parse(raw)
            if line is not None:
                summary.take(line)
            elif raw.strip():
                summary.foreign += 1
    summary.close()
    return summary


def rate_of(ledger: Ledger) -> float:
    """Records finished a second, between the first and the last line of the stage."""
    seconds = seconds_between(ledger.first, ledger.last) if ledger.first else 0.0
    return ledger.finished / seconds if seconds > 0 else 0.0
