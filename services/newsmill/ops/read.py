"""Log lines from files, folders and standard input, of all processes together in the order of time.

A folder stands for every log file in it, or, where it has none, in the folders in it (one a lane).
Rotated (``.1``, ``.2``) and packed (``.gz``, ``.zst``)
parts of one file are read as one, oldest first. Lines of one file keep their order whatever its
clock did. A file that is still being written is read as far as it was at the start.
"""

from __future__ import annotations

import gzip
import os
import re
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from io import BufferedReader
from itertools import chain
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from newsmill.errors import Misconfigured
from newsmill.ops.lines import Line, parse_all
from newsmill.ops.merge import in_order, merged

BLOCK = 1 << 20
LEAST_BLOCK = 1 << 16
BLOCKS_IN_ALL = 8 << 20  # bytes in hand, of all files together
MAX_LINE = 1 << 20  # bytes; what is longer is cut, and then no line of ours
MAX_OPEN = 200  # files opened at the start, so that a rotation meanwhile hides nothing

_NAME = re.compile(r"(?P<base>.+?)(?:\.(?P<number>\d+))?(?P<packed>\.gz|\.zst)?")
_LOG_NAME = re.compile(r".+\.(?:jsonl|log)(?:\.\d+)?(?:\.gz|\.zst)?")


class Logs:
    """The lines of some files, folders or ``-`` (standard input), merged by time.

    It can be gone through again unless it reads standard input (``once``). ``problems`` says, after
    a reading, which files could not be read to their end. Raises Misconfigured for a path that is
    not there, or a folder without logs.
    """

    def __init__(self, paths: Sequence[Path | str]) -> None:
        self.problems: list[str] = []
        self.foreign = 0
        self.once = False
        found: list[Path] = []
        for path in map(Path, paths or ["-"]):
            if str(path) == "-":
                self.once = True
            elif path.is_dir():
                inside = _inside(path) or [
                    log for one in sorted(path.iterdir()) for log in _inside(one)
                ]
                if not inside:
                    raise Misconfigured(f"{path}: no log files in it")
                found += inside
            elif path.exists():
                found.append(path)
            else:
                raise Misconfigured(f"{path}: no such file or folder")
        self._chains = _chains(found)

    def __iter__(self) -> Iterator[bytes]:
        """The lines as they were written, torn and foreign ones too; each file as it is now."""
        return self.having(())

    def having(self, needles: Sequence[bytes]) -> Iterator[bytes]:
        """The lines in which one of these stands, as they were written; of none: all lines."""
        streams = [_split(stream, needles) for stream in self._streams(BLOCK)]
        return streams[0] if len(streams) == 1 else merged(streams)

    def batches(self) -> Iterator[list[Line]]:
        """The lines of ours, many at a time; ``foreign`` grows by the others passed over."""
        self.foreign = 0
        count = len(self._chains) + self.once
        block = min(BLOCK, max(LEAST_BLOCK, BLOCKS_IN_ALL // max(1, count)))
        return in_order([self._parsed(stream) for stream in self._streams(block)])

    def _parsed(self, blocks: Iterable[bytes]) -> Iterator[list[Line]]:
        for block in _whole_lines(blocks):
            lines, foreign = parse_all(block)
            self.foreign += foreign
            yield lines

    def _streams(self, block: int) -> list[Iterator[bytes]]:
        """The bytes of each file with its rotated parts, and of standard input, in blocks."""
        self.problems.clear()
        few = sum(map(len, self._chains)) <= MAX_OPEN
        parts = [[_Part(path, self.problems, block) for path in some] for some in self._chains]
        if few:
            for part in chain.from_iterable(parts):
                part.open()
        streams: list[Iterator[bytes]] = [chain.from_iterable(some) for some in parts]
        if self.once:
            piped = cast(BufferedReader, sys.stdin.buffer)
            streams.append(iter(partial(piped.read1, block), b""))
        return streams


def _inside(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _LOG_NAME.fullmatch(path.name))


def _chains(paths: Sequence[Path]) -> list[list[Path]]:
    """The paths, each given once, the parts of a rotated file together and the oldest first."""
    chains: dict[Path, dict[Path, int]] = {}
    for path in paths:
        name = _NAME.fullmatch(path.name)
        base, number = (name["base"], int(name["number"] or 0)) if name else (path.name, 0)
        chains.setdefault(path.with_name(base), {})[path] = number
    return [sorted(parts, key=lambda path: -parts[path]) for parts in chains.values()]


class _Part:
    """One file of a chain: opened early, read late, closed at its end."""

    def __init__(self, path: Path, problems: list[str], block: int) -> None:
        self._path = path
        self._problems = problems
        self._block = block
        self._file: BinaryIO | None = None

    def open(self) -> None:
        try:
            self._file = self._path.open("rb")
            self._size = os.fstat(self._file.fileno()).st_size
        except OSError as error:
            self._problems.append(f"{self._path}: {error.strerror}")

    def __iter__(self) -> Iterator[bytes]:
        if self._file is None:
            self.open()
        if self._file is None:
            return
        last = b"\n"
        with self._file as file:
            try:
                for block in self._blocks(file):
                    last = block or last
                    yield block
            except (EOFError, OSError, zlib.error, zstandard.ZstdError) as error:
                self._problems.append(f"{self._path}: {error}")
        self._file = None
        if not last.endswith(b"\n"):
            yield b"\n"  # the next part does not go on with a line that a kill has cut

    def _blocks(self, file: BinaryIO) -> Iterator[bytes]:
        if self._path.suffix == ".gz":
            with gzip.GzipFile(fileobj=file) as packed:
                yield from iter(partial(packed.read1, self._block), b"")
        elif self._path.suffix == ".zst":
            yield from _unpacked(file, self._block)
        else:
            left = self._size
            while left > 0 and (block := file.read(min(self._block, left))):
                left -= len(block)
                yield block


def _unpacked(file: BinaryIO, size: int) -> Iterator[bytes]:
    """What the zstd frames of a file hold; raises EOFError where the last one is cut."""
    frame = None
    while block := file.read(size // 8):
        while block:
            frame = frame or zstandard.ZstdDecompressor().decompressobj()
            yield frame.decompress(block)
            block = frame.unused_data if frame.eof else b""
            frame = None if frame.eof else frame
    if frame is not None:
        raise EOFError("the last frame is cut")


def _whole_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in blocks that end where lines do; a monstrous line is cut."""
    rest = b""
    for block in blocks:
        end = block.rfind(b"\n") + 1
        if end:
            yield rest + block[:end]
            rest = block[end:]
        else:
            rest = (rest + block)[:MAX_LINE]
    if rest:
        yield rest


def _split(blocks: Iterable[bytes], needles: Sequence[bytes]) -> Iterator[bytes]:
    """The lines of the blocks without their newlines, those with a needle where there are any."""
    for block in _whole_lines(blocks):
        here = [needle for needle in needles if needle in block]
        if needles and not here:
            continue
        lines = block.split(b"\n")
        if not lines[-1]:
            lines.pop()
        yield from (
            lines
            if not here
            else (line for line in lines if any(needle in line for needle in here))
        )
