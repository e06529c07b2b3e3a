"""Files of JSON lines, plain or compressed: pages, or addresses of pages to be fetched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BufferedReader
from pathlib import Path

import msgspec

from newsmill.errors import BadRecord, Reason
from newsmill.process.pages import page_of
from newsmill.producer.sources.base import MAX_RAW, At, FileSource, Item, Unpaged
from newsmill.producer.sources.members import compression, parts
from newsmill.records import Entry, Page, PageLine, decode
from newsmill.urls import identity, normalise


class _Error(msgspec.Struct):
    reason: Reason


class _ErrorLine(msgspec.Struct):
    error: _Error


_ERROR = msgspec.json.Decoder(_ErrorLine)


class LinesSource(FileSource):
    """One file of page lines."""

    def items(self, at: At) -> Iterator[Item]:
        """The lines, blank ones aside."""
        return numbered_lines(self.path, at)

    def page(self, item: Item) -> tuple[Page, bytes] | Entry:
        """The page of a line, or the entry of one without a body; raises BadRecord, Unpaged."""
        if (before := _failed_before(item.raw)) is not None:
            raise Unpaged("refused", before, "it failed in a filter before")
        line = decode(PageLine, item.raw)
        if line.url and line.body_b64 is None and line.html_b64 is None and line.text is None:
            return _entry(line.url, line.entry)
        return page_of(line)


def _entry(url: str, stated: Entry | None) -> Entry:
    try:
        url = normalise(url)
    except ValueError as error:
        raise BadRecord("decode", f"url: {error}") from None
    return stated or Entry(url=url, page_id=identity(url))


def numbered_lines(path: Path, at: At, *, keep_blank: bool = False) -> Iterator[Item]:
    """The lines of a file after ``at``, blank ones counted and left out.

    A compressed file is read from its start again: its lines may run on from one member to the
    next.
    """
    with path.open("rb") as file:
        if compression(file):
            yield from _decompressed(file, at, keep_blank)
        else:
            yield from _plain(file, at, keep_blank)


def _plain(file: BufferedReader, at: At, keep_blank: bool) -> Iterator[Item]:
    file.seek(at.byte)
    start = at.byte
    while line := file.readline(MAX_RAW):
        at = replace(at, number=at.number + 1, byte=start + len(line))
        damage = None
        if len(line) == MAX_RAW and not line.endswith(b"\n"):
            damage = BadRecord("too_large", f"byte {start}: a line of more than {MAX_RAW} bytes")
            line, at = line[:65536], replace(at, byte=_line_end(file))
        if damage or keep_blank or line.strip():
            yield Item(at.number, start, at, line.rstrip(b"\r\n"), damage)
        start = at.byte


def _line_end(file: BufferedReader) -> int:
    while (rest := file.readline(MAX_RAW)) and not rest.endswith(b"\n"):
        pass
    return file.tell()


def _decompressed(file: BufferedReader, at: At, keep_blank: bool) -> Iterator[Item]:
    skip, number = at.number, 0
    buffer = bytearray()
    for part in parts(file, 0):
        buffer += part.data
        while (end := buffer.find(b"\n")) >= 0 or len(buffer) > MAX_RAW:
            line = bytes(buffer[: end if end >= 0 else 65536])
            damage = None
            if end < 0:
                damage = BadRecord("too_large", f"line {number + 1}: more than {MAX_RAW} bytes")
                end = len(buffer) - 1
            del buffer[: end + 1]
            number += 1
            if number > skip and (damage or keep_blank or line.strip()):
                at = replace(at, number=number)
                yield Item(number, part.member, at, line, damage)
        if part.error is not None:
            number += 1
            lost, at = bytes(buffer[:65536]), replace(at, number=number)
            buffer.clear()
            reason: Reason = "source_cut" if part.resumes is None else "source_damaged"
            until = "the end" if part.resumes is None else f"byte {part.resumes}"
            bad = BadRecord(reason, f"byte {part.member} to {until}: {part.error}")
            if number > skip:
                yield Item(number, part.member, at, lost, bad)
    if buffer.strip() and number >= skip:
        yield Item(number + 1, 0, replace(at, number=number + 1), bytes(buffer))


def _failed_before(line: bytes) -> Reason | None:
    """The reason in a line that a filter wrote for one that failed; None for all others."""
    if b'"error"' not in line[:4096]:
        return None
    try:
        return _ERROR.decode(line).error.reason
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
