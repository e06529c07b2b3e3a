"""The producer's shell: feeds polled when they are due, and what is new in them as entries."""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from newsmill.bus.base import Change, Follower, Place, Record
from newsmill.errors import BadRecord, Reason, TryLater
from newsmill.process.events import Event
from newsmill.process.host import Desk, serve
from newsmill.process.settings import Settings
from newsmill.process.steps import Result
from newsmill.process.telemetry import Telemetry
from newsmill.process.tend import Tend
from newsmill.process.tender import Finished
from newsmill.process.web import require_contact, tell_network, web_settings
from newsmill.process.work import guarded
from newsmill.producer.core import (
    FeedState,
    Limits,
    ParsedFeed,
    Poll,
    after_answer,
    after_failure,
    after_unchanged,
    decode_state,
    encode_state,
    parse,
)
from newsmill.producer.outcomes import facts_of, left_out, published, said_by
from newsmill.records import Feed, decode
from newsmill.topics import FEEDS, FEEDS_STATE, Topic, partition_of
from newsmill.urls import domain_of, host_of
from newsmill.web.messages import Later, Refused, Request, Response
from newsmill.web.steady import Steady, Unheard
from newsmill.web.thread import Fetched

STAGE: Final = "producer"
FEED_BYTES = 20_000_000
FOLLOW_S = 0.5
PARSE_S = 0.5  # of parsing between two looks at the bus, which must hear of us
SHORT_TTL_S = 10.0  # a feed that may change so soon is polled twice by a run that is to end
ROLLUP_S = 3600.0
MAX_CHILDREN = 50  # sitemaps of an index that are polled, the first ones
ACCEPT = (
    "application/rss+xml,application/atom+xml,application/feed+json,application/xml;q=0.9,*/*;q=0.5"
)


@dataclass(slots=True)
class _Polled:
    """A feed of ours, in memory."""

    feed: Feed
    state: FeedState
    due: float = 0.0  # monotonic
    polls: int = 0  # since this process took it
    busy: bool = False
    quiet: int = 0  # polls that found nothing, since the last line
    told: float = 0.0


