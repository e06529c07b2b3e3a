"""When a domain may be asked again: spacing, crawl delays, and back-off after failures.

Pure: moments are seconds of whatever monotonic clock the caller has, and are passed in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from newsmill.records import digest

FIRST_BACKOFF_S = 30.0
LONGEST_BACKOFF_S = 6 * 3600.0
LONGEST_CRAWL_DELAY_S = 60.0
MAX_DOMAINS = 50_000  # remembered at once; idle ones are forgotten first


@dataclass(slots=True)
class _Domain:
    gap_s: float  # between the starts of two requests
    last_at: float = -math.inf  # start of the latest
    held_until: float = 0.0  # after a failure
    failures: int = 0  # in a row

    @property
    def next_at(self) -> float:
        return max(self.last_at + self.gap_s, self.held_until)


class Spacing:
    """The next allowed moment of every domain that was asked lately.

    A domain that is due, did not fail and has no crawl delay of its own is the same as an unknown
    one, so it is forgotten when room is needed; then those whose moment comes soonest.
    """

    def __init__(self, gap_s: float, *, max_domains: int = MAX_DOMAINS) -> None:
        self._gap_s = gap_s
        self._max = max_domains
        self._domains: dict[str, _Domain] = {}

    def __len__(self) -> int:
        return len(self._domains)

    def due(self, domain: str) -> float:
        """The moment from which the domain may be asked; 0 where nothing speaks against now."""
        known = self._domains.get(domain)
        return known.next_at if known else 0.0

    def reserve(self, domain: str, now: float) -> float:
        """Take the domain's next slot and return its moment, which is never before ``now``."""
        known = self._known(domain, now)
        start = max(now, known.next_at)
        known.last_at = start
        return start

    def crawl_delay(self, domain: str, seconds: float | None, now: float) -> None:
        """What robots.txt asks for, to 60 s: the longer of it and our own gap holds.

        From the last request on: the one for robots.txt itself counts.
        """
        asked = min(LONGEST_CRAWL_DELAY_S, seconds) if seconds is not None else 0.0
        gap_s = max(self._gap_s, asked)
        if gap_s != self._gap_s or domain in self._domains:
            self._known(domain, now).gap_s = gap_s

    def failed(self, domain: str, now: float, after_s: float | None = None) -> float:
        """Hold the domain off, for ``after_s`` where the server said it; returns when that ends.

        Else 30 s, doubled by every failure in a row up to 6 h, and up to half as much again: a
        jitter made of the name and the count, so that what failed together does not come together.
        """
        known = self._known(domain, now)
        known.failures += 1
        if after_s is None:
            steps = min(known.failures - 1, 16)
            jitter = 1 + int(digest(domain, str(known.failures))[:8], 16) / 2**33
            after_s = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2**steps * jitter)
        known.held_until = max(known.held_until, now + after_s)
        return known.next_at

    def succeeded(self, domain: str) -> None:
        """The domain answered: the next failure counts as the first again."""
        if known := self._domains.get(domain):
            known.failures = 0

    def _known(self, domain: str, now: float) -> _Domain:
        known = self._domains.get(domain)
        if known is None:
            if len(self._domains) >= self._max:
                self._forget(now)
            known = self._domains[domain] = _Domain(self._gap_s)
        return known

    def _forget(self, now: float) -> None:
        """Make room for a quarter, so that the scan is rare."""
        idle = [
            name
            for name, known in self._domains.items()
            if known.next_at <= now and not known.failures and known.gap_s == self._gap_s
        ]
        for name in idle:
            del self._domains[name]
        spare = len(self._domains) - self._max * 3 // 4
        if spare > 0:
            soonest = sorted(self._domains, key=lambda name: self._domains[name].next_at)
            for name in soonest[:spare]:
                del self._domains[name]
