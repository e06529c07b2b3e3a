"""The client behind its thread, with a judgement: a failure of our own network is nobody's fault.

A request that got no answer is kept in doubt for a moment. When anybody answers meanwhile, it was
the host; when nobody does and it cannot be the hosts, the request comes back as ``UNHEARD``: it did
not count, and is started again when there is ``room``. While the network is away only witnesses are
asked now and then, or, where there is none, a few of the requests that are due.
"""

from __future__ import annotations

import enum
import re
import time
from collections.abc import Callable, Hashable
from typing import Final, Generic, Literal, NamedTuple, TypeVar

from newsmill.urls import domain_of
from newsmill.web.messages import Later, Refused, Request, Response
from newsmill.web.reach import FIRST_PROBE_S, GIVE_UP_S, LONGEST_PROBE_S, Reach
from newsmill.web.resolve import Lookup, system_lookup
from newsmill.web.settings import WebSettings
from newsmill.web.thread import Fetched, Fetching, RobotsRead

K = TypeVar("K", bound=Hashable)
_AUTHORITY = re.compile(r"[/?#]")
DOUBT_S = 2.0  # that a failure waits for somebody's answer
TRIED = 3  # requests started at once to see whether the network is there, without a witness
State = Literal["up", "doubt", "down", "resigned"]


class Unheard(enum.Enum):
    """Stands for the outcome of a request that our own network swallowed."""

    UNHEARD = 1


UNHEARD: Final = Unheard.UNHEARD


class Change(NamedTuple):
    """The network went away (``why`` says what told us) or came back (after ``took_s``)."""

    is_down: bool
    why: str
    took_s: float = 0.0


class _Probe(NamedTuple):
    number: int


