"""The archiver's shell: enriched articles into a store, the store committed before the bus."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from newsmill.archiver.core.fold import row_of
from newsmill.archiver.prints import PrintStore
from newsmill.archiver.store import Forgetful, Keeper, StoreFenced
from newsmill.archiver.stores import DEFAULT, open_wanted, store_of
from newsmill.archiver.warc import RawPage, WarcArchive
from newsmill.bus.base import Fenced, Mark, Member, Place, Record
from newsmill.errors import BadRecord, TryLater
from newsmill.process.denied import Following, told
from newsmill.process.drain import Drain
from newsmill.process.fingerprint import Print, fingerprint
from newsmill.process.host import Desk, serve
from newsmill.process.settings import Settings
from newsmill.process.steps import Result, rejected
from newsmill.process.telemetry import Telemetry
from newsmill.process.work import Inline
from newsmill.records import Denial, Page, decode, decompress
from newsmill.topics import ENRICHED, PAGES
from newsmill.urls import host_of

STAGE: Final = "archiver"
PRINTS_WAIT_S = 0.6


class Archiving(Inline):
    """Keeps rows until their step, then writes them with the positions that they reach."""

    def __init__(
        self,
        store: Keeper[Any],
        log_identity: str,
        log: Telemetry,
        *,
        name: str = DEFAULT,
        following: Following | None = None,
    ) -> None:
        super().__init__(STAGE, self.step)
        self._name = name
        self._store = store
        self._identity = log_identity
        self._log = log
        self._stored: dict[Place, int] = {}  # what the store has reached
        self._rows: dict[Place, dict[int, Any]] = {}
        self.following = following
        self._untold: list[Denial] = []  # denials that the store has still to be told
        self._tell_at = 0.0  # monotonic

    def follow(self) -> None:
        """Take down what was denied since: the store forgets it, and takes it no more."""
        if self.following is None or not isinstance(self._store, Forgetful):
            return
        self._untold += self.following.fresh()
        if not self._untold or time.monotonic() < self._tell_at:
            return
        try:
            removed = self._store.forget(self._untold)
        except TryLater as later:
            self._tell_at = time.monotonic() + later.after_s
            return
        if removed:
            self._log.event("store.forgot", store=self._name, records=removed)
        self._untold = []

    def assigned(self, place: Place, member: Member) -> None:
        """Start at the lower of the store's position and the bus's; skip what the store has."""
        self._rows[place] = {}
        reached = self._store.positions(self._identity).get(place)
        self._stored.pop(place, None)
        if reached is not None:
            self._stored[place] = reached
        mark = member.assignment[place]
        if (reached or 0) < mark.position:
            member.rewind(place, Mark(reached or 0, mark.epoch))

    def lost(self, place: Place) -> None:
        """Drop the rows that were not written."""
        self._rows.pop(place, None)
        self._stored.pop(place, None)

    def step(self, record: Record) -> Result:
        """Make the row; what the store has already is archived, and makes none."""
        row, facts = self.read(record)
        if self.following is not None and (denial := self.denial(row)) is not None:
            bad = BadRecord("denied", told(denial))
            return rejected(record, STAGE, bad, facts)
        if record.offset >= self._stored.get(record.place, 0):
            self._rows[record.place][record.offset] = row
        return Result(outcome="published", facts=facts)

    def read(self, record: Record) -> tuple[Any, dict[str, Any]]:
        """The row of a record, and what the log says of it."""
        row = row_of(record.value or b"")
        return row, {
            "page_id": row.page_id,
            "article_id": row.article_id,
            "url": row.url,
            "site": host_of(row.url or ""),
        }

    def denial(self, row: Any) -> Denial | None:
        """What the row was taken down by, None where it was not."""
        return self._find((row.page_id, row.article_id), (row.url, row.canonical_url))

    def _find(self, ids: tuple[str, ...], urls: tuple[str | None, ...]) -> Denial | None:
        return None if self.following is None else self.following.denied.find(ids, urls)

    def seal(self, records: Mapping[Place, list[Result]], marks: Mapping[Place, Mark]) -> None:
        """Commit the store: the rows below the marks, and the positions."""
        reached = {
            place: mark.position
            for place, mark in marks.items()
            if mark.position > self._stored.get(place, 0)
        }
        if not reached:
            return
        rows = [
            row
            for place, position in reached.items()
            for offset, row in self._rows[place].items()
            if offset < position
        ]
        expected = {place: self._stored[place] for place in reached if place in self._stored}
        started = time.perf_counter()
        try:
            self._store.write(rows, self._identity, expected, reached)
        except StoreFenced as fenced:
            raise Fenced(str(fenced)) from fenced
        for place, position in reached.items():
            self._stored[place] = position
            self._rows[place] = {o: r for o, r in self._rows[place].items() if o >= position}
        took_ms = (time.perf_counter() - started) * 1e3
        self._log.event("store.commit", store=self._name, records=len(rows), took_ms=took_ms)

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()


class Keeping(Archiving):
    """Keeps the pages themselves, as they were fetched."""

    def read(self, record: Record) -> tuple[RawPage, dict[str, Any]]:
        """The page of a record."""
        held = record.header("page")
        if held is None:
            raise BadRecord("decode", "no page header")
        page = decode(Page, held)
        body = decompress(record.value or b"")
        facts = {"page_id": page.page_id, "url": page.url, "site": host_of(page.url)}
        return RawPage(page, held, body), facts

    def denial(self, row: Any) -> Denial | None:
        """What the page was taken down by, None where it was not."""
        page: Page = row.page
        return self._find((page.page_id,), (page.url, page.final_url))


class Printing(Archiving):
    """Keeps fingerprints of records, for the manifest of a replay."""

    def read(self, record: Record) -> tuple[Print, dict[str, Any]]:
        """The fingerprint of a record."""
        row = fingerprint(record.value or b"")
        return row, {"page_id": row.page_id}

    def denial(self, row: Any) -> Denial | None:
        """None: a fingerprint tells nothing of what it is of."""
        return None


def run(settings: Settings) -> int:
    """Serve as an archiver until told to stop; gives the exit code."""
    wanted = store_of(settings)

    def work(desk: Desk) -> None:
        desk.log.store = None if wanted.is_default else wanted.name
        following = Following(desk.bus, settings)
        how: dict[str, Any] = {"name": wanted.name, "following": following}
        archiving: Archiving
        if wanted.is_archive:
            archive = WarcArchive(settings.archive_path, settings.lane)
            archiving = Keeping(archive, desk.bus.identity, desk.log, **how)
        elif wanted.is_prints:
            prints = PrintStore(settings.prints_path)
            archiving = Printing(prints, desk.bus.identity, desk.log, **how)
        else:
            store = open_wanted(wanted, settings)
            archiving = Archiving(store, desk.bus.identity, desk.log, **how)
        archiving.follow()  # before the first record
        desk.life.on_turn = archiving.follow
        burst = desk.bus.burst
        if wanted.is_prints:  # nobody waits for them: fewer and larger steps
            burst = burst._replace(records=500, wait_s=max(PRINTS_WAIT_S, burst.wait_s))
        Drain(STAGE, desk.member, archiving, burst, desk.log, desk.life).run()

    topic = PAGES if wanted.is_archive else ENRICHED
    return serve(STAGE, wanted.group, [topic], settings, work)
