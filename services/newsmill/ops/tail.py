"""Log lines as they are written: the files of some folders, and a stream, followed without an end.

A rotated file is read to its end under its old name before its successor is begun; a file that was
cut short is begun again; files that appear are taken up.
"""

from __future__ import annotations

import os
import select
from collections.abc import Iterator, Sequence
from pathlib import Path

from newsmill.errors import Misconfigured
from newsmill.ops.read import BLOCK, MAX_LINE

_ENDINGS = (".jsonl", ".log")


class Tail:
    """New lines of files, of all log files in folders, and of ``stream`` (a file descriptor)."""

    def __init__(
        self, paths: Sequence[Path], stream: int | None = None, *, from_start_bytes: int = 1 << 24
    ) -> None:
        """``from_start_bytes`` of what a file holds at the start are read too: its recent past.

        Raises Misconfigured for a path that is not there.
        """
        for path in paths:
            if not path.exists():
                raise Misconfigured(f"{path}: no such file or folder")
        self._paths = paths
        self._stream = stream
        self._past = from_start_bytes
        self._files: dict[Path, _File] = {}
        self._rest = b""

    def lines(self) -> Iterator[bytes]:
        """What was written since the last call; files one after another, each in its order."""
        for path in self._present():
            file = self._files.get(path)
            if file is None:
                file = _File.opened(path, self._past)
                if file is None:
                    continue
                self._files[path] = file
            yield from file.lines()
            if file.has_a_successor(path):
                yield from file.lines()  # what came between the two looks
                file.close()
                self._files.pop(path)
        if self._stream is not None:
            yield from self._streamed(self._stream)

    def _present(self) -> Iterator[Path]:
        for path in self._paths:
            if not path.is_dir():
                yield path
                continue
            for folder in (path, *sorted(path.iterdir())):  # one folder a lane
                if folder.is_dir():
                    yield from sorted(p for p in folder.iterdir() if p.suffix in _ENDINGS)

    def _streamed(self, stream: int) -> Iterator[bytes]:
        while select.select([stream], [], [], 0)[0]:
            block = os.read(stream, BLOCK)
            if not block:
                self._stream = None
                return
            *lines, rest = (self._rest + block).split(b"\n")
            self._rest = rest[:MAX_LINE]
            yield from lines

    @property
    def is_streaming(self) -> bool:
        """Whether the stream has not ended."""
        return self._stream is not None

    def close(self) -> None:
        """Close all files."""
        for file in self._files.values():
            file.close()
        self._files.clear()


class _File:
    """One open file, and the start of a line that has no end yet."""

    def __init__(self, number: int, inode: int) -> None:
        self._number = number
        self._inode = inode
        self._rest = b""
        self._is_in_a_line = False  # the rest of a line comes first whose start was not read

    @staticmethod
    def opened(path: Path, past: int) -> _File | None:
        """The file, set ``past`` bytes before its end; None where it went meanwhile."""
        try:
            number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        told = os.fstat(number)
        file = _File(number, told.st_ino)
        if told.st_size > past:
            os.lseek(number, told.st_size - past, os.SEEK_SET)
            file._is_in_a_line = True
        return file

    def lines(self) -> Iterator[bytes]:
        while block := os.read(self._number, BLOCK):
            *lines, rest = (self._rest + block).split(b"\n")
            self._rest = rest[:MAX_LINE]
            if self._is_in_a_line and lines:
                self._is_in_a_line = False
                del lines[0]
            yield from lines

    def has_a_successor(self, path: Path) -> bool:
        """Whether the name stands for another file now, or this one was cut short."""
        try:
            told = path.stat()
        except OSError:
            return True
        return told.st_ino != self._inode or told.st_size < os.lseek(self._number, 0, os.SEEK_CUR)

    def close(self) -> None:
        os.close(self._number)