class Producer:
    """The tender of ``feeds.state``."""

    stage: Final = STAGE
    state: Topic = FEEDS_STATE

    def __init__(self, settings: Settings, follower: Follower, log: Telemetry) -> None:
        self._settings = settings
        self._follower = follower
        self._log = log
        self._limits = Limits(
            first_poll_entries=settings.first_poll_entries,
            first_poll_days=settings.first_poll_days or None,
            min_interval_s=settings.min_interval_s,
        )
        self._web: Steady[int] = Steady(replace(web_settings(settings), max_bytes=FEED_BYTES))
        self._wanted: dict[str, Feed] = {}  # all feeds of the configuration topic
        self._states: dict[int, dict[str, FeedState]] = {}  # by partition, of feeds not polled too
        self._polled: dict[str, _Polled] = {}
        self._due: list[tuple[float, str]] = []
        self._number = 0
        self._flying: dict[int, tuple[str, _Polled]] = {}
        self._answers: deque[tuple[int, Fetched | Unheard]] = deque()  # that have come, and wait
        self._ending: set[str] = set()  # feeds whose poll has ended, and the step is not committed
        self._followed = 0.0

    # -- feeds and partitions

    def assigned(self, place: Place, items: Iterable[tuple[bytes, bytes]]) -> None:
        """Take over the feeds of the partition, each with its state."""
        states: dict[str, FeedState] = {}
        for key, value in items:
            states[key.decode()] = decode_state(value)
        self._states[place.partition] = states
        for url, feed in self._wanted.items():
            self._take(url, feed)

    def lost(self, place: Place) -> None:
        """Let its feeds go; polls in flight come back to nobody."""
        self._states.pop(place.partition, None)
        for url in [u for u in self._polled if _partition(u) == place.partition]:
            del self._polled[url]
            self._ending.discard(url)

    def _follow(self) -> None:
        now = time.monotonic()
        if now - self._followed < FOLLOW_S:
            return
        self._followed = now
        for record in self._follower.poll():
            url = record.key.decode("utf-8", "replace")
            try:
                feed = None if record.value is None else decode(Feed, record.value)
            except (BadRecord, TryLater) as error:  # the others are polled all the same
                self._log.add("feed.change", feed=url, what="unreadable", detail=str(error))
                continue
            if feed is None or feed.paused:
                self._rest(url)
                continue
            require_contact([url], self._settings)
            self._wanted[url] = feed
            if url in self._polled:
                self._polled[url].feed = feed
            else:
                self._take(url, feed)

    def _rest(self, url: str) -> None:
        """Poll it no longer, nor the sitemaps that only it names."""
        self._wanted.pop(url, None)
        polled = self._polled.pop(url, None)
        if polled is None:
            return
        self._log.add("feed.change", level="info", feed=url, what="rests")
        for child in polled.state.children:
            if child not in self._wanted and self._polled.pop(child, None) is not None:
                self._log.add("feed.change", level="info", feed=child, what="rests")

    def _take(self, url: str, feed: Feed) -> None:
        states = self._states.get(_partition(url))
        if states is None or url in self._polled or url in self._ending:
            return
        state = states.get(url) or FeedState(url=url)
        self._polled[url] = _Polled(feed, state)
        self._adopt(url, state.children)
        # A run that is to end polls every feed at once; others when they are due.
        self._wait(url, self._polled[url], at_once=self._settings.once)

    def _wait(self, url: str, polled: _Polled, *, at_once: bool = False) -> None:
        """Let it wait for its moment; however the wall clock jumped, no longer than it may."""
        limits = self._limits
        longest = max(limits.max_interval_s, limits.min_interval_s, polled.feed.interval_s or 0.0)
        in_s = 0.0 if at_once else polled.state.next_due - time.time()
        polled.due = time.monotonic() + min(max(0.0, in_s), longest)
        heapq.heappush(self._due, (polled.due, url))

    def takes(self, place: Place) -> bool:
        """Nothing is delivered from state."""
        return False

    def intake(self, record: Record) -> Result | None:
        """Nothing is delivered from state."""
        return None

    # -- polling

    def start_due(self) -> None:
        """Start the polls that are due."""
        self._follow()
        now = time.monotonic()
        room = min(self._settings.fetch_concurrency * 4 - self.in_flight, self._web.room())
        while self._due and self._due[0][0] <= now and room > 0:
            due, url = heapq.heappop(self._due)
            polled = self._polled.get(url)
            if polled is None or polled.busy or polled.due != due:
                continue  # this moment is of an assignment that is over
            polled.busy = True
            room -= 1
            self._number += 1
            self._flying[self._number] = (url, polled)
            conditions = []
            if polled.state.etag:
                conditions.append(("If-None-Match", polled.state.etag))
            if polled.state.last_modified:
                conditions.append(("If-Modified-Since", polled.state.last_modified))
            headers = tuple(conditions)
            request = Request(url=url, headers=headers, accept=ACCEPT, max_bytes=FEED_BYTES)
            self._web.start(self._number, request)

    def done(self, timeout_s: float) -> list[Finished]:
        """The polls that have ended, with their entries."""
        finished = []
        self._answers.extend(self._web.done(0.0 if self._answers else timeout_s))
        until = time.monotonic() + PARSE_S
        while self._answers and time.monotonic() < until:
            number, answer = self._answers.popleft()
            url, polled = self._flying.pop(number)
            if self._polled.get(url) is not polled:
                continue  # its feed rests, or is another's by now
            if isinstance(answer, Unheard):
                polled.busy = False  # as if it had not been asked
                self._wait(url, polled, at_once=True)
            else:
                finished.append(self._finish(url, polled, answer))
                self._ending.add(url)
        tell_network(self._web.changes(), self._log)
        for note in self._web.robots_read():
            self._log.add(
                "robots.read", site=host_of(note.origin), status=note.status, outcome=note.outcome
            )
        return finished

    def _finish(self, url: str, polled: _Polled, answer: Fetched) -> Finished:
        limits = self._limits
        if polled.feed.interval_s is not None:
            limits = replace(limits, interval_s=float(polled.feed.interval_s))
        now = time.time()
        facts: dict[str, Any] = {"feed": url, "site": host_of(url), "attempt": polled.polls + 1}
        if not isinstance(answer, Response):
            return self._failed(url, polled, answer, now, limits, facts)
        facts |= {"status": answer.status, "took_ms": answer.took_ms, "bytes": len(answer.body)}
        said = said_by(answer)
        if answer.status == 304 or said.body_hash == polled.state.body_hash:
            return self._quiet(url, polled, after_unchanged(polled.state, said, now, limits), facts)
        kind = answer.headers.get("content-type")
        feed = guarded(lambda: parse(answer.body, url, content_type=kind))
        if isinstance(feed, BadRecord):
            return self._failed(url, polled, feed, now, limits, facts)
        self._adopt(url, feed.children)
        poll = after_answer(polled.state, feed, said, now, limits)
        return self._found(url, polled, feed, poll, facts)

    def _found(
        self, url: str, polled: _Polled, feed: ParsedFeed, poll: Poll, facts: dict[str, Any]
    ) -> Finished:
        results = [published(entry) for entry in poll.fresh]
        results += [
            Result(outcome="filtered", reason=reason, facts=facts_of(entry))
            for entry, reason in poll.filtered
        ]
        lines: list[tuple[Event, dict[str, Any]]] = []
        if results or not polled.polls:
            facts |= {
                "outcome": poll.outcome,
                "entries": len(feed.entries),
                "fresh": len(poll.fresh),
                "seen": poll.seen,
                "next_s": poll.state.next_due - time.time(),
                "detail": left_out(feed),
            }
            lines.append(("feed.poll", facts))
        else:
            lines += self._rolled_up(url, polled)
        if poll.change is not None:
            what, detail = poll.change
            change = {"feed": url, "site": host_of(url), "what": what, "detail": detail}
            lines.append(("feed.change", change))
        if poll.state.moved == 3 and poll.state.moved_to:
            change = {"feed": url, "what": "moved", "detail": f"to {poll.state.moved_to}"}
            lines.append(("feed.change", change))
        return Finished(
            place=Place(FEEDS_STATE.name, _partition(url)),
            results=tuple(results),
            lines=tuple(lines),
            token=(url, polled, poll.state),
        )

    def _quiet(
        self, url: str, polled: _Polled, state: FeedState, facts: dict[str, Any]
    ) -> Finished:
        lines: list[tuple[Event, dict[str, Any]]] = []
        if polled.polls == 0:
            next_s = state.next_due - time.time()
            lines.append(("feed.poll", facts | {"outcome": "duplicate", "next_s": next_s}))
        else:
            lines += self._rolled_up(url, polled)
        place = Place(FEEDS_STATE.name, _partition(url))
        return Finished(place=place, lines=tuple(lines), token=(url, polled, state))

    def _rolled_up(self, url: str, polled: _Polled) -> list[tuple[Event, dict[str, Any]]]:
        polled.quiet += 1
        now = time.monotonic()
        if now - polled.told < ROLLUP_S:
            return []
        polled.told = now
        facts = {"feed": url, "site": host_of(url), "done": polled.quiet}
        polled.quiet = 0
        return [("feed.rollup", facts)]

    def _failed(
        self,
        url: str,
        polled: _Polled,
        answer: BaseException,
        now: float,
        limits: Limits,
        facts: dict[str, Any],
    ) -> Finished:
        reason: Reason = "bug"
        after_s = None
        if isinstance(answer, TryLater):
            reason, detail = "unreachable", answer.why
            after_s = answer.after_s if isinstance(answer, Later) and answer.asked else None
        elif isinstance(answer, BadRecord):
            reason, detail = answer.reason, answer.detail
        else:
            detail = repr(answer)
        status = answer.status if isinstance(answer, (Later, Refused)) else facts.get("status")
        gone = status == 410
        state = after_failure(
            polled.state, now, f"{reason}: {detail}", after_s, gone=gone, limits=limits
        )
        facts |= {"outcome": "refused", "reason": reason, "detail": detail, "status": status}
        lines: list[tuple[Event, dict[str, Any]]] = [
            ("feed.poll", facts | {"next_s": state.next_due - now})
        ]
        if gone and not polled.state.gone:
            lines.append(("feed.change", {"feed": url, "what": "gone", "detail": "410"}))
        place = Place(FEEDS_STATE.name, _partition(url))
        return Finished(place=place, lines=tuple(lines), token=(url, polled, state))

    def _adopt(self, url: str, children: Iterable[str]) -> None:
        """Poll the sitemaps of an index as feeds of their own, where they are of its domain."""
        for child in islice(children, MAX_CHILDREN):
            if child not in self._wanted and domain_of(child) == domain_of(url):
                self._take(child, Feed(url=child))

    def changes(self, finished: Finished) -> tuple[Change, ...]:
        """The feed's new state."""
        url, _, state = finished.token
        return (Change(FEEDS_STATE, finished.place.partition, url.encode(), encode_state(state)),)

    def committed(self, finished: Finished) -> None:
        """The feed is polled, and waits for its next moment."""
        url, state = finished.token[0], finished.token[2]
        polled: _Polled = finished.token[1]
        self._ending.discard(url)
        polled.state = state
        polled.busy = False
        polled.polls += 1
        states = self._states.get(finished.place.partition)
        if states is not None:
            states[url] = state
        if self._polled.get(url) is polled:
            self._wait(url, polled)
        elif url in self._wanted:  # it rested for a moment
            self._take(url, self._wanted[url])

    # -- signs of life

    @property
    def in_flight(self) -> int:
        """Polls started, or ended and not committed."""
        return len(self._flying) + len(self._ending)

    def vitals(self) -> dict[str, Any]:
        """Feeds, and how many of them were polled; idle when a run could end."""
        polled = sum(one.polls > 0 for one in self._polled.values())
        flying = self.in_flight
        return {
            "in_flight": flying,
            "feeds": len(self._polled),
            "polled": polled,
            "held": int(self._web.is_down),
            "idle": not flying and all(map(self._is_through, self._polled.values())),
        }

    def _is_through(self, polled: _Polled) -> bool:
        """Whether it was polled since the start, and once more where it may change in seconds."""
        if polled.polls == 0:
            return False
        return polled.polls > 1 or polled.state.next_due - time.time() > SHORT_TTL_S

    def close(self) -> None:
        """Drop the polls in flight."""
        self._web.close()
        self._follower.close()


def _partition(url: str) -> int:
    return partition_of(domain_of(url), FEEDS_STATE.partitions)


def run(settings: Settings) -> int:
    """Serve as a producer until told to stop; gives the exit code."""

    def work(desk: Desk) -> None:
        producer = Producer(settings, desk.bus.follow(FEEDS), desk.log)
        Tend(desk.member, producer, desk.bus.burst, desk.log, desk.life).run()

    return serve(STAGE, STAGE, [FEEDS_STATE], settings, work)
