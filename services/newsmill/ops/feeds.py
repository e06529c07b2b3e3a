"""How each feed is: when it was last asked, what it last gave, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from newsmill.ops.lines import Line, seconds_between

ROLLUP_S = 3600.0  # quiet polls of a feed are told of at least so often
STALE_GAPS = 5  # times its usual gap without an entry: a feed that fell silent
LEAST_GAPS = 4  # gaps that make a usual one
LEAST_STALE_S = 6 * 3600.0

State = Literal["ok", "failing", "silent", "emptied", "stale", "lost entries"]


@dataclass(slots=True)
class Feed:
    """One feed of one lane."""

    lane: str
    url: str
    polls: int = 0
    failed: int = 0
    fresh: int = 0
    heard: str = ""  # its last line
    next_s: float = 0.0
    last_fresh: str = ""  # when it last gave something new
    gaps: int = 0
    gaps_s: float = 0.0  # between polls that gave something new, in all
    failing: str | None = None  # why its last poll failed
    answer: int | None = None  # the status of that poll, where there was an answer
    failing_since: str = ""
    losses: int = 0  # polls that shared no entry with the one before: some came and went unseen
    lost_at: str = ""
    emptied_at: str = ""  # since when it has no entries
    rests: bool = False  # it is not to be polled
    changes: list[str] = field(default_factory=list)  # moved, gone, unreadable, emptied, overtaken

    def poll(self, line: Line) -> None:
        """One poll that found something, or failed."""
        self.polls += 1
        self._hear(line)
        if line.reason is not None or (line.status or 0) >= 400:
            self.failed += 1
            self.failing_since = self.failing_since or line.ts
            self.failing = line.reason or f"status {line.status}"
            self.answer = line.status
            return
        self.failing, self.failing_since = None, ""
        if not line.fresh:
            return
        if self.last_fresh:
            self.gaps += 1
            self.gaps_s += seconds_between(self.last_fresh, line.ts)
        self.fresh += line.fresh
        self.last_fresh = line.ts
        self.emptied_at = ""

    def rollup(self, line: Line) -> None:
        """Polls that found nothing."""
        self.polls += line.done or 0
        self._hear(line)
        self.failing, self.failing_since = None, ""

    def change(self, line: Line) -> None:
        """It moved, went, cannot be read, was emptied, overtaken, or put to rest."""
        if line.what == "rests":
            self.rests = True
            self.failing, self.failing_since = None, ""
        elif line.what == "overtaken":
            self.losses += 1
            self.lost_at = line.ts
        elif line.what == "emptied":
            self.emptied_at = line.ts
        if line.what and line.what not in self.changes:
            self.changes.append(line.what)

    @property
    def fault(self) -> str:
        """Why its last poll failed, with the server's answer where it was a no."""
        answer = f" {self.answer}" if (self.answer or 0) >= 400 else ""
        return f"{self.failing or ''}{answer}"

    def _hear(self, line: Line) -> None:
        self.rests = False
        self.heard = max(self.heard, line.ts)
        self.next_s = line.next_s if line.next_s is not None else self.next_s

    @property
    def usual_gap_s(self) -> float | None:
        """Seconds between two polls that gave something new; None where too few did."""
        return self.gaps_s / self.gaps if self.gaps >= LEAST_GAPS else None

    def quiet_s(self, now: str) -> float | None:
        """Seconds since it gave something new; None where these logs do not know of any."""
        return seconds_between(self.last_fresh, now) if self.last_fresh else None

    def state(self, now: str) -> State:
        """What is wrong with it at a time, the worst first; nothing is with one at rest."""
        if self.rests:
            return "ok"
        if self.failing is not None:
            return "failing"
        if seconds_between(self.heard, now) > max(3 * self.next_s, 1.5 * ROLLUP_S):
            return "silent"
        if self.emptied_at:
            return "emptied"
        gap = self.usual_gap_s
        quiet = self.quiet_s(now)
        if gap is not None and quiet is not None and quiet > max(STALE_GAPS * gap, LEAST_STALE_S):
            return "stale"
        return "lost entries" if self.losses else "ok"


class Feeds:
    """All feeds that the logs speak of, by lane and URL."""

    def __init__(self) -> None:
        self.by_url: dict[tuple[str, str], Feed] = {}
        self.quiet_polls = 0  # rolled up: they found nothing

    def take(self, line: Line) -> None:
        """A line of a feed."""
        url = line.feed or "?"
        feed = self.by_url.get((line.lane, url))
        if feed is None:
            feed = self.by_url[line.lane, url] = Feed(line.lane, url)
        if line.event == "feed.poll":
            feed.poll(line)
        elif line.event == "feed.rollup":
            feed.rollup(line)
            self.quiet_polls += line.done or 0
        else:
            feed.change(line)

    @property
    def known(self) -> set[tuple[str, str]]:
        """Lane and URL of each."""
        return set(self.by_url)

    @property
    def polls(self) -> int:
        """Polls that have a line of their own."""
        return sum(feed.polls for feed in self.by_url.values()) - self.quiet_polls

    @property
    def failed_polls(self) -> int:
        """Polls that gave no feed."""
        return sum(feed.failed for feed in self.by_url.values())

    @property
    def failing(self) -> dict[tuple[str, str], str]:
        """Why the last poll failed, for the feeds whose did."""
        return {key: feed.failing for key, feed in self.by_url.items() if feed.failing is not None}

    def ailing(self, now: str) -> list[tuple[Feed, State]]:
        """The feeds that are not well, by lane and URL."""
        found = [(feed, feed.state(now)) for _, feed in sorted(self.by_url.items())]
        return [(feed, state) for feed, state in found if state != "ok"]
