"""robots.txt: what it says to us (RFC 9309), and a bounded memory of what hosts said.

protego reads and matches the rules. It keeps every rule once for every robot named above it, which
a hostile file of 500 kB turns into gigabytes: so it is given only the groups that concern us.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from protego import Protego

from newsmill.errors import BadRecord
from newsmill.web.lanes import Lanes
from newsmill.web.messages import Later
from newsmill.web.settings import PRODUCT
from newsmill.web.spacing import LONGEST_CRAWL_DELAY_S

MAX_BYTES = 500 << 10  # RFC 9309 §2.5; what follows is not read
KEEP_S = 24 * 3600.0
KEEP_FAILURE_S = 600.0  # a host without readable rules is asked again after that
MAX_KEPT = 8 << 20  # characters of rules in memory; parsed ones take about ten times as much
_OVERHEAD = 500  # characters that an origin without rules counts for

_AGENT = re.compile(r"\s*user[- ]?agent(?:\s*:|\s)\s*([^#]*)", re.I)
_RULE = re.compile(r"\s*(?:allow|di\w*l\w*w|crawl[- ]delay)\b", re.I)  # misspelt ones too
_TOKEN = re.compile(r"[A-Za-z_-]+")

Outcome = Literal["rules", "none", "unreachable"]
OnRobots = Callable[[str, int | None, Outcome], None]
"""Told of every robots.txt read: the origin, the status, and what came of it."""


class Policy:
    """What one robots.txt says to us."""

    def __init__(self, text: str, agent: str = PRODUCT) -> None:
        kept = "\n".join(_for_us(text, agent.lower()))
        self.size = len(kept) + _OVERHEAD
        self._agent = agent
        self._rules = Protego.parse(kept) if kept else None

    def allows(self, url: str) -> bool:
        """Whether we may ask for a URL of this origin."""
        return self._rules is None or bool(self._rules.can_fetch(url, self._agent))

    @property
    def crawl_delay_s(self) -> float | None:
        """Seconds between two requests that it asks for, at most 60; None where it does not."""
        delay = self._rules.crawl_delay(self._agent) if self._rules else None
        return None if delay is None else min(LONGEST_CRAWL_DELAY_S, float(delay))


def _for_us(text: str, agent: str) -> Iterator[str]:
    """The rules of the groups for us and for everybody, with other robots out of their heads.

    Lines that are neither a rule nor a robot's name end no head (RFC 9309 §2.2.4).
    """
    ours = in_head = False
    for line in text.splitlines():
        if found := _AGENT.match(line):
            if not in_head:
                ours, in_head = False, True
            name = found[1].strip()
            token = _TOKEN.match(name)
            if name.startswith("*") or (token and token[0].lower() == agent):
                ours = True
                yield f"User-agent: {'*' if name.startswith('*') else agent}"
        elif _RULE.match(line):
            in_head = False
            if ours:
                yield line


def read_policy(body: bytes, content_type: str = "") -> Policy:
    """The rules in the body of a robots.txt. A page of HTML in its place has none."""
    if (
        content_type.lower().startswith("text/html")
        or body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"
    ):
        return Policy("")
    if len(body) >= MAX_BYTES:  # cut, maybe within a rule
        body = body[: max(body.rfind(b"\n"), body.rfind(b"\r")) + 1]
    return Policy(body.decode("utf-8-sig", "replace"))


@dataclass(slots=True)
class _Kept:
    policy: Policy | None  # None: unreachable, and nothing may be asked
    until: float
    why: str = ""
    size: int = _OVERHEAD
    status: int | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A robots.txt as it was fetched."""

    status: int
    body: bytes
    content_type: str


class Robots:
    """The policies of the origins asked lately, within a bound; each file fetched once in 24 h."""

    def __init__(
        self,
        fetch: Callable[[str], Awaitable[File]],
        clock: Callable[[], float],
        on_robots: OnRobots | None = None,
        *,
        max_kept: int = MAX_KEPT,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._on_robots = on_robots
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._size = 0
        self._max_kept = max_kept
        self._reading = Lanes(1)

    def __len__(self) -> int:
        return len(self._kept)

    async def policy(self, origin: str) -> Policy:
        """What the origin says to us; raises Later where it cannot be known, which forbids all."""
        kept = self._known(origin)
        if kept is None:
            async with self._reading.hold(origin):
                kept = self._known(origin) or await self._read(origin)
        if kept.policy is None:
            raise Later(kept.why, max(1.0, kept.until - self._clock()), kept.status)
        return kept.policy

    def _known(self, origin: str) -> _Kept | None:
        kept = self._kept.get(origin)
        if kept is None or kept.until <= self._clock():
            return None
        self._kept.move_to_end(origin)
        return kept

    async def _read(self, origin: str) -> _Kept:
        """RFC 9309 §2.3.1: no such file allows everything, no answer allows nothing for now."""
        status: int | None = None
        try:
            file = await self._fetch(f"{origin}/robots.txt")
            status = file.status
            policy = read_policy(file.body, file.content_type) if status == 200 else Policy("")
        except BadRecord as error:
            if error.reason in ("address_forbidden", "scheme_forbidden"):
                raise  # as the page itself would be
            status = getattr(error, "status", None)
            if error.reason not in ("http_status", "redirects"):
                return self._unreachable(origin, status, str(error), KEEP_FAILURE_S)
            policy = Policy("")
        except Later as error:
            wait = error.after_s if error.asked else KEEP_FAILURE_S
            return self._unreachable(origin, error.status, error.why, wait)
        self._tell(origin, status, "rules" if policy.size > _OVERHEAD else "none")
        return self._keep(origin, _Kept(policy, self._clock() + KEEP_S, size=policy.size))

    def _unreachable(self, origin: str, status: int | None, why: str, wait_s: float) -> _Kept:
        self._tell(origin, status, "unreachable")
        wait_s = min(KEEP_S, max(1.0, wait_s))
        kept = _Kept(None, self._clock() + wait_s, f"robots.txt: {why}", status=status)
        return self._keep(origin, kept)

    def forget_failures(self) -> None:
        """Ask those again that gave no answer: our own network was away."""
        for origin in [o for o, k in self._kept.items() if k.policy is None and k.status is None]:
            self._size -= self._kept.pop(origin).size

    def _tell(self, origin: str, status: int | None, outcome: Outcome) -> None:
        if self._on_robots is not None:
            self._on_robots(origin, status, outcome)

    def _keep(self, origin: str, kept: _Kept) -> _Kept:
        old = self._kept.pop(origin, None)
        self._size += kept.size - (old.size if old else 0)
        self._kept[origin] = kept
        while self._size > self._max_kept and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._size -= dropped.size
        return kept
