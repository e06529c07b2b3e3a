"""The archiver's shell: enriched articles into a store, the store committed before the bus."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from newsmill.archiver.core.fold import row_of
from newsmill.archiver.store import Keeper, StoreFenced
from newsmill.archiver.stores import DEFAULT, open_wanted, store_of
from newsmill.archiver.warc import RawPage, WarcArchive
from newsmill.bus.base import Fenced, Mark, Member, Place, Record
from newsmill.errors import BadRecord
from newsmill.process.drain import Drain
from newsmill.process.host import Desk, serve
from newsmill.process.settings import Settings
from newsmill.process.steps import Result
from newsmill.process.telemetry import Telemetry
from newsmill.process.work import Inline
from newsmill.records import Page, decode, decompress
from newsmill.topics import ENRICHED, PAGES
from newsmill.urls import host_of

STAGE: Final = "archiver"


class Archiving(Inline):
    """Keeps rows until their step, then writes them with the positions that they reach."""

    def __init__(
        self, store: Keeper[Any], log_identity: str, log: Telemetry, *, name: str = DEFAULT
    ) -> None:
        super().__init__(STAGE, self.step)
        self._name = name
        self._store = store
        self._identity = log_identity
        self._log = log
        self._stored: dict[Place, int] = {}  # what the store has reached
        self._rows: dict[Place, dict[int, Any]] = {}

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


def run(settings: Settings) -> int:
    """Serve as an archiver until told to stop; gives the exit code."""
    wanted = store_of(settings)

    def work(desk: Desk) -> None:
        desk.log.store = None if wanted.is_default else wanted.name
        archiving: Archiving
        if wanted.is_archive:
            archive = WarcArchive(settings.archive_path, settings.lane)
            archiving = Keeping(archive, desk.bus.identity, desk.log, name=wanted.name)
        else:
            store = open_wanted(wanted, settings)
            archiving = Archiving(store, desk.bus.identity, desk.log, name=wanted.name)
        Drain(STAGE, desk.member, archiving, desk.bus.burst, desk.log, desk.life).run()

    topic = PAGES if wanted.is_archive else ENRICHED
    return serve(STAGE, wanted.group, [topic], settings, work)