class Steady(Generic[K]):
    """A ``Fetching`` whose requests count only while our own network is there."""

    def __init__(
        self,
        settings: WebSettings,
        *,
        lookup: Lookup = system_lookup,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._web: Fetching[K | _Probe] = Fetching(settings, lookup=lookup)
        self._clock = clock
        self._reach = Reach()
        self._state: State = "up"
        self._since = 0.0
        self._asked: dict[K, str] = {}
        self._probes: dict[int, tuple[str, str]] = {}  # in flight: domain and origin
        self._number = 0
        self._probe_at = 0.0
        self._probe_wait_s = FIRST_PROBE_S
        self._tried = 0  # of TRIED, since the last moment to try
        self._doubts: list[tuple[K, Later, float]] = []
        self._changes: list[Change] = []

    @property
    def is_down(self) -> bool:
        """Whether our own network is away."""
        return self._state == "down"

    @property
    def in_flight(self) -> int:
        """Requests started whose outcome ``done`` has not returned."""
        return len(self._asked)

    def room(self) -> int:
        """How many requests may be started now, as far as the network has a say in it."""
        if self._state in ("up", "resigned"):
            return 1 << 30
        now = self._clock()
        if self._state == "doubt" or self._reach.witnesses(now) or now < self._probe_at:
            return 0
        return max(0, TRIED - self._tried)

    def start(self, key: K, request: Request) -> None:
        """Begin a request; its outcome comes out of ``done`` under ``key``. Never waits."""
        self._asked[key] = request.url
        if self._state == "down":
            if not self._tried:
                self._web.forget_failures()  # or it would be told what was found before
            self._tried += 1
        self._web.start(key, request)

    def done(self, timeout_s: float = 0.0) -> list[tuple[K, Fetched | Unheard]]:
        """What was finished since the last call; waits for the first of it. See ``Fetching``."""
        finished: list[tuple[K, Fetched | Unheard]] = []
        for key, answer in self._web.done(timeout_s):
            if isinstance(key, _Probe):
                self._probed(key, answer)
            elif (later := _silence(answer)) is None:
                self._heard(self._asked[key], answer)
                finished.append((key, answer))
            else:
                now = self._clock()
                self._doubts.append((key, later, now))
                self._reach.missed(domain_of(self._asked[key]), now)
        self._judge()
        finished += self._settled()
        for key, _ in finished:
            del self._asked[key]
        return finished

    def changes(self) -> list[Change]:
        """How the network went and came since the last call, for the log."""
        changes, self._changes = self._changes, []
        return changes

    def robots_read(self) -> list[RobotsRead]:
        """Every robots.txt read since the last call, for the log of the caller's thread."""
        return self._web.robots_read()

    def close(self) -> None:
        """Drop what is in flight and close every connection, at once; safe to call again."""
        self._web.close()

    # -- the judgement

    def _heard(self, url: str, answer: Fetched) -> None:
        if not _is_answer(answer):
            return  # our own no: it says nothing of the network
        self._reach.heard(domain_of(url), _origin(url), self._clock())
        self._is_up()

    def _probed(self, probe: _Probe, answer: Fetched) -> None:
        domain, origin = self._probes.pop(probe.number)
        if _is_answer(answer):
            self._reach.heard(domain, origin, self._clock())
            self._is_up()
        else:
            self._reach.missed(domain, self._clock())

    def _is_up(self) -> None:
        if self._state in ("down", "resigned"):
            took_s = self._clock() - self._since
            self._web.forget_failures()
            if self._state == "down":
                self._changes.append(Change(False, "somebody answered", took_s))
        self._state = "up"

    def _judge(self) -> None:
        now = self._clock()
        if self._state == "up" and self._doubts and self._reach.is_suspicious(now):
            self._state = "doubt"
            self._probe(now)
        if self._state == "doubt" and not self._probes:
            self._state, self._since = "down", now
            why = f"{self._reach.silent} sites in a row gave no answer, and nobody else does"
            if self._doubts:
                why = f"{why}: {self._doubts[-1][1].why}"
            self._changes.append(Change(True, why))
            self._probe_wait_s = FIRST_PROBE_S
            self._next_probe(now)
        elif self._state == "down" and now >= self._probe_at and not self._probes:
            self._again(now)

    def _again(self, now: float) -> None:
        if self._reach.witnesses(now):
            self._probe(now)
        elif now - self._since > GIVE_UP_S:
            self._state = "resigned"  # what fails now, fails by itself as far as anybody can tell
        elif self._tried < TRIED:
            return  # the callers' own requests are the probes
        self._next_probe(now)

    def _next_probe(self, now: float) -> None:
        self._probe_at = now + self._probe_wait_s
        self._probe_wait_s = min(LONGEST_PROBE_S, self._probe_wait_s * 2)
        self._tried = 0

    def _probe(self, now: float) -> None:
        for domain, origin in self._reach.witnesses(now):
            self._number += 1
            self._probes[self._number] = (domain, origin)
            request = Request(url=f"{origin}/robots.txt", robots=False)
            self._web.start(_Probe(self._number), request)

    def _settled(self) -> list[tuple[K, Fetched | Unheard]]:
        """What is in doubt no longer."""
        doubts, self._doubts = self._doubts, []
        if self._state == "down":
            return [(key, UNHEARD) for key, _, _ in doubts]
        if self._state == "doubt":
            self._doubts = doubts
            return []
        now = self._clock()
        is_over = self._reach.silent == 0 or self._state == "resigned"
        settled: list[tuple[K, Fetched | Unheard]] = []
        for key, later, at in doubts:
            if is_over or now - at >= DOUBT_S:
                settled.append((key, later))
            else:
                self._doubts.append((key, later, at))
        return settled


def _silence(answer: Fetched) -> Later | None:
    """The failure of a request to which nobody said anything."""
    return answer if isinstance(answer, Later) and answer.status is None else None


def _is_answer(answer: Fetched) -> bool:
    if isinstance(answer, Response):
        return True
    return isinstance(answer, (Refused, Later)) and answer.status is not None


def _origin(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{_AUTHORITY.split(rest, maxsplit=1)[0]}"
