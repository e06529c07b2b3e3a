"""The processes behind the lines: which started, stopped, crashed, grew or lost lines."""

from __future__ import annotations

from newsmill.ops.ledger import Ledger
from newsmill.ops.lines import Line, moment
from newsmill.ops.ranges import Ranges

JUMP_S = 2.0  # by which wall clock and uptime may part between two heartbeats
WARM_UP_S = 120.0  # caches fill: memory before it says nothing of later
LEAST_BEATS = 20  # that make a trend of memory
LEAST_GROWTH = 0.25  # of the memory at the trend's start: below this it is weather
LEAST_GROWTH_MB = 50.0


class Memory:
    """The line through what the heartbeats told of memory (least squares)."""

    __slots__ = ("count", "first_s", "most_mb", "s", "s2", "sm", "total_mb")

    def __init__(self) -> None:
        self.count = 0
        self.most_mb = self.first_s = 0.0
        self.s = self.total_mb = self.s2 = self.sm = 0.0

    def add(self, at_s: float, rss_mb: float) -> None:
        """One heartbeat, at seconds of uptime."""
        self.most_mb = max(self.most_mb, rss_mb)
        if at_s < WARM_UP_S:
            return
        if not self.count:
            self.first_s = at_s
        at = at_s - self.first_s
        self.count += 1
        self.s, self.total_mb = self.s + at, self.total_mb + rss_mb
        self.s2, self.sm = self.s2 + at * at, self.sm + at * rss_mb

    @property
    def grew_mb(self) -> float:
        """By how much the line rises over the time seen, where that is more than weather; else 0.

        More than weather: more than a quarter of where it began, and 50 MB.
        """
        spread = self.count * self.s2 - self.s * self.s
        if self.count < LEAST_BEATS or spread <= 0:
            return 0.0
        slope = (self.count * self.sm - self.s * self.total_mb) / spread
        began = (self.total_mb - slope * self.s) / self.count
        grew = slope * 2 * self.s / self.count  # heartbeats come evenly: twice the mean is the end
        return grew if grew > max(LEAST_GROWTH_MB, LEAST_GROWTH * began) else 0.0


class Run:
    """One start of one process."""

    __slots__ = (
        "_seq_from", "_seqs", "_zero_s", "fault", "first", "has_started", "has_stopped",
        "heartbeat", "host", "idle_since_commit", "jumped_at", "jumped_s", "lane", "last", "ledger",
        "lost", "memory", "next_seq", "run", "service", "slot", "ver",
    )  # fmt: skip

    def __init__(self, line: Line) -> None:
        self.run = line.run
        self.lane = line.lane
        self.service = line.service
        self.slot = line.slot
        self.ver = line.ver
        self.host = line.host
        self.first = self.last = line.ts
        self._seq_from = self.next_seq = line.seq  # all between the two have come, and `_seqs`
        self._seqs = Ranges()
        self.has_started = self.has_stopped = False
        self.fault: str | None = None  # why it ended, where that was an error
        self.heartbeat: Line | None = None
        self.idle_since_commit = False
        self.memory = Memory()
        self.lost = 0
        self.ledger: Ledger | None = None
        self.jumped_s = 0.0  # how far its wall clock jumped, the furthest
        self.jumped_at = ""
        self._zero_s: float | None = None  # wall clock at uptime 0, as last told

    def is_new(self, seq: int) -> bool:
        """Take a line's number, which is not the one after the last; False where it came before."""
        self._gather()
        if seq >= self.next_seq:
            self.next_seq = self._seq_from = seq + 1
        return self._seqs.add(seq)

    def _gather(self) -> None:
        if not self._seqs.add_run(self._seq_from, self.next_seq):
            for number in range(self._seq_from, self.next_seq):
                self._seqs.add(number)
        self._seq_from = self.next_seq

    def saw(self, line: Line) -> None:
        """A line that is no record of this process."""
        if line.event == "worker.heartbeat":
            self._beat(line)
        elif line.event == "step.commit":
            self.idle_since_commit = False
        elif line.event == "worker.start":
            self.has_started = True
            self.slot, self.lane = line.slot, line.lane
        elif line.event == "worker.stop":
            self.has_stopped = True
            if line.exit_code:
                self.fault = line.why or f"exit code {line.exit_code}"
        elif line.event == "log.lost":
            self.lost = max(self.lost, line.lost or 0)
        self.slot = line.slot

    def _beat(self, line: Line) -> None:
        self.heartbeat = line
        self.idle_since_commit = bool(line.idle) and line.waiting == 0
        self.memory.add(line.uptime_s or 0.0, line.rss_mb or 0.0)
        at = moment(line.ts)
        if at is None or line.uptime_s is None:
            return
        zero = at.timestamp() - line.uptime_s
        jumped = zero - self._zero_s if self._zero_s is not None else 0.0
        if abs(jumped) > max(JUMP_S, abs(self.jumped_s)):
            self.jumped_s, self.jumped_at = jumped, line.ts
        self._zero_s = zero

    @property
    def rss_mb(self) -> float:
        """The most memory that it told of."""
        return self.memory.most_mb

    @property
    def missing(self) -> int:
        """Lines of its own that are nowhere, between its first and its last."""
        self._gather()
        return self._seqs.gaps


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
