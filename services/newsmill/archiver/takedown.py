"""Takes captures out of the raw archive: each is written over in place, by a tombstone as long.

Nothing moves, so that every other place that an index names stays true, ours and other readers'.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from newsmill.archiver.capture import tombstone
from newsmill.archiver.index import Capture, Index
from newsmill.errors import Misconfigured, TryLater
from newsmill.records import Denial

RETRY_S = 30.0
MOST_STORED = 65_535  # bytes of a block of a gzip member that is not compressed
_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # gzip, no time, no name
_AROUND = len(_HEAD) + 8  # checksum and length at its end
_OF_BLOCK = 5


def forget_captures(folder: Path, denials: Sequence[Denial]) -> int:
    """Take captures out of the archive in ``folder``, whoever writes to it; gives how many went.

    Raises TryLater while it cannot be written.
    """
    index = Index(folder)
    try:
        return take_down(folder, index, denials)
    finally:
        index.close()


def take_down(folder: Path, index: Index, denials: Sequence[Denial]) -> int:
    """Write over what is denied, then let the index know; cut short, it is done again."""
    removed = 0
    with index.step():
        for denial in index.unknown(denials):
            captures = index.named(denial)
            try:
                _overwrite(folder, captures, denial)
            except OSError as error:
                raise TryLater(f"archive {folder}: {error.strerror}", RETRY_S) from None
            index.deny(denial, captures)
            removed += len(captures)
    return removed


def _overwrite(folder: Path, captures: Iterable[Capture], denial: Denial) -> None:
    by_file: dict[str, list[Capture]] = {}
    for one in captures:
        by_file.setdefault(one.file, []).append(one)
    for name, its in sorted(by_file.items()):
        path = folder / name
        if not path.exists():
            raise Misconfigured(f"{path}: the index speaks of it, and it is not there")
        with path.open("r+b") as file:
            for one in its:
                file.seek(one.offset)
                file.write(stone(one.urn, denial, one.length))
            file.flush()
            os.fsync(file.fileno())


def stone(urn: str, denial: Denial, length: int) -> bytes:
    """A gzip member of exactly so many bytes that holds the tombstone of a record.

    It is not compressed, and padded inside: readers see an ordinary member. Raises ValueError where
    there is no room for one.
    """
    inside = length - _AROUND
    blocks = -(-inside // (MOST_STORED + _OF_BLOCK))
    record = tombstone(urn, denial.at, denial.reason, inside - _OF_BLOCK * blocks)
    each, longer = divmod(len(record), blocks)
    parts = [_HEAD]
    start = 0
    for number in range(blocks):
        data = record[start : start + each + (number < longer)]
        start += len(data)
        size = len(data).to_bytes(2, "little")
        parts += [bytes([number == blocks - 1]), size, bytes(255 - byte for byte in size), data]
    ends = (zlib.crc32(record), len(record) & 0xFFFFFFFF)
    return b"".join((*parts, *(end.to_bytes(4, "little") for end in ends)))
