"""What happened, from logs alone: every stage's account, what is wrong, and what is on its way.

One pass over the lines, in memory that grows with what waits and with the number of feeds and
process starts, not with the number of lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import orjson

from newsmill.ops.ledger import Ledger
from newsmill.ops.lines import Line, parse, seconds_between
from newsmill.ops.read import Logs
from newsmill.ops.runs import Run, ended_without_stop, is_drained
from newsmill.process.events import OUTCOMES

PAGES_STORE = "warc"  # the raw archive takes what the extractor takes
STAGES = ("producer", "fetcher", "extractor", "enricher", "archiver", "retrier")
FLOW = STAGES[:5]
ALARMS = frozenset(
    {"annotator.failed", "bus.full", "cap.hit", "child.killed", "disk.low", "fuse.blown",
     "host.backoff", "network.down", "step.fenced", "worker.exit"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Arrow:
    """From one stage to the next: what was published, and what was taken in."""

    lane: str
    source: str
    target: str
    published: int
    taken_in: int

    @property
    def on_the_way(self) -> int:
        """Published and not yet taken in; below 0 where more came from elsewhere."""
        return self.published - self.taken_in


@dataclass(slots=True)
class Feeds:
    """Polls, and how each feed's last one went."""

    polls: int = 0
    quiet_polls: int = 0  # rolled up: they found nothing
    failed_polls: int = 0
    failing: dict[tuple[str, str], str] = field(default_factory=dict)  # (lane, feed) → why
    known: set[tuple[str, str]] = field(default_factory=set)

    def poll(self, line: Line) -> None:
        """One line of a poll."""
        feed = (line.lane, line.feed or "?")
        self.known.add(feed)
        self.polls += 1
        if line.reason is not None or (line.status or 0) >= 400:
            self.failed_polls += 1
            self.failing[feed] = line.reason or f"status {line.status}"
        else:
            self.failing.pop(feed, None)

    def rollup(self, line: Line) -> None:
        """Polls that found nothing."""
        feed = (line.lane, line.feed or "?")
        self.known.add(feed)
        self.quiet_polls += line.done or 0
        self.failing.pop(feed, None)


@dataclass(frozen=True, slots=True)
class LongestStep:
    """The commit that took longest."""

    took_ms: float
    ts: str
    service: str
    slot: int
    records: int | None


class Summary:
    """The answer of ``summarise``."""

    def __init__(self) -> None:
        self.lines = 0
        self.foreign = 0  # torn, or not ours
        self.repeated = 0  # the same line twice, as when a stream is kept beside the files
        self.first = self.last = ""
        self.ledgers: dict[tuple[str, str, str], Ledger] = {}
        self.runs: dict[str, Run] = {}
        self.feeds = Feeds()
        self.alarms: Counter[tuple[str, str]] = Counter()  # (service, event)
        self.longest: LongestStep | None = None
        self.problems: list[str] = []  # files that could not be read whole

    # -- line by line

    def take(self, line: Line) -> None:
        """One line, in the order of time."""
        self.lines += 1
        self.last = max(self.last, line.ts)
        self.first = min(self.first, line.ts) if self.first else line.ts
        run = self.runs.get(line.run)
        if run is None:
            run = self.runs[line.run] = Run(line)
        if not run.seqs.add(line.seq):
            self.repeated += 1
            return
        run.last = line.ts
        if line.event == "record":
            ledger = self._ledger(line, run)
            ledger.last = line.ts
            ledger.first = ledger.first or line.ts
            ledger.record(line)
            return
        run.saw(line)
        self._other(line, run)

    def _other(self, line: Line, run: Run) -> None:
        event = line.event
        if event == "step.commit":
            ledger = self._ledger(line, run)
            ledger.last = line.ts
            ledger.commit(line)
            if line.took_ms is not None and line.took_ms > (
                self.longest.took_ms if self.longest else 0
            ):
                self.longest = LongestStep(
                    line.took_ms, line.ts, line.service, line.slot, line.records
                )
        elif event == "partition.assigned":
            self._ledger(line, run).assigned(line)
        elif event == "partition.held":
            self._ledger(line, run).held[f"{line.topic}/{line.partition}"] = line
        elif event == "feed.poll":
            self.feeds.poll(line)
        elif event == "feed.rollup":
            self.feeds.rollup(line)
        elif event in ALARMS:
            self.alarms[line.service, event] += 1
            if event == "bus.full":
                self._ledger(line, run).full(line)

    def _ledger(self, line: Line, run: Run) -> Ledger:
        ledger = run.ledger
        if ledger is not None and ledger.store == line.store and ledger.lane == line.lane:
            return ledger
        key = (line.lane, line.service, line.store or "")
        ledger = self.ledgers.get(key)
        if ledger is None:
            ledger = self.ledgers[key] = Ledger(line.lane, line.service, line.store)
        run.ledger = ledger
        return ledger

    def close(self) -> None:
        """The logs are at their end."""
        for ledger in self.ledgers.values():
            ledger.close()

    # -- what it comes to

    @property
    def stages(self) -> list[Ledger]:
        """The accounts in the order of the pipeline, lane by lane."""
        return sorted(
            (ledger for ledger in self.ledgers.values()),
            key=lambda one: (
                one.lane,
                STAGES.index(one.stage) if one.stage in STAGES else len(STAGES),
                one.stage,
                one.store or "",
            ),
        )

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
        lanes: dict[str, dict[str, list[Ledger]]] = {}
        for ledger in self.stages:
            lanes.setdefault(ledger.lane, {}).setdefault(ledger.stage, []).append(ledger)
        for lane, stages in lanes.items():
            known = [stage for stage in FLOW if stage in stages]
            while len(known) > 2 and (idle := _passed_by(known, stages)) is not None:
                known.remove(idle)
            made = {
                name: sum(each.outcomes["published"] for each in stages[name]) for name in known
            }
            before = dict(zip(known[1:], known, strict=False))
            for target, source in before.items():
                for ledger in stages[target]:
                    if ledger.store == PAGES_STORE:
                        source = before.get("extractor", source)
                    yield Arrow(lane, source, name_of(ledger), made[source], ledger.taken_in)

    @property
    def crashed(self) -> list[Run]:
        """Processes that ended without a word and were started again."""
        return ended_without_stop(list(self.runs.values()))[0]

    @property
    def still_open(self) -> list[Run]:
        """Processes that never said they stop, and that nothing followed: at work, or killed."""
        return ended_without_stop(list(self.runs.values()))[1]

    @property
    def missing_lines(self) -> int:
        """Line numbers that are nowhere: lost on the way, or in a file that was not read."""
        return sum(run.missing for run in self.runs.values())


