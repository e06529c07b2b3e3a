"""Finds a process stopped inside a write transaction, which blocks all others, and kills it.

Run as a process of its own (``python detector.py DIR LEASE_S``) and of the standard library alone:
it never opens the database, since closing any descriptor of it would drop this process's locks, and
needs no help of the stopped process. SQLite takes its write lock as a POSIX lock on byte 120 of the
``-shm`` file, and its checkpoint lock on byte 121, so the kernel names the holder. It ends with the
process that started it, which holds the other end of its standard input.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import struct
import sys
import time
from pathlib import Path

LOCK_FILE = "detector.lock"
WRITE_BYTE = 120
CHECKPOINT_BYTE = 121
ROUND_S = 0.1

_FLOCK = "qqihh" if sys.platform == "darwin" else "hhqqi4x"


def holder(fd: int, byte: int) -> int | None:
    """The process that holds a POSIX lock on a byte of the file, None where nobody else does.

    0 or less where the holder cannot be seen from here (another pid namespace).
    """
    if sys.platform == "darwin":
        asked = struct.pack(_FLOCK, byte, 1, 0, fcntl.F_WRLCK, os.SEEK_SET)
        _, _, pid, kind, _ = struct.unpack(_FLOCK, fcntl.fcntl(fd, fcntl.F_GETLK, asked))
    else:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0)
        kind, _, _, _, pid = struct.unpack(_FLOCK, fcntl.fcntl(fd, fcntl.F_GETLK, asked))
    return None if kind == fcntl.F_UNLCK else int(pid)


def activity(pid: int) -> tuple[str, int] | None:
    """State letter and count of context switches of a process; None where they cannot be read."""
    state, switches = "", 0
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name == "State":
                state = value.split()[0]
            elif name.endswith("ctxt_switches"):
                switches += int(value)
    except (OSError, ValueError):
        return None
    return (state, switches) if state else None


class Watch:
    """Watches one lock byte: who held it, since when, and whether the holder moved."""

    def __init__(self, byte: int, lease_s: float) -> None:
        self._byte = byte
        self._lease_s = lease_s
        self._seen: tuple[int, int] | None = None
        self._since = 0.0

    def stuck(self, fd: int, now: float) -> int | None:
        """The process to be killed, if there is one: stopped, or unmoved for the lease."""
        pid = holder(fd, self._byte)
        moves = activity(pid) if pid and pid > 0 else None
        if pid is None or moves is None:
            self._seen = None
            return None
        state, switches = moves
        if self._seen != (pid, switches):
            self._seen, self._since = (pid, switches), now
        # A stopped checkpointer blocks nobody at once, so it is given the lease.
        at_once = state == "T" and self._byte == WRITE_BYTE
        if not at_once and (state == "t" or now - self._since < self._lease_s):
            return None  # t: under a debugger, which is somebody's business
        return pid if holder(fd, self._byte) == pid else None


def look(shm: Path, watches: list[Watch], now: float) -> int | None:
    """Look at the locks once; the process that was killed, if one was."""
    try:
        fd = os.open(shm, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None  # nobody has the database open
    try:
        for watch in watches:
            pid = watch.stuck(fd, now)
            if pid is not None:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
                    return pid
    finally:
        os.close(fd)
    return None


def main(directory: Path, lease_s: float) -> int:
    """Watch until standard input ends; at once 0 where another detector is at work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    guard = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.lockf(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return 0
    watches = [Watch(WRITE_BYTE, lease_s), Watch(CHECKPOINT_BYTE, lease_s)]
    parent = os.getppid()
    while os.getppid() == parent:
        ready, _, _ = select.select([0], [], [], ROUND_S)
        if ready and not os.read(0, 4096):
            break
        killed = look(directory / "bus.db-shm", watches, time.monotonic())
        if killed is not None:
            with contextlib.suppress(OSError):
                os.write(1, b"%d\n" % killed)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), float(sys.argv[2])))
