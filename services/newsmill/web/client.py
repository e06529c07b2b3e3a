"""The client itself: a request becomes spaced, checked exchanges, and one answer or refusal."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from newsmill.errors import BadRecord
from newsmill.urls import normalise
from newsmill.web.guard import Target, aim
from newsmill.web.lanes import Lanes
from newsmill.web.messages import (
    LATER_S,
    Later,
    Refused,
    Request,
    Response,
    is_conditional,
    is_permanent,
    meaning,
)
from newsmill.web.resolve import Lookup, system_lookup
from newsmill.web.retry_after import retry_after
from newsmill.web.robots import MAX_BYTES, File, OnRobots, Robots
from newsmill.web.rules import Rules
from newsmill.web.settings import WebSettings
from newsmill.web.spacing import Spacing
from newsmill.web.transport import Answer, Transport

_OWN_HOST_ONLY = frozenset(("authorization", "cookie"))


@dataclass(slots=True)
class _Trail:
    """Where one request has been, and how much of its time is left."""

    here: Target
    left_s: float
    spent_s: float = 0.0
    seen: set[str] = field(default_factory=set)
    redirects: list[str] = field(default_factory=list)
    moved_to: str | None = None
    permanent: bool = True
    crawl_delay_s: float | None = None


class Client:
    """Polite, bounded, safe. Must be made, used and closed within one running event loop.

    Exchanges with one registrable domain start at least ``spacing_s`` (or its crawl delay) apart,
    those for robots.txt and redirects included; who starts many at once waits here, out of any time
    limit. Back-off after failures is the caller's: it knows what else waits for the domain.
    """

    def __init__(
        self,
        settings: WebSettings,
        *,
        on_robots: OnRobots | None = None,
        lookup: Lookup = system_lookup,
    ) -> None:
        self._settings = settings
        self._rules = Rules(settings.resolve)
        self._transport = Transport(settings, self._rules, lookup)
        self._spacing = Spacing(settings.spacing_s)
        self._domains = Lanes(settings.per_domain)
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._robots = Robots(self._read_robots, time.monotonic, on_robots)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._transport.close()

    def forget_failures(self) -> None:
        """Ask hosts again that gave no answer: our own network was away."""
        self._robots.forget_failures()

    async def get(self, request: Request) -> Response:
        """Ask, follow redirects, and unpack.

        Raises BadRecord (reasons ``robots``, ``address_forbidden``, ``scheme_forbidden``,
        ``http_status``, ``redirects``, ``too_large``, ``truncated``, ``encoding``; as ``Refused``,
        with the status, where the server said no) and TryLater (as ``Later``).
        """
        trail, answer = await self._follow(request)
        return Response(
            url=request.url,
            final_url=normalise(trail.here.url),
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            redirects=tuple(trail.redirects),
            moved_to=trail.moved_to,
            crawl_delay_s=trail.crawl_delay_s,
            wire_bytes=answer.wire_bytes,
            took_ms=trail.spent_s * 1000,
        )

    async def _follow(self, request: Request, *, cut: bool = False) -> tuple[_Trail, Answer]:
        """All hops of a request, to the answer of the last."""
        trail = _Trail(self._aim(request.url), self._settings.total_s)
        first = trail.here
        for _ in range(self._settings.max_redirects + 1):
            here = trail.here
            trail.seen.add(here.url)
            if request.robots:
                await self._ask_robots(trail)
            headers = {"Accept": request.accept} | {
                name: value
                for name, value in request.headers
                if here.origin == first.origin or name.lower() not in _OWN_HOST_ONLY
            }
            answer = await self._exchange(trail, headers, request.max_bytes, cut)
            location = answer.headers.get("location")
            if meaning(answer.status) != "moved" or not location:
                _judge(answer, request, here)
                return trail, answer
            self._move(trail, answer.status, location)
        raise Refused("redirects", f"more than {self._settings.max_redirects}", answer.status)

    async def _ask_robots(self, trail: _Trail) -> None:
        """Raises BadRecord (``robots``), or Later where robots.txt cannot be read."""
        here = trail.here
        policy = await self._robots.policy(here.origin)
        trail.crawl_delay_s = policy.crawl_delay_s
        self._spacing.crawl_delay(here.domain, policy.crawl_delay_s, time.monotonic())
        if not policy.allows(here.url):
            raise BadRecord("robots", f"{here.origin}/robots.txt forbids it to us")

    async def _exchange(
        self, trail: _Trail, headers: dict[str, str], max_bytes: int | None, cut: bool
    ) -> Answer:
        """One exchange; a second one where the body broke off, as connections do now and then."""
        try:
            return await self._turn(trail, headers, max_bytes, cut)
        except BadRecord as error:
            if error.reason != "truncated":
                raise
        return await self._turn(trail, headers, max_bytes, cut)

    async def _turn(
        self, trail: _Trail, headers: dict[str, str], max_bytes: int | None, cut: bool
    ) -> Answer:
        """One exchange, when it is the domain's turn."""
        here = trail.here
        async with self._domains.hold(here.domain):
            start = self._spacing.reserve(here.domain, time.monotonic())
            if (wait := start - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            async with self._slots:
                begun = time.monotonic()
                try:
                    return await self._transport.exchange(
                        here,
                        headers,
                        max_bytes=max_bytes or self._settings.max_bytes,
                        within_s=trail.left_s,
                        cut=cut,
                    )
                finally:
                    took = time.monotonic() - begun
                    trail.spent_s += took
                    trail.left_s = max(0.05, trail.left_s - took)

    def _move(self, trail: _Trail, status: int, location: str) -> None:
        """Aim at where a redirect leads. Raises Refused (``redirects``) for a circle."""
        here = self._aim(location, base=trail.here.url)
        if here.url in trail.seen:
            raise Refused("redirects", f"in a circle, at {here.url}", status)
        trail.here = here
        normal = normalise(here.url)
        trail.redirects.append(normal)
        trail.permanent = trail.permanent and is_permanent(status)
        if trail.permanent:
            trail.moved_to = normal

    def _aim(self, url: str, base: str | None = None) -> Target:
        return aim(
            url,
            base,
            ports=self._settings.ports,
            rules=self._rules,
            allow_private=self._settings.allow_private,
        )

    async def _read_robots(self, url: str) -> File:
        request = Request(url=url, robots=False, accept="text/plain,*/*;q=0.8", max_bytes=MAX_BYTES)
        _, answer = await self._follow(request, cut=True)
        return File(answer.status, answer.body, answer.headers.get("content-type", ""))


def _judge(answer: Answer, request: Request, here: Target) -> None:
    """Raises Later or Refused unless the answer is one that is handed on."""
    status = answer.status
    said = meaning(status)
    if said == "later":
        asked = retry_after(answer.retry_after, time.time())
        why = f"{here.host} answers {status}"
        raise Later(why, asked or LATER_S, status, asked=asked is not None)
    if said == "moved":
        raise Refused("redirects", f"{status} without a place to go to", status)
    if said == "final" or (said == "unchanged" and not is_conditional(request)):
        raise Refused("http_status", str(status), status)