def _passed_by(known: list[str], stages: dict[str, list[Ledger]]) -> str | None:
    """A stage between others that took in nothing while the next one did: a replay of pages."""
    for stage, target in pairwise(known[1:]):
        if _taken_in(stages[stage]) == 0 < _taken_in(stages[target]):
            return stage
    return None


def _taken_in(ledgers: list[Ledger]) -> int:
    return sum(ledger.taken_in for ledger in ledgers)


def name_of(ledger: Ledger) -> str:
    """The stage, and its store where it has several."""
    return f"{ledger.stage}:{ledger.store}" if ledger.store else ledger.stage


def summarise(lines: Iterable[bytes]) -> Summary:
    """The whole account of the lines, which come in the order of time (see ``Logs``)."""
    summary = Summary()
    take = summary.take
    for raw in lines:
        line = parse(raw)
        if line is not None:
            take(line)
        elif raw.strip():
            summary.foreign += 1
    summary.close()
    if isinstance(lines, Logs):
        summary.problems = list(lines.problems)
    return summary


def summary_json(summary: Summary) -> bytes:
    """The summary as one JSON object, for programs."""
    return orjson.dumps(
        {
            "first": summary.first or None,
            "last": summary.last or None,
            "balanced": summary.is_balanced,
            "lines": summary.lines,
            "foreign_lines": summary.foreign,
            "repeated_lines": summary.repeated,
            "missing_lines": summary.missing_lines,
            "unread": summary.problems,
            "stages": [_stage(summary, ledger) for ledger in summary.stages],
            "arrows": [
                {
                    "lane": arrow.lane,
                    "from": arrow.source,
                    "to": arrow.target,
                    "published": arrow.published,
                    "in": arrow.taken_in,
                    "on_the_way": arrow.on_the_way,
                }
                for arrow in summary.arrows
            ],
            "feeds": {
                "known": len(summary.feeds.known),
                "polls": summary.feeds.polls,
                "quiet_polls": summary.feeds.quiet_polls,
                "failed_polls": summary.feeds.failed_polls,
                "failing": {feed: why for (_, feed), why in sorted(summary.feeds.failing.items())},
            },
            "processes": {
                "starts": sum(run.has_started for run in summary.runs.values()),
                "stops": sum(run.has_stopped for run in summary.runs.values()),
                "crashed": [_run(run) for run in summary.crashed],
                "open": [_run(run) for run in summary.still_open],
            },
            "alarms": {
                f"{service} {event}": count for (service, event), count in summary.alarms.items()
            },
            "longest_step": summary.longest,
        }
    )


def _stage(summary: Summary, ledger: Ledger) -> dict[str, Any]:
    return {
        "lane": ledger.lane,
        "stage": name_of(ledger),
        "in": ledger.taken_in,
        "outcomes": {
            **{name: ledger.outcomes[name] for name in OUTCOMES},
            **{name: ledger.outcomes[name] for name in sorted(ledger.outcomes)},
        },
        "waiting": ledger.waiting,
        "unexplained": summary.unexplained(ledger),
        "retries": ledger.retries,
        "uncommitted_lines": ledger.uncommitted,
        "reasons": [
            {"outcome": outcome, "reason": reason, "count": count}
            for (outcome, reason), count in ledger.reasons.most_common()
        ],
        "dead_examples": ledger.examples,
        "rate_per_s": round(rate_of(ledger), 3),
        "took_ms": {
            f"p{share}": _rounded(ledger.took.quantile(share / 100)) for share in (50, 95, 99)
        },
        "first": ledger.first or None,
        "last": ledger.last or None,
        "held": {
            place: {"offset": line.offset, "why": line.why, "since": line.ts}
            for place, line in sorted(ledger.held.items())
        },
    }


def rate_of(ledger: Ledger) -> float:
    """Records finished a second, between the first and the last line of the stage."""
    seconds = seconds_between(ledger.first, ledger.last) if ledger.first else 0.0
    return ledger.finished / seconds if seconds > 0 else 0.0


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _run(run: Run) -> dict[str, Any]:
    return {
        "service": run.service,
        "slot": run.slot,
        "lane": run.lane,
        "run": run.run,
        "first": run.first,
        "last": run.last,
    }
