"""The producer of a replay: its world is files of the past, each read once, to the record."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import orjson

from newsmill.bus.base import Change, Place, Record
from newsmill.errors import BadRecord, Misconfigured
from newsmill.process.denied import Following
from newsmill.process.host import Desk, serve
from newsmill.process.pages import page_output
from newsmill.process.settings import Settings
from newsmill.process.steps import Result, rejected
from newsmill.process.telemetry import Telemetry
from newsmill.process.tend import Tend
from newsmill.process.tender import Finished
from newsmill.producer.outcomes import published
from newsmill.producer.pace import Pace
from newsmill.producer.sources import At, Item, Ready, Source, Unpaged, expand, source_of
from newsmill.records import Entry, Page
from newsmill.topics import FEEDS_STATE, Topic
from newsmill.urls import host_of

STAGE: Final = "producer"
PLACE: Final = Place(FEEDS_STATE.name, 0)  # one reader a lane: whoever owns this partition
CHUNK_ITEMS = 50
CHUNK_BYTES = 4 << 20
AHEAD = 4  # chunks that may wait for their commit
PROGRESS_S = 2.0

_AT = msgspec.json.Decoder(At)


class Reader:
    """Tends the positions in the sources, taken in order of path."""

    stage: Final = STAGE
    state: Topic = FEEDS_STATE

    def __init__(
        self,
        sources: Sequence[tuple[Path, str]],
        settings: Settings,
        log: Telemetry,
        following: Following | None = None,
    ) -> None:
        self._log = log
        self._following = following
        self._fetches = settings.fetch
        self._pace = Pace(settings.rate, settings.speed)
        found = [source_of(path, name, settings.bus_url) for path, name in sources]
        self._sources: dict[Path, Source] = {source.path: source for source in found}
        try:
            self._sizes = {source.path: source.size() for source in found}
        except OSError as error:
            raise Misconfigured(f"{error.filename}: {error.strerror}") from None
        self._at: dict[Path, At] = {}
        self._left: list[Path] = []  # sources not at their end, the last one first
        self._items: Iterator[Item] | None = None
        self._waiting: tuple[Item, Page | Entry | None, Result] | None = None  # for its time
        self._owned = False
        self._uncommitted = 0
        self._told = self._started = time.monotonic()
        self._byte: dict[Path, int] = {}  # where the reader is in each source
        self._first_byte = 0  # of all sources together, when this process began
        self._read_items = 0  # since then

    def assigned(self, place: Place, items: Iterable[tuple[bytes, bytes]]) -> None:
        """Go on where the lane's last reader was."""
        if place != PLACE:
            return
        self._owned = True
        kept = {key.decode(): _AT.decode(value) for key, value in items}
        for path, source in self._sources.items():
            head = source.head()
            at = self._at[path] = kept.get(str(path), At(head))
            if at.head != head and at.number:
                raise Misconfigured(
                    f"{path}: it is not the source that this lane began to read; take another lane"
                )
        self._byte = {path: at.byte for path, at in self._at.items()}
        self._first_byte = sum(self._byte.values())
        self._left = list(reversed(self._sources))

    def lost(self, place: Place) -> None:
        """Forget the positions: they may be those of a step that failed."""
        if place == PLACE:
            self._owned = False
            self._uncommitted = 0
            self._left, self._items, self._waiting = [], None, None

    def takes(self, place: Place) -> bool:
        """Nothing is delivered from state."""
        return False

    def intake(self, record: Record) -> Result | None:
        """Nothing is delivered from state."""
        return None

    def start_due(self) -> None:
        """Reading is done in ``done``, as far as steps keep up."""
        if self._following is not None:
            self._following.fresh()

    @property
    def in_flight(self) -> int:
        """More than 0 while there is something left to read."""
        return len(self._left) + self._uncommitted

    def done(self, timeout_s: float) -> list[Finished]:
        """The next items of the source that is being read, as pages."""
        if not self._left or self._uncommitted > AHEAD:
            time.sleep(min(timeout_s, 0.05))
            return []
        path = self._left[-1]
        results, at, is_over, wait_s = self._chunk(path)
        self._read_items += len(results)
        if results:
            self._at[path] = at
            self._uncommitted += 1
        if is_over:
            self._left.pop()
            self._items = None
        elif not results:
            time.sleep(min(timeout_s, wait_s))
        self._tell(path, is_over)
        if not results:
            return []
        return [Finished(place=PLACE, results=tuple(results), token=(path, at))]

    def _chunk(self, path: Path) -> tuple[list[Result], At, bool, float]:
        """What comes next in a source, where it ends, whether that is all, and how long to wait."""
        source, at = self._sources[path], self._at[path]
        if self._items is None:
            self._items = source.items(at)
        results: list[Result] = []
        size = 0
        while len(results) < CHUNK_ITEMS and size < CHUNK_BYTES:
            if self._waiting is None:
                item = next(self._items, None)
                if item is None:
                    return results, at, True, 0.0
                self._waiting = (item, *self._read(source, item))
            item, page, result = self._waiting
            wait_s = self._pace.wait_s(page.fetched if isinstance(page, Page) else None)
            if wait_s:
                return results, at, False, wait_s
            self._waiting = None
            results.append(result)
            self._byte[path] = max(item.at.byte, item.start)  # packed lines have only the latter
            at = item.at
            size += len(item.raw)
        return results, at, False, 0.0

    def _read(self, source: Source, item: Item) -> tuple[Page | Entry | None, Result]:
        """What becomes of an item."""
        name = source.path.name
        facts: dict[str, Any] = {"source": name, "offset": item.number, "bytes": len(item.raw)}
        try:
            if item.damage is not None:
                raise item.damage
            found = source.page(item)
            self._check_denied(found if isinstance(found, Entry) else found[0])
            if isinstance(found, Entry):
                return found, self._entry(found, facts)
            page = found[0]
            facts |= {"page_id": page.page_id, "url": page.url, "site": host_of(page.url)}
            output = found.output if isinstance(found, Ready) else page_output(*found)
            return page, Result(outcome="published", outputs=(output,), facts=facts)
        except Unpaged as other:
            outcome, reason, detail = other.outcome, other.reason, other.detail
            return None, Result(outcome=outcome, reason=reason, detail=detail, facts=facts)
        except BadRecord as error:
            bad = BadRecord(error.reason, f"{name} record {item.number}: {error.detail}")
            return None, rejected(_as_record(name, item), STAGE, bad, facts)

    def _check_denied(self, page: Page | Entry) -> None:
        """Raises BadRecord (``denied``) for what was taken down."""
        if self._following is not None:
            final_url = page.final_url if isinstance(page, Page) else None
            self._following.denied.check((page.page_id,), (page.url, final_url))

    def _entry(self, entry: Entry, facts: dict[str, Any]) -> Result:
        if not self._fetches:
            bad = "only an address; replay --fetch fetches it"
            return Result(outcome="refused", reason="no_body", detail=bad, facts=facts)
        result = published(entry)
        result.facts.update(facts)
        return result

    def changes(self, finished: Finished) -> tuple[Change, ...]:
        """How far the source is read."""
        path, at = finished.token
        return (Change(FEEDS_STATE, PLACE.partition, str(path).encode(), orjson.dumps(at)),)

    def committed(self, finished: Finished) -> None:
        """Another chunk may be read ahead."""
        self._uncommitted -= 1

    def vitals(self) -> dict[str, Any]:
        """Idle at the end of the last source."""
        return {"in_flight": self.in_flight, "idle": not self._owned or not self.in_flight}

    def _tell(self, path: Path, is_over: bool) -> None:
        now = time.monotonic()
        if now - self._told < PROGRESS_S and not is_over:
            return
        self._told = now
        size = self._sizes[path]
        if is_over:
            self._byte[path] = size
        seconds = now - self._started
        grown = sum(self._byte.values()) - self._first_byte
        left = sum(self._sizes.values()) - sum(self._byte.values())
        self._log.event(
            "source.progress",
            source=str(path),
            done=self._at[path].number,
            bytes=self._byte[path],
            total=size,
            rate=self._read_items / seconds if seconds else None,
            eta_s=left / grown * seconds if grown > 0 else None,
        )

    def close(self) -> None:
        """Let go of the source."""
        self._items = None


def _as_record(name: str, item: Item) -> Record:
    """An item as the record that a dead letter is made of."""
    return Record(
        topic=f"source:{name}",
        partition=0,
        offset=item.number,
        next=item.number + 1,
        key=f"{name}:{item.number}".encode(),
        value=item.raw,
        headers=(),
        timestamp_ms=0,
    )


def run(settings: Settings, given: Sequence[Path]) -> int:
    """Serve as the producer of a replay until told to stop; gives the exit code."""
    sources = expand(given)

    def work(desk: Desk) -> None:
        reader = Reader(sources, settings, desk.log, Following(desk.bus, settings))
        Tend(desk.member, reader, desk.bus.burst, desk.log, desk.life).run()

    return serve(STAGE, STAGE, [FEEDS_STATE], settings, work)
