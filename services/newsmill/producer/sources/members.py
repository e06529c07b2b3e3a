"""Compressed files member by member: where each begins and ends, and which parts are damaged.

Readers of gzip end without a word in a file that is cut, and lose the rest of one with a flipped
byte (measured on three of them); here a cut is an error with its position, and reading goes on at
the next member. A member is a gzip member or a zstd frame; an uncompressed file is one member.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from io import BufferedReader
from typing import Any, NamedTuple, Protocol

import zstandard

CHUNK = 1 << 17
GZIP = b"\x1f\x8b\x08"
ZSTD = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = (0x184D2A50, 0x184D2A5F)
_DICTIONARY = 0x184D2A5D  # a dictionary for the frames after it, as zstd WARC files have it
_MAX_DICTIONARY = 8 << 20


class Part(NamedTuple):
    """Some bytes of a member; ``error`` says why the rest of it cannot be had."""

    member: int  # byte of the file where the member begins
    data: bytes
    ends: bool = False  # the member is whole with these
    error: str | None = None
    resumes: int | None = None  # after an error: byte of the file where reading goes on
    cut: bool = False  # the error is that it ends too soon: what came before it is sound


class _Decoder(Protocol):
    @property
    def unused_data(self) -> bytes: ...

    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, /) -> bytes: ...


def parts(file: BufferedReader, start: int, magic: bytes = b"") -> Iterator[Part]:
    """The members of a file from the one that begins at byte ``start``.

    ``magic`` begins what a member holds: after damage only such a member is taken for one.
    """
    mark = compression(file)
    if mark:
        yield from _Members(file, magic, mark).read(start)
        return
    file.seek(start)
    while chunk := file.read(CHUNK):
        yield Part(start, chunk)
    yield Part(start, b"", ends=True)


def compression(file: BufferedReader) -> bytes:
    """The magic of what a file is compressed with, by its name or first bytes; else nothing."""
    file.seek(0)
    head = file.read(4)
    name = str(file.name).lower()
    if name.endswith(".gz") or head[:3] == GZIP:
        return GZIP
    if name.endswith(".zst") or head == ZSTD or _is_skippable(head):
        return ZSTD
    return b""


def _is_skippable(head: bytes) -> bool:
    return len(head) == 4 and _SKIPPABLE[0] <= int.from_bytes(head, "little") <= _SKIPPABLE[1]


class _Members:
    """Reads on after a damaged member, at the next that holds what it should."""

    def __init__(self, file: BufferedReader, holds: bytes, mark: bytes) -> None:
        self._file = file
        self._holds = holds
        self._mark = mark
        self._dictionary: Any = None

    def read(self, start: int) -> Iterator[Part]:
        position = self._dictionary_end() if self._mark == ZSTD else 0
        position = max(position, start)
        while True:
            self._file.seek(position)
            if not self._file.peek(1):
                return
            skipped = self._skippable(position)
            if skipped:
                position = skipped
                continue
            for part in self._member(position):
                yield part
            if part.resumes is None:
                return
            position = part.resumes

    def _member(self, position: int) -> Iterator[Part]:
        """One member; the last part says where the next begins."""
        decoder = self._decoder()
        taken = 0
        try:
            while chunk := self._file.read(CHUNK):
                taken += len(chunk)
                data = decoder.decompress(chunk)
                if decoder.eof:
                    after = position + taken - len(decoder.unused_data)
                    yield Part(position, data, ends=True, resumes=after)
                    return
                yield Part(position, data)
        except (zlib.error, zstandard.ZstdError) as error:
            why = str(error).rpartition(": ")[2]
            yield Part(position, b"", error=f"damaged: {why}", resumes=self._next(position + 1))
            return
        # A flipped bit can hide a member's end, and what follows is then read as more of it.
        if (following := self._next(position + 1)) is not None:
            yield Part(position, b"", error="damaged: it does not end", resumes=following)
        else:
            yield Part(position, b"", error="the file ends in the middle of it", cut=True)

    def _decoder(self) -> _Decoder:
        if self._mark == GZIP:
            return zlib.decompressobj(31)
        decompressor = zstandard.ZstdDecompressor(dict_data=self._dictionary)
        decoder: _Decoder = decompressor.decompressobj()
        return decoder

    def _next(self, position: int) -> int | None:
        """Where the next member begins that can be read and holds what it should."""
        keep = len(self._mark) - 1
        self._file.seek(position)
        buffer = b""
        while chunk := self._file.read(CHUNK):
            buffer += chunk
            found = buffer.find(self._mark)
            while found >= 0:
                if self._begins(position + found):
                    return position + found
                found = buffer.find(self._mark, found + 1)
            position += len(buffer) - keep
            buffer = buffer[-keep:]
            self._file.seek(position + keep)
        return None

    def _begins(self, position: int) -> bool:
        before = self._file.tell()
        self._file.seek(position)
        try:
            data = self._decoder().decompress(self._file.read(4096))
        except (zlib.error, zstandard.ZstdError):
            return False
        finally:
            self._file.seek(before)
        return data.startswith(self._holds)

    def _skippable(self, position: int) -> int | None:
        head = self._file.read(8)
        self._file.seek(position)
        if self._mark != ZSTD or not _is_skippable(head[:4]) or len(head) < 8:
            return None
        return position + 8 + int.from_bytes(head[4:], "little")

    def _dictionary_end(self) -> int:
        """Take the dictionary at the file's start, where there is one; where it ends."""
        self._file.seek(0)
        head = self._file.read(8)
        size = int.from_bytes(head[4:], "little")
        if int.from_bytes(head[:4], "little") != _DICTIONARY or size > _MAX_DICTIONARY:
            return 0
        raw = self._file.read(size)
        if raw[:4] == ZSTD:
            raw = zstandard.ZstdDecompressor().decompress(raw, max_output_size=_MAX_DICTIONARY)
        self._dictionary = zstandard.ZstdCompressionDict(raw)
        return 8 + size
