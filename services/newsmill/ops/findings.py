"""What the lines of one site or page add up to: who turns us away, what dies again and again.

Hosts that ask us to wait, certificates that cannot be trusted, pages that die each time they are
tried. Each is found in one pass, in memory that is bounded.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from newsmill.ops.lines import Line
from newsmill.ops.words import plural, when
from newsmill.urls import host_of

SITES = 5_000  # sites and pages that are remembered; those of most lines stay
DEATHS = 3  # of one page, to call it a loop

Told = TypeVar("Told")
_CERTIFICATE = re.compile(r"certificate verify failed: ([^(\[\]]{3,80})")  # as OpenSSL says it


@dataclass(slots=True)
class _Host:
    """How a web host turned us away."""

    answers: Counter[str] = field(default_factory=Counter)
    since: str = ""
    last: str = ""


class Findings:
    """Fed with all lines but the records that went well."""

    def __init__(self) -> None:
        self._hosts: dict[str, _Host] = {}
        self._certificates: dict[str, tuple[str, str, int]] = {}  # by site: since when, what, lines
        self._deaths: dict[str, tuple[int, str]] = {}  # by page: how often, where

    def take(self, line: Line) -> None:
        """One line."""
        if line.event == "host.backoff":
            self._backoff(line)
        if line.outcome == "dead" and line.page_id is not None:
            count, _ = self._deaths.get(line.page_id, (0, ""))
            self._deaths[line.page_id] = (count + 1, f"{line.stage or line.service}: {line.reason}")
            _bound(self._deaths, lambda death: death[0])
        said = line.detail or line.why
        if said is not None and (found := _CERTIFICATE.search(said)):
            self._certificate(line, found[1].strip())

    def _backoff(self, line: Line) -> None:
        site = line.site or "?"
        host = self._hosts.get(site)
        if host is None:
            host = self._hosts[site] = _Host(since=line.ts)
            _bound(self._hosts, lambda each: each.answers.total())
        host.answers[f"answers {line.status}" if line.status else "does not answer"] += 1
        host.last = line.ts

    def _certificate(self, line: Line, what: str) -> None:
        site = line.site or host_of(line.url or line.feed or "") or "?"
        since, _, count = self._certificates.get(site, (line.ts, what, 0))
        self._certificates[site] = (since, what, count + 1)
        _bound(self._certificates, lambda each: each[2])

    # -- what it comes to

    def __iter__(self) -> Iterator[str]:
        """The findings in words, the gravest first."""
        for site, (since, what, count) in sorted(self._certificates.items()):
            yield f"{site}: {what}, since {when(since)} ({count:,} lines)"
        for page, (count, where) in sorted(
            self._deaths.items(), key=lambda each: (-each[1][0], each[0])
        ):
            if count >= DEATHS:
                yield f"page {page} died {count} times: {where}"

    @property
    def hosts(self) -> Iterator[str]:
        """The hosts that turned us away, those of most lines first."""
        for site, host in sorted(
            self._hosts.items(), key=lambda each: (-each[1].answers.total(), each[0])
        ):
            answers = ", ".join(
                f"{answer} {plural(n, 'time')}" for answer, n in host.answers.most_common(3)
            )
            yield f"{site} {answers}, from {when(host.since)} to {when(host.last)}"


def _bound(of: dict[str, Told], weight: Callable[[Told], int]) -> None:
    """Halve what is kept once it is too much: those with the fewest lines go."""
    if len(of) > SITES:
        for key in sorted(of, key=lambda key: weight(of[key]))[: SITES // 2]:
            del of[key]
