"""The producer of a replay: its world is files of page lines, read once, to the record."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
import orjson

from newsmill.bus.base import Change, Place, Record
from newsmill.errors import BadRecord, Misconfigured, Reason
from newsmill.process.host import Desk, serve
from newsmill.process.pages import page_output, read_line
from newsmill.process.settings import Settings
from newsmill.process.steps import Result, rejected
from newsmill.process.telemetry import Telemetry
from newsmill.process.tend import Tend
from newsmill.process.tender import Finished
from newsmill.topics import FEEDS_STATE, Topic
from newsmill.urls import host_of

STAGE: Final = "producer"
PLACE: Final = Place(FEEDS_STATE.name, 0)  # one reader a lane: whoever owns this partition
CHUNK_LINES = 50
CHUNK_BYTES = 4 << 20
MAX_LINE = 16 << 20
HEAD = 1 << 16  # bytes by which a source is known again
PROGRESS_S = 2.0


@dataclass(frozen=True, slots=True)
class _Read:
    """How far a source is read: the state of a replay."""

    head: str  # digest of its first bytes
    line: int
    byte: int


@dataclass(frozen=True, slots=True)
class _Error:
    reason: Reason


@dataclass(frozen=True, slots=True)
class _ErrorLine:
    error: _Error


_READ = msgspec.json.Decoder(_Read)
_ERROR = msgspec.json.Decoder(_ErrorLine)


class Reader:
    """Tends the positions in the sources, taken in order of path."""

    stage: Final = STAGE
    state: Topic = FEEDS_STATE

    def __init__(self, sources: Sequence[Path], log: Telemetry) -> None:
        self._paths = sorted({path.resolve() for path in sources})
        self._log = log
        try:
            self._sizes = {path: path.stat().st_size for path in self._paths}
        except OSError as error:
            raise Misconfigured(f"{error.filename}: {error.strerror}") from None
        self._read: dict[Path, _Read] = {}
        self._file: tuple[Path, BinaryIO] | None = None
        self._owned = False
        self._uncommitted = 0
        self._told = time.monotonic()

    def assigned(self, place: Place, items: Iterable[tuple[bytes, bytes]]) -> None:
        """Go on where the lane's last reader was."""
        if place != PLACE:
            return
        self._owned = True
        self._read = {}
        kept = {key.decode(): _READ.decode(value) for key, value in items}
        for path in self._paths:
            head = _head(path)
            read = self._read[path] = kept.get(str(path), _Read(head, 0, 0))
            if read.head != head and read.byte:
                raise Misconfigured(
                    f"{path}: it is not the file that this lane began to read; take another lane"
                )

    def lost(self, place: Place) -> None:
        """Forget the positions: they may be those of a step that failed."""
        if place == PLACE:
            self._owned = False
            self._uncommitted = 0
            self._close()

    def takes(self, place: Place) -> bool:
        """Nothing is delivered from state."""
        return False

    def intake(self, record: Record) -> Result | None:
        """Nothing is delivered from state."""
        return None

    def start_due(self) -> None:
        """Reading is done in ``done``, as far as steps keep up."""

    @property
    def in_flight(self) -> int:
        """1 while there is something left to read."""
        return int(self._current() is not None) + self._uncommitted

    def _current(self) -> Path | None:
        if not self._owned:
            return None
        return next((p for p in self._paths if self._read[p].byte < self._sizes[p]), None)

    def done(self, timeout_s: float) -> list[Finished]:
        """The next lines of the source that is being read, as pages."""
        path = self._current()
        if path is None or self._uncommitted > 4:
            time.sleep(min(timeout_s, 0.05))
            return []
        if self._file is None or self._file[0] != path:
            self._close()
            opened = path.open("rb")
            opened.seek(self._read[path].byte)
            self._file = (path, opened)
        file = self._file[1]
        read = self._read[path]
        results: list[Result] = []
        number, start = read.line, file.tell()
        while len(results) < CHUNK_LINES and file.tell() - start < CHUNK_BYTES:
            line = file.readline(MAX_LINE)
            if not line:
                break
            number += 1
            if line.strip():
                results.append(_page(path, number, line))
        self._read[path] = _Read(read.head, number, file.tell() if line else self._sizes[path])
        self._tell(path)
        self._uncommitted += 1
        return [Finished(place=PLACE, results=tuple(results), token=(path, self._read[path]))]

    def changes(self, finished: Finished) -> tuple[Change, ...]:
        """How far the source is read."""
        path, read = finished.token
        return (Change(FEEDS_STATE, PLACE.partition, str(path).encode(), orjson.dumps(read)),)

    def committed(self, finished: Finished) -> None:
        """Another chunk may be read ahead."""
        self._uncommitted -= 1

    def vitals(self) -> dict[str, Any]:
        """Idle at the end of the last source."""
        return {"in_flight": self.in_flight, "idle": not self._owned or not self.in_flight}

    def _tell(self, path: Path) -> None:
        now = time.monotonic()
        read, size = self._read[path], self._sizes[path]
        if now - self._told >= PROGRESS_S or read.byte >= size:
            self._told = now
            self._log.event(
                "source.progress", source=str(path), done=read.line, bytes=read.byte, total=size
            )

    def _close(self) -> None:
        if self._file is not None:
            self._file[1].close()
            self._file = None

    def close(self) -> None:
        """Let go of the source."""
        self._close()


def _page(path: Path, number: int, line: bytes) -> Result:
    facts: dict[str, Any] = {"offset": number, "bytes": len(line)}
    if (before := _failed_before(line)) is not None:
        return Result(outcome="refused", reason=before, facts=facts)
    try:
        page, body = read_line(line)
        facts |= {"page_id": page.page_id, "url": page.url, "site": host_of(page.url)}
        return Result(outcome="published", outputs=(page_output(page, body),), facts=facts)
    except BadRecord as error:
        source = Record(
            topic=f"source:{path.name}",
            partition=0,
            offset=number,
            next=number + 1,
            key=f"{path.name}:{number}".encode(),
            value=line.rstrip(b"\n"),
            headers=(),
            timestamp_ms=0,
        )
        bad = BadRecord(error.reason, f"{path.name} line {number}: {error.detail}")
        return rejected(source, STAGE, bad, facts)


def _failed_before(line: bytes) -> Reason | None:
    """The reason in a line that a filter wrote for one that failed; None for all others."""
    if b'"error"' not in line[:4096]:
        return None
    try:
        reason = _ERROR.decode(line).error.reason
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return reason


def _head(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.blake2b(file.read(HEAD), digest_size=16).hexdigest()


def run(settings: Settings, sources: Sequence[Path]) -> int:
    """Serve as the producer of a replay until told to stop; gives the exit code."""

    def work(desk: Desk) -> None:
        reader = Reader(sources, desk.log)
        Tend(desk.member, reader, desk.bus.burst, desk.log, desk.life).run()

    return serve(STAGE, STAGE, [FEEDS_STATE], settings, work)
