"""Where log lines go: a stream that may stop reading, and a rotated file of one process alone.

Neither ever raises or blocks for ever; each counts the lines that it had to drop.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROTATE_BYTES = 64 << 20
KEEP_FILES = 5
WRITE_DEADLINE_S = 5.0  # a reader that takes nothing for so long loses lines from then on


class Stream:
    """A file descriptor that others read, and perhaps write too (workers share standard error).

    Whole lines go in pieces of at most PIPE_BUF bytes, which a pipe takes whole or not at all, so
    that lines of several processes do not mix. A reader that takes nothing for WRITE_DEADLINE_S is
    waited for once; from then on lines are dropped at once until it reads again.
    """

    def __init__(self, fd: int) -> None:
        self.lost = 0
        self._fd = fd
        self._stuck = False
        self._torn = False  # the last line was cut: end it before the next
        self._own = -1  # a descriptor of our own
        self._pipe: tuple[int, int] | None = None  # upon this pipe

    def write(self, lines: Sequence[bytes]) -> None:
        """Write whole lines, each with its newline."""
        written = 0
        try:
            fd = self._unblocking()
            deadline = time.monotonic() + (0 if self._stuck else WRITE_DEADLINE_S)
            for count, piece in _pieces(lines):
                self._put(fd, piece, deadline)
                written += count
            self._stuck = False
        except TimeoutError:
            self._stuck = True
            self.lost += len(lines) - written
        except (OSError, ValueError):  # the reader is gone, or the descriptor is
            self.lost += len(lines) - written

    def _unblocking(self) -> int:
        """The descriptor, or for a pipe one of our own upon it that does not block.

        A pipe shared with other writers can fill up between the poll and the write; and the flag
        for not blocking cannot be set on the shared description, since the others would inherit
        it. Our own is kept for as long as the descriptor is of the same pipe.
        """
        found = os.fstat(self._fd)
        pipe = (found.st_dev, found.st_ino)
        if pipe == self._pipe:
            return self._own
        self.close()
        if not stat.S_ISFIFO(found.st_mode):
            return self._fd
        flags = os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            self._own = os.open(f"/proc/self/fd/{self._fd}", flags)
        except (FileNotFoundError, PermissionError):  # no /proc here, or another user's pipe
            return self._fd
        self._pipe = pipe
        return self._own

    def close(self) -> None:
        """Let our own descriptor go; the stream itself stays open."""
        if self._own >= 0:
            os.close(self._own)
        self._own, self._pipe = -1, None

    def _put(self, fd: int, piece: bytes, deadline: float) -> None:
        view = memoryview(b"\n" + piece if self._torn else piece)
        whole = len(view)
        poll = select.poll()
        poll.register(fd, select.POLLOUT)
        try:
            while view:
                if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                    raise TimeoutError
                try:
                    view = view[os.write(fd, view[: select.PIPE_BUF]) :]
                except BlockingIOError:  # room, but not for a whole piece
                    if time.monotonic() >= deadline:
                        raise TimeoutError from None
                    time.sleep(0.001)
        finally:
            if len(view) < whole:
                self._torn = bool(view)


def _pieces(lines: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines joined up to PIPE_BUF, and how many of them; a longer line is a piece of its own."""
    piece: list[bytes] = []
    size = 0
    for line in lines:
        if piece and size + len(line) > select.PIPE_BUF:
            yield len(piece), b"".join(piece)
            piece, size = [], 0
        piece.append(line)
        size += len(line)
    if piece:
        yield len(piece), b"".join(piece)


class RotatedFile:
    """A log file that never grows past ROTATE_BYTES; the older ones are ``.1``, ``.2`` and so on.

    The file is locked while it is open. Where another living process holds it (a predecessor that
    has not ended, another lane), the next free name is taken: ``fetcher-0_2.jsonl``.
    """

    def __init__(self, directory: Path, stem: str) -> None:
        self.lost = 0
        self._directory = directory
        self._stem = stem
        self._fd = -1
        self._size = 0
        self._torn = False
        self._path = directory / f"{stem}.jsonl"

    def write(self, lines: Sequence[bytes]) -> None:
        """Append whole lines; a full disk costs lines, not the worker."""
        data = b"".join(lines)
        try:
            if self._fd < 0:
                self._open()
            elif self._size + len(data) > ROTATE_BYTES and self._size:
                self._rotate()
            self._append(data)
        except OSError:
            self.lost += len(lines)

    def _append(self, data: bytes) -> None:
        view = memoryview(b"\n" + data if self._torn else data)
        whole = len(view)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        finally:
            self._size += whole - len(view)
            if len(view) < whole:
                self._torn = bool(view)

    def _open(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        for number in range(1, 1000):
            name = self._stem if number == 1 else f"{self._stem}_{number}"
            path = self._directory / f"{name}.jsonl"
            fd = _lock(path)
            if fd is None:
                continue
            self._fd, self._path = fd, path
            self._size = os.fstat(fd).st_size
            self._torn = bool(self._size) and os.pread(fd, 1, self._size - 1) != b"\n"
            return
        raise OSError(f"{self._stem}: no free name for a log file")

    def _rotate(self) -> None:
        for number in range(KEEP_FILES - 1, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            if older.exists():
                older.replace(self._path.with_name(f"{self._path.name}.{number + 1}"))
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        self.close()
        self._open()

    def close(self) -> None:
        """Let the file go."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _lock(path: Path) -> int | None:
    """Open and lock the file; None where another process holds it."""
    while True:
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        with contextlib.suppress(FileNotFoundError):
            if os.fstat(fd).st_ino == path.stat().st_ino:
                return fd
        os.close(fd)  # it was rotated away between the open and the lock
