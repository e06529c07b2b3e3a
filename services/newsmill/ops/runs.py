"""The processes behind the lines: which started, stopped, crashed or lost lines."""

from __future__ import annotations

from newsmill.ops.ledger import Ledger
from newsmill.ops.lines import Line
from newsmill.ops.ranges import Ranges


class Run:
    """One start of one process."""

    __slots__ = (
        "first", "has_started", "has_stopped", "heartbeat", "idle_since_commit", "lane", "last",
        "ledger", "lost", "rss_mb", "run", "seqs", "service", "slot", "ver",
    )  # fmt: skip

    def __init__(self, line: Line) -> None:
        self.run = line.run
        self.lane = line.lane
        self.service = line.service
        self.slot = line.slot
        self.ver = line.ver
        self.first = self.last = line.ts
        self.seqs = Ranges()
        self.has_started = self.has_stopped = False
        self.heartbeat: Line | None = None
        self.idle_since_commit = False
        self.rss_mb = 0.0
        self.lost = 0
        self.ledger: Ledger | None = None

    def saw(self, line: Line) -> None:
        """A line that is no record of this process."""
        if line.event == "worker.heartbeat":
            self.heartbeat = line
            self.rss_mb = max(self.rss_mb, line.rss_mb or 0.0)
            self.idle_since_commit = bool(line.idle) and line.waiting == 0
        elif line.event == "step.commit":
            self.idle_since_commit = False
        elif line.event == "worker.start":
            self.has_started = True
            self.slot, self.lane = line.slot, line.lane
        elif line.event == "worker.stop":
            self.has_stopped = True
        elif line.event == "log.lost":
            self.lost = max(self.lost, line.lost or 0)
        self.slot = line.slot

    @property
    def missing(self) -> int:
        """Lines of its own that are nowhere, between its first and its last."""
        return self.seqs.gaps


def ended_without_stop(runs: list[Run]) -> tuple[list[Run], list[Run]]:
    """Runs that never said they stop: those a later start replaced, and those nothing followed.

    The first have crashed or were killed; of the second nobody can tell from the logs: they may
    still be at work.
    """
    latest: dict[tuple[str, str, int], Run] = {}
    for run in runs:
        key = (run.lane, run.service, run.slot)
        if key not in latest or run.first > latest[key].first:
            latest[key] = run
    crashed: list[Run] = []
    still: list[Run] = []
    for run in runs:
        if not run.has_started or run.has_stopped:
            continue
        is_latest = latest[run.lane, run.service, run.slot] is run
        (still if is_latest else crashed).append(run)
    return crashed, still


def is_drained(runs: list[Run], service: str, lane: str) -> bool:
    """Whether every slot of a service said, after its last commit, that nothing waits."""
    latest: dict[int, Run] = {}
    for run in sorted(runs, key=lambda run: run.first):
        if run.service == service and run.lane == lane:
            latest[run.slot] = run
    return bool(latest) and all(run.idle_since_commit for run in latest.values())
