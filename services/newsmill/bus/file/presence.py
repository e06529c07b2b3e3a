"""Who is there: a byte lock and a heartbeat counter a member, shared by all of this process.

A member holds one byte of the file ``members`` by a POSIX lock, which the kernel frees at its
death, so that a killed member is known at once. One that is stopped or hung is known by its counter
in the file ``beats``: whoever watches it notes the value under his own clock, so that no two clocks
are compared.

POSIX locks belong to the process, and closing any descriptor of a file drops them all: hence one
descriptor a directory for the whole process, kept here.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import struct
import sys
import threading
from pathlib import Path

from newsmill.bus.file import detector

_COUNTER = struct.Struct("<Q")
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC

_rooms: dict[tuple[int, int, int], Presence] = {}
_door = threading.Lock()


class Presence:
    """The members of one directory, as this process sees them and takes part."""

    def __init__(self, directory: Path, key: tuple[int, int, int]) -> None:
        self.directory = directory
        self._key = key
        self._uses = 0
        self._members = os.open(directory / "members", _FLAGS, 0o644)
        self._beats = os.open(directory / "beats", _FLAGS, 0o644)
        self._mine: dict[int, int] = {}  # incarnation → beats so far
        self._guard = Guard(directory)

    def hold(self, incarnation: int) -> None:
        """Be there as this incarnation, until released or dead."""
        fcntl.lockf(self._members, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, incarnation)
        self._mine[incarnation] = 0

    def release(self, incarnation: int) -> None:
        """Be there no longer."""
        if self._mine.pop(incarnation, None) is not None:
            fcntl.lockf(self._members, fcntl.LOCK_UN, 1, incarnation)

    def is_there(self, incarnation: int) -> bool:
        """Whether the process of that incarnation lives and has not let go of it."""
        return incarnation in self._mine or detector.holder(self._members, incarnation) is not None

    def beat(self, incarnation: int) -> None:
        """Say that this incarnation is at work."""
        count = self._mine.get(incarnation)
        if count is not None:
            self._mine[incarnation] = count + 1
            with contextlib.suppress(OSError):  # a full disk must not end a member that lives
                os.pwrite(self._beats, _COUNTER.pack(count + 1), incarnation * 8)

    def beats(self, incarnation: int) -> int:
        """How often it has said so."""
        data = os.pread(self._beats, 8, incarnation * 8)
        count: int = _COUNTER.unpack(data)[0] if len(data) == 8 else 0
        return count

    def guard(self, lease_s: float) -> list[int]:
        """See to it that a detector is at work; the processes that ours has killed since."""
        with _door:
            return self._guard.tend(lease_s)

    def close(self) -> None:
        """Leave the directory; the last user in this process closes its files."""
        with _door:
            self._uses -= 1
            if self._uses == 0:
                del _rooms[self._key]
                self._guard.close()
                os.close(self._members)
                os.close(self._beats)


def enter(directory: Path) -> Presence:
    """The presence of this process in a directory, one however often it is entered."""
    with _door:
        found = directory.stat()
        key = (os.getpid(), found.st_dev, found.st_ino)
        room = _rooms.get(key)
        if room is None:
            room = _rooms[key] = Presence(directory, key)
        room._uses += 1
        return room


class Guard:
    """Starts the detector where none is at work, hears what it did, takes it along at the end."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._pid = 0
        self._stdin = -1
        self._stdout = -1

    def tend(self, lease_s: float) -> list[int]:
        """Start one if there is none; the processes that ours has killed since."""
        killed = self._hear()
        if self._pid and self._has_ended():
            self._forget()
        if not self._pid and not self._at_work():
            with contextlib.suppress(
                OSError
            ):  # no room for a process now; the next look tries again
                self._start(lease_s)
        return killed

    def _has_ended(self) -> bool:
        try:
            return os.waitpid(self._pid, os.WNOHANG)[0] != 0
        except ChildProcessError:
            return True  # somebody who waits for every child has had it

    def _at_work(self) -> bool:
        fd = os.open(self._directory / detector.LOCK_FILE, _FLAGS, 0o644)
        try:
            return detector.holder(fd, 0) is not None
        finally:
            os.close(fd)

    def _start(self, lease_s: float) -> None:
        theirs_in, self._stdin = os.pipe()
        self._stdout, theirs_out = os.pipe()
        os.set_blocking(self._stdout, False)
        program = str(Path(detector.__file__))
        try:
            self._pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-I", "-S", program, str(self._directory), str(lease_s)],
                os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, theirs_in, 0),
                    (os.POSIX_SPAWN_DUP2, theirs_out, 1),
                    (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                ],
                setsid=True,  # a Ctrl-Z meant for the workers must not stop it
            )
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
            if not self._pid:
                self._forget()

    def _hear(self) -> list[int]:
        if self._stdout >= 0:
            with contextlib.suppress(BlockingIOError):
                return [int(pid) for pid in os.read(self._stdout, 4096).split()]
        return []

    def _forget(self) -> None:
        os.close(self._stdin)
        os.close(self._stdout)
        self._pid, self._stdin, self._stdout = 0, -1, -1

    def close(self) -> None:
        """End the detector, if it is ours; another member starts its own."""
        if self._pid:
            pid = self._pid
            self._forget()
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)  # it holds nothing, and may be stopped
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
