"""Watches a command and all processes that it starts: memory and CPU by worker, and their end.

Of each process the last CPU time seen counts, so that a figure lacks what a process used after the
last look at it: at most ``EVERY_S`` of each.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

EVERY_S = 0.25
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE_MB = resource.getpagesize() / 1e6


@dataclass(frozen=True, slots=True)
class Process:
    """One process as it is now."""

    pid: int
    parent: int
    cpu_s: float  # its own, without ended children
    rss_mb: float
    role: str | None  # of a newsmill worker


@dataclass(slots=True)
class Watched:
    """What was seen of a command: seconds and MB by role, and the CPU of each role in all."""

    took_s: float = 0.0
    memory: list[tuple[float, dict[str, float]]] = field(default_factory=list)
    cpu_s: dict[str, float] = field(default_factory=dict)
    exit_code: int | None = None  # None where it was killed

    @property
    def peak_mb(self) -> float:
        """The most that all processes held at once; shared pages count once a process."""
        return max((sum(roles.values()) for _, roles in self.memory), default=0.0)


class Tree:
    """A command that runs, with its descendants."""

    def __init__(self, command: Sequence[str], log: Path, **environment: str) -> None:
        self.watched = Watched()
        self._cpu: dict[int, tuple[str, float]] = {}
        self._begun = time.monotonic()
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env=os.environ | environment,
            )  # fmt: skip
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether it ended by itself within the time."""
        try:
            self.watched.exit_code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        self._end()
        return True

    def kill(self) -> int:
        """End all of its processes at one instant; gives how many there were."""
        pids = [process.pid for process in descendants(self._process.pid)]
        for pid in pids:
            _signal(pid, signal.SIGSTOP)  # none may start another or tidy up meanwhile
        for pid in pids:
            _signal(pid, signal.SIGKILL)
        self._process.wait()
        self._end()
        return len(pids)

    def _end(self) -> None:
        self._over.set()
        self._watcher.join()
        self.watched.took_s = time.monotonic() - self._begun

    def _watch(self) -> None:
        while not self._over.wait(EVERY_S):
            roles: dict[str, float] = {}
            for process in descendants(self._process.pid):
                known, _ = self._cpu.get(process.pid, ("command", 0.0))
                role = process.role or known  # one that has ended has no words any more
                roles[role] = roles.get(role, 0.0) + process.rss_mb
                self._cpu[process.pid] = (role, process.cpu_s)
            self.watched.memory.append((time.monotonic() - self._begun, roles))
            total: dict[str, float] = {}
            for role, cpu_s in self._cpu.values():
                total[role] = total.get(role, 0.0) + cpu_s
            self.watched.cpu_s = total


def descendants(root: int) -> list[Process]:
    """The process and all below it; a child of a worker has the worker's role."""
    found = {process.pid: process for process in _processes()}
    below: dict[int, list[int]] = {}
    for process in found.values():
        below.setdefault(process.parent, []).append(process.pid)
    taken: list[Process] = []
    waiting: list[tuple[int, str | None]] = [(root, None)]
    while waiting:
        pid, role = waiting.pop()
        if pid in found:
            one = found[pid]
            role = one.role or role
            taken.append(Process(pid, one.parent, one.cpu_s, one.rss_mb, role))
            waiting += [(child, role) for child in below.get(pid, ())]
    return taken


def _processes() -> Iterator[Process]:
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            stat = (folder / "stat").read_text().rpartition(") ")[2].split()
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended
            continue
        role = words[words.index(b"work") + 1].decode() if b"work" in words[:-1] else None
        cpu_s = (int(stat[11]) + int(stat[12])) / _TICK
        yield Process(int(folder.name), int(stat[1]), cpu_s, int(stat[21]) * _PAGE_MB, role)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
