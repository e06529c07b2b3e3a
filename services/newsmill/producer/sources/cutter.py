"""Cuts WARC records out of the bytes of a file's members, and names what is none."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from newsmill.errors import BadRecord, Death
from newsmill.producer.sources.base import MAX_RAW, At, Item
from newsmill.producer.sources.members import Part

MAGIC = b"WARC/"
MAX_HEADER = 1 << 21  # the archive keeps a page record's metadata in it
MAX_LOST = 1 << 16  # bytes of a damaged part that its dead letter keeps

_LENGTH = re.compile(rb"\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r?\n", re.I)
_PAGES = re.compile(rb"\nwarc-type:[ \t]*(?:response|resource|revisit)[ \t]*\r?\n", re.I)


class Cutter:
    """Holds what has come of a record until it is whole.

    ``is_one``: the file is one member, and reading may go on at the byte of any record; else at the
    start of a member, where ``At.inner`` records are then passed over.
    """

    def __init__(self, at: At, *, is_one: bool) -> None:
        self._at = at
        self._is_one = is_one
        self._member = at.byte
        self._inner = 0
        self._skip = at.inner
        self._buffer = bytearray()
        self._passed = 0  # bytes of the member before the buffer
        self._large = 0  # bytes still to come of a record too large to hold
        self._bad = -1  # where, in the member, what is no record began
        self._held: deque[Item] = deque()  # until the checksum of their member is known
        self._held_bytes = 0

    def push(self, part: Part) -> Iterator[Item]:
        """The records and the damage that are sure with this part."""
        if part.member != self._member:
            self._begin(part.member)
        self._buffer += part.data
        while (item := self._next()) is not None:
            if item.number:
                self._held.append(item)
                self._held_bytes += len(item.raw)
        if part.error is not None and not part.cut:
            self._held.clear()  # of a damaged member no record can be trusted
        keep = 0 if self._is_one or part.ends or part.error is not None else MAX_RAW
        while self._held and (keep == 0 or self._held_bytes > keep):
            item = self._held.popleft()
            self._held_bytes -= len(item.raw)
            yield item
        if part.error is not None:
            yield self._broken(part.error, part.resumes)
        elif part.ends and (self._large or self._bad >= 0 or self._buffer.strip(b"\r\n")):
            yield self._broken("the file ends in the middle of a record", part.resumes)
        if part.resumes is not None:
            self._begin(part.resumes)

    def _begin(self, member: int) -> None:
        self._member, self._inner, self._passed = member, 0, 0
        self._large, self._bad, self._skip = 0, -1, 0
        self._buffer.clear()
        self._held.clear()
        self._held_bytes = 0

    def _next(self) -> Item | None:
        """The next record; one of number 0 is passed over, None asks for more bytes."""
        if self._large:
            gone = min(self._large, len(self._buffer))
            self._large -= gone
            self._drop(gone)
        if self._bad < 0:
            self._drop(len(self._buffer) - len(self._buffer.lstrip(b"\r\n")))
        if self._large or len(self._buffer) < len(MAGIC):
            return None
        if self._bad >= 0 or not self._buffer.startswith(MAGIC):
            return self._resync()
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 and len(self._buffer) < MAX_HEADER:
            return None
        length = _LENGTH.search(self._buffer, 0, end + 2) if end >= 0 else None
        if length is None:
            return self._resync()
        return self._record(end, end + 4 + int(length[1]))

    def _record(self, end: int, size: int) -> Item | None:
        """The record whose header ends at ``end`` of the buffer."""
        if size <= MAX_RAW and len(self._buffer) < size:
            return None
        start = self._place()
        is_page = _PAGES.search(self._buffer, 0, end + 2) is not None
        raw = bytes(self._buffer[: min(size, MAX_RAW)])
        damage = None
        if size > MAX_RAW:
            damage = BadRecord("too_large", f"byte {start}: a record of {size} bytes")
            raw, self._large = raw[: end + 2], size
        else:
            self._drop(size)
        after = self._passed + (size if damage else 0)
        return self._count(start, raw if is_page else b"", damage if is_page else None, after)

    def _resync(self) -> Item | None:
        """Pass over what is no record, to where one may begin."""
        if self._bad < 0:
            self._bad = self._passed
        found = self._buffer.find(b"\n" + MAGIC)
        if found < 0:
            self._drop(max(0, len(self._buffer) - len(MAGIC)))
            return None
        self._drop(found + 1)
        start, self._bad = self._bad, -1
        where = f"byte {start} to {self._passed}"
        if not self._is_one:
            where += f" of the member at byte {self._member}"
        damage = BadRecord("source_damaged", f"{where}: no WARC record")
        return self._count(self._place(), b"", damage, self._passed)

    def _broken(self, why: str, resumes: int | None) -> Item:
        """The rest of the member is lost; without ``resumes`` that of the file is."""
        reason: Death = "source_cut" if resumes is None else "source_damaged"
        place = self._place() if self._bad < 0 or not self._is_one else self._bad
        until = "the end" if resumes is None else f"byte {resumes}"
        damage = BadRecord(reason, f"byte {place} to {until}: {why}")
        item = self._count(place, bytes(self._buffer[:MAX_LOST]), damage, self._passed)
        at = item.at if resumes is None else replace(item.at, byte=resumes, inner=0)
        self._at = at
        return item._replace(at=at)

    def _count(self, start: int, raw: bytes, damage: BadRecord | None, after: int) -> Item:
        """The item, where it was not taken before; one without bytes or damage is passed over."""
        self._inner += 1
        if self._inner <= self._skip:
            return Item(0, start, self._at, b"")
        byte, inner = (self._member + after, 0) if self._is_one else (self._member, self._inner)
        self._at = replace(self._at, number=self._at.number + 1, byte=byte, inner=inner)
        number = self._at.number if raw or damage else 0
        return Item(number, start, self._at, raw, damage)

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        self._passed += count

    def _place(self) -> int:
        """Where the buffer begins, as a byte of the file: of a compressed one, its member."""
        return self._member + self._passed if self._is_one else self._member
