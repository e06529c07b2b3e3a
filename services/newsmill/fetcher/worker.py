"""The fetcher's shell: entries into the frontier, pages out of it, politely."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from newsmill.bus.base import Change, Place, Record
from newsmill.errors import BadRecord, TryLater
from newsmill.fetcher.core.frontier import Frontier, Item, restored, stored
from newsmill.process.denied import Following, told
from newsmill.process.events import Event
from newsmill.process.host import Desk, serve
from newsmill.process.pages import page_output
from newsmill.process.settings import Settings
from newsmill.process.steps import Result, rejected
from newsmill.process.telemetry import Telemetry
from newsmill.process.tend import Tend
from newsmill.process.tender import Finished
from newsmill.process.web import fetched_page, tell_network, web_settings
from newsmill.records import Entry, decode, traceparent
from newsmill.topics import ENTRIES, FRONTIER, Topic
from newsmill.urls import domain_of, host_of
from newsmill.web.messages import Later, Refused, Request, Response
from newsmill.web.spacing import Spacing
from newsmill.web.steady import Steady, Unheard
from newsmill.web.thread import Fetched

STAGE: Final = "fetcher"
MAX_WAITING = 200_000  # items in memory; past it entries wait on their topic
WAITING_PER_SLOT = 8  # requests started for each exchange allowed at once: most wait out a spacing
DUE_SOON_S = 10.0
MOST_WAITING_BYTES = 64 << 20  # of pages that were fetched and not committed: a full log waits
LONGEST_WAIT_S = 86400.0  # of what is restored, whatever the wall clock says by now


@dataclass(frozen=True, slots=True)
class _Done:
    """What a finished fetch does to the frontier once its step is committed."""

    item: Item
    again: Item | None = None  # the item as it waits for its next attempt
    size: int = 0  # bytes that wait for the step


class Fetcher:
    """The tender of the frontier."""

    stage: Final = STAGE
    state: Topic = FRONTIER

    def __init__(
        self, settings: Settings, log: Telemetry, following: Following | None = None
    ) -> None:
        self._following = following
        self._settings = settings
        self._log = log
        self._frontier = Frontier(settings.frontier_per_domain)
        self._backoff = Spacing(0.0)
        self._web: Steady[int] = Steady(web_settings(settings))
        self._most = settings.fetch_concurrency * WAITING_PER_SLOT
        self._flying: dict[int, Item] = {}
        self._turned_away: list[tuple[Item, BadRecord]] = []
        self._ending: dict[bytes, _Done] = {}  # by key: finished, and the step is not committed
        self._number = 0

    # -- partitions

    def assigned(self, place: Place, items: Iterable[tuple[bytes, bytes]]) -> None:
        """Fill the frontier with what the partition's state holds."""
        now, wall = time.monotonic(), time.time()
        for key, value in items:
            item, due_at = restored(place.partition, key, value)
            item.due = now + min(max(0.0, due_at - wall), LONGEST_WAIT_S)
            if item.newer is not None:
                item.newer.due = item.due
            self._frontier.add(item)

    def lost(self, place: Place) -> None:
        """Drop what belongs to it; fetches in flight come back to nobody."""
        self._frontier.forget(place.partition)
        ending = self._ending.items()
        self._ending = {k: d for k, d in ending if d.item.partition != place.partition}

    # -- intake

    def takes(self, place: Place) -> bool:
        """Whether the frontier has room."""
        return len(self._frontier) < MAX_WAITING

    def intake(self, record: Record) -> Result | None:
        """Let an entry wait in the frontier, unless it cannot, or its page waits already."""
        try:
            entry = decode(Entry, record.value)
            domain = domain_of(entry.url)
        except BadRecord as error:
            return rejected(record, STAGE, error)
        facts = {"page_id": entry.page_id, "url": entry.url, "site": host_of(entry.url)}
        if (bad := self._denied(entry.page_id, entry.url)) is not None:
            return rejected(record, STAGE, bad, facts)
        item = Item(
            page_id=entry.page_id,
            url=entry.url,
            domain=domain,
            partition=record.partition,
            offset=record.offset,
            entry=record.value or b"",
            due=time.monotonic(),
        )
        present = self._frontier.get(item.key)
        if present is not None and (present.newer is not None or not self._is_over(present)):
            return Result(outcome="duplicate", detail="the page waits already", facts=facts)
        if present is None and self._frontier.is_full(domain):
            bad = BadRecord("queue_full", f"{self._settings.frontier_per_domain} of {domain} wait")
            return rejected(record, STAGE, bad, facts)
        # The state holds both: the older one still owes its outcome, whoever fetches it.
        waits = item if present is None else replace(present, newer=item)
        change = self._change(waits, time.time())
        if len(change.value or b"") > FRONTIER.max_bytes:
            bad = BadRecord("record_too_large", f"an entry of {len(item.entry)} bytes")
            return rejected(record, STAGE, bad, facts)
        if present is None:
            self._frontier.add(item)
        else:
            present.newer = item
        return Result(outcome="published", state=(change,))

    def _denied(self, page_id: str, *urls: str | None) -> BadRecord | None:
        """Why a page that was taken down is turned away; None for all others."""
        denial = self._following and self._following.denied.find((page_id,), urls)
        return BadRecord("denied", told(denial)) if denial else None

    def _is_over(self, item: Item) -> bool:
        """Whether its fetch is on its way or done: what came since needs another one."""
        ending = self._ending.get(item.key)
        if ending is not None:
            return ending.again is None
        return any(item is one for one in self._flying.values())

    # -- fetching

    def start_due(self) -> None:
        """Start the fetches that are due, one a domain; none while too much waits for its step."""
        if sum(done.size for done in self._ending.values()) > MOST_WAITING_BYTES:
            return
        if self._following is not None:
            self._following.fresh()
        room = min(self._most - self.in_flight, self._web.room())
        for item in self._frontier.take(time.monotonic(), room, self._backoff.due):
            if (bad := self._denied(item.page_id, item.url)) is not None:
                self._turned_away.append((item, bad))
                continue
            self._number += 1
            self._flying[self._number] = item
            self._web.start(self._number, Request(url=item.url))

    def done(self, timeout_s: float) -> list[Finished]:
        """The fetches that have ended, as pages, later attempts, refusals or dead letters."""
        finished = self._turn_away()
        for number, answer in self._web.done(0.0 if finished else timeout_s):
            item = self._flying.pop(number)
            self._frontier.release(item.domain)
            if self._frontier.get(item.key) is not item:
                continue
            if isinstance(answer, Unheard):
                self._frontier.add(item)  # as if it had not been asked
            else:
                finished.append(self._finish(item, answer))
                self._ending[item.key] = finished[-1].token
        tell_network(self._web.changes(), self._log)
        for note in self._web.robots_read():
            self._log.add(
                "robots.read", site=host_of(note.origin), status=note.status, outcome=note.outcome
            )
        return finished

    def _turn_away(self) -> list[Finished]:
        """What waited for its fetch, and was taken down meanwhile."""
        finished = []
        for item, bad in self._turned_away:
            self._frontier.release(item.domain)
            if self._frontier.get(item.key) is item:
                finished.append(self._finish(item, bad))
                self._ending[item.key] = finished[-1].token
        self._turned_away = []
        return finished

    def _finish(self, item: Item, answer: Fetched) -> Finished:
        facts: dict[str, Any] = {
            "offset": item.offset,
            "attempt": item.attempts + 1,
            "page_id": item.page_id,
            "url": item.url,
            "site": host_of(item.url),
        }
        if isinstance(answer, Response):
            return self._page(item, answer, facts)
        if isinstance(answer, TryLater):
            return self._later(item, answer, facts)
        if isinstance(answer, Refused):
            facts["status"] = answer.status
        self._backoff.succeeded(item.domain)
        bad, trace = answer, ""
        if not isinstance(bad, BadRecord):
            bad, trace = BadRecord("bug", repr(bad)), "".join(traceback.format_exception(bad))
        return self._over(item, rejected(_as_record(item), STAGE, bad, facts, trace=trace))

    def _page(self, item: Item, answer: Response, facts: dict[str, Any]) -> Finished:
        self._backoff.succeeded(item.domain)
        facts |= {"status": answer.status, "bytes": len(answer.body), "took_ms": answer.took_ms}
        page = fetched_page(item.page_id, answer)
        try:
            if (bad := self._denied(page.page_id, page.url, page.final_url)) is not None:
                raise bad
            output = page_output(page, answer.body, item.entry)
        except BadRecord as error:
            return self._over(item, rejected(_as_record(item), STAGE, error, facts))
        return self._over(item, Result(outcome="published", outputs=(output,), facts=facts))

    def _later(self, item: Item, later: TryLater, facts: dict[str, Any]) -> Finished:
        asked = isinstance(later, Later) and later.asked
        status = later.status if isinstance(later, Later) else None
        now = time.monotonic()
        due = self._backoff.failed(item.domain, now, later.after_s if asked else None)
        facts |= {"status": status, "after_s": due - now}
        backoff = {"site": facts["site"], "after_s": due - now, "status": status, "why": later.why}
        lines: tuple[tuple[Event, dict[str, Any]], ...] = (("host.backoff", backoff),)
        if item.newer is not None:
            detail = "a newer entry of the page waits"
            result = Result(outcome="duplicate", detail=detail, facts=facts)
            return replace(self._over(item, result), lines=lines)
        if item.attempts + 1 >= self._settings.fetch_attempts:
            bad = BadRecord("unreachable", f"{later.why}; attempt {item.attempts + 1}")
            result = rejected(_as_record(item), STAGE, bad, facts, attempts=item.attempts + 1)
            return replace(self._over(item, result), lines=lines)
        again = replace(item, attempts=item.attempts + 1, due=due, newer=None)
        return Finished(
            place=Place(ENTRIES.name, item.partition),
            results=(
                Result(outcome="retried", reason="unreachable", detail=later.why, facts=facts),
            ),
            lines=lines,
            token=_Done(item, again),
        )

    def _over(self, item: Item, result: Result) -> Finished:
        place = Place(ENTRIES.name, item.partition)
        size = sum(len(output.value or b"") for output in result.outputs)
        return Finished(place=place, results=(result,), token=_Done(item, size=size))

    def changes(self, finished: Finished) -> tuple[Change, ...]:
        """The item leaves the frontier, or waits on; a newer entry of its page takes its key."""
        done: _Done = finished.token
        waits = done.item.newer or done.again
        if waits is None:
            return (Change(FRONTIER, done.item.partition, done.item.key, None),)
        due_in = max(0.0, waits.due - time.monotonic())
        return (self._change(waits, time.time() + due_in),)

    def committed(self, finished: Finished) -> None:
        """The frontier in memory follows its state."""
        done: _Done = finished.token
        self._ending.pop(done.item.key, None)
        self._frontier.remove(done.item)
        if done.again is not None:
            self._frontier.add(done.again)

    def _change(self, item: Item, due_at: float) -> Change:
        return Change(FRONTIER, item.partition, item.key, stored(item, due_at))

    # -- signs of life

    @property
    def in_flight(self) -> int:
        """Fetches started, or ended and not committed."""
        return len(self._flying) + len(self._ending)

    def vitals(self) -> dict[str, Any]:
        """What is in flight, what waits, and what of it is due soon."""
        soon = time.monotonic() + DUE_SOON_S
        due = self._frontier.due_within(soon, self._backoff.due) + self.in_flight
        return {
            "in_flight": self.in_flight,
            "waiting": len(self._frontier),
            "due": due,
            "held": int(self._web.is_down and bool(len(self._frontier))),
            "idle": not due,
        }

    def close(self) -> None:
        """Drop the fetches in flight."""
        self._web.close()


def _as_record(item: Item) -> Record:
    """The entry as it came, for its dead letter."""
    return Record(
        topic=ENTRIES.name,
        partition=item.partition,
        offset=item.offset,
        next=item.offset + 1,
        key=item.page_id.encode(),
        value=item.entry,
        headers=(("traceparent", traceparent(item.page_id, "entries")),),
        timestamp_ms=0,
    )


def run(settings: Settings) -> int:
    """Serve as a fetcher until told to stop; gives the exit code."""

    def work(desk: Desk) -> None:
        fetcher = Fetcher(settings, desk.log, Following(desk.bus, settings))
        Tend(desk.member, fetcher, desk.bus.burst, desk.log, desk.life).run()

    return serve(STAGE, STAGE, [ENTRIES], settings, work)
