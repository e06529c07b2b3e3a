"""A pool of recycled child processes for work that may hang, eat memory or crash.

A child works on one task at a time: byte frames in, frames out. One that does not answer in time
is killed, one that dies is replaced, and the task that did it is answered with the reason: its
neighbours lose nothing. Children come from a fork server that never held a connection, ignore the
signals of the terminal (their parent decides), and die with their parent.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import fcntl
import gc
import importlib
import multiprocessing
import os
import resource
import signal
import socket
import struct
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import orjson

from newsmill.errors import BadRecord
from newsmill.process.profile import CHILD_START, CHILD_STOP, Profiler

RECYCLE_AFTER = 2000  # tasks; parsers keep what they have seen of names for the life of a process
FORK_S = 30.0  # for a child to begin; the first one waits for all that children import
END_S = 1.0  # for a child to end when its pipe has closed
PIPE_DEADLINE_S = 5  # for a child to take, or to give, the next piece of a frame
MAX_ANSWER = 64 << 20  # bytes of one frame of an answer
# New objects before cycles among them are looked for; Python's 700 are a tenth of an extraction.
YOUNG = 5000
_PR_SET_PDEATHSIG = 1
_HEAD = struct.Struct("<I?")  # of an answer: its frames, and whether the child leaves after it

Handler = Callable[[list[bytes]], list[bytes]]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a task has no answer; ``trace`` is the traceback of a bug in the child."""

    error: BadRecord
    trace: str = ""


@dataclass(slots=True)
class _Child:
    process: ForkServerProcess
    pipe: Connection[Any, Any]
    tasks: int = 0
    token: Any = None
    deadline: float = 0.0
    started: float = 0.0


class Children:
    """``count`` children, each running ``handler`` (``module:function``) on tasks it is given."""

    def __init__(
        self,
        handler: str,
        *,
        count: int,
        timeout_s: float = 15.0,
        memory_mb: int = 800,
        recycle_after: int = RECYCLE_AFTER,
        on_killed: Callable[[str, str, float], None] | None = None,
        profiles: Path | None = None,
    ) -> None:
        self._handler = handler
        self._timeout_s = timeout_s
        self._memory_mb = memory_mb
        self._recycle_after = recycle_after
        self._profiles = profiles  # where children write the profiles that ``signal`` asks for
        self._on_killed = on_killed or (lambda reason, detail, took_ms: None)
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([handler.partition(":")[0]])
        self._idle: list[_Child] = []
        self._busy: dict[Connection[Any, Any], _Child] = {}
        # Whatever ends this process: multiprocessing would wait for children that ignore SIGTERM.
        atexit.register(self.close)
        for _ in range(count):
            self._idle.append(self._spawn())

    @property
    def free(self) -> int:
        """How many tasks can be started now."""
        return len(self._idle)

    @property
    def busy(self) -> int:
        """How many tasks are being worked on."""
        return len(self._busy)

    def signal(self, number: int) -> None:
        """Send every child a signal: one of those that start and stop its profile."""
        for child in (*self._idle, *self._busy.values()):
            if self._profiles is not None and child.process.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.process.pid, number)

    def start(self, token: Any, frames: Sequence[bytes]) -> None:
        """Give a task to an idle child; ``token`` comes back with its answer."""
        child = self._idle.pop()
        child.token = token
        child.started = time.monotonic()
        child.deadline = child.started + self._timeout_s
        self._busy[child.pipe] = child
        try:
            child.pipe.send_bytes(struct.pack("<I", len(frames)))
            for frame in frames:
                child.pipe.send_bytes(frame)
        except OSError:  # it died while idle, or takes nothing: ``done`` finds it so
            child.deadline = 0.0

    def done(self, timeout_s: float) -> list[tuple[Any, list[bytes] | Failure]]:
        """The answers that have come, and those of children that died or were killed."""
        if not self._busy:
            return []
        now = time.monotonic()
        nearest = min(child.deadline for child in self._busy.values())
        ready = wait(list(self._busy), max(0.0, min(timeout_s, nearest - now)))
        answers: list[tuple[Any, list[bytes] | Failure]] = []
        for child in [self._busy[pipe] for pipe in self._busy if pipe in ready]:
            del self._busy[child.pipe]
            answers.append((child.token, self._receive(child)))
        now = time.monotonic()
        for child in [c for c in self._busy.values() if c.deadline <= now]:
            del self._busy[child.pipe]
            bad = BadRecord("timeout", f"no answer within {self._timeout_s:g} s")
            if not child.deadline:
                bad = BadRecord("crash", "the child took nothing")
            answers.append((child.token, self._replace(child, bad)))
        return answers

    def _receive(self, child: _Child) -> list[bytes] | Failure:
        try:
            head = child.pipe.recv_bytes(_HEAD.size)
            count, leaving = _HEAD.unpack(head)
            frames = [child.pipe.recv_bytes(MAX_ANSWER) for _ in range(count)]
        except (EOFError, OSError, struct.error):
            child.process.join(1)
            code = child.process.exitcode
            how = (
                "stopped in the middle of its answer" if code is None else f"died, exit code {code}"
            )
            return self._replace(child, BadRecord("crash", f"the child {how}"))
        child.tasks += 1
        answer = _open(frames)
        if isinstance(answer, Failure) and answer.error.reason == "memory":
            return self._replace(child, answer.error)
        if leaving:
            self._end(child)
            child = self._spawn()
        self._idle.append(child)
        return answer

    def _replace(self, child: _Child, bad: BadRecord) -> Failure:
        self._on_killed(bad.reason, bad.detail, (time.monotonic() - child.started) * 1e3)
        self._end(child, at_once=True)
        self._idle.append(self._spawn())
        return Failure(bad)

    def _spawn(self) -> _Child:
        ours, theirs = self._context.Pipe()
        args = (theirs, self._handler, self._memory_mb, self._recycle_after, self._profiles)
        try:
            process = self._context.Process(target=_serve, args=args, daemon=True)
            try:
                _begin(process)
            except (OSError, EOFError):  # the fork server was dying: the next try starts another
                time.sleep(0.1)
                process = self._context.Process(target=_serve, args=args, daemon=True)
                _begin(process)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        # A child that is stopped must not stop us in the middle of a large frame.
        with socket.socket(fileno=os.dup(ours.fileno())) as raw:
            deadline = struct.pack("ll", PIPE_DEADLINE_S, 0)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, deadline)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, deadline)
        return _Child(process, ours)

    def _end(self, child: _Child, *, at_once: bool = False) -> None:
        """See the child off: one that is told to end at the closing of its pipe, or is killed."""
        child.pipe.close()
        if at_once:
            child.process.kill()
        child.process.join(END_S)
        if child.process.exitcode is None:
            child.process.kill()
            child.process.join(END_S)
        if child.process.exitcode is not None:  # else the kernel keeps it, and nothing can be done
            child.process.close()

    def close(self) -> None:
        """End all children, busy ones at once."""
        atexit.unregister(self.close)
        ending = [*self._idle, *self._busy.values()]
        for child in self._busy.values():
            child.process.kill()
        for child in ending:
            child.pipe.close()  # all of them, before the first is waited for
        for child in ending:
            self._end(child)
        self._busy.clear()
        self._idle.clear()


def _begin(process: ForkServerProcess) -> None:
    """Start it; a fork server that does not answer (it was stopped) is killed after FORK_S."""
    watch = threading.Timer(FORK_S, _kill_fork_server)
    watch.daemon = True
    watch.start()
    try:
        with _uninterrupted():
            process.start()
    finally:
        watch.cancel()


def _kill_fork_server() -> None:
    pid = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]  # it has no other name
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Keeps from a fork server that starts here the signals that are for its parent alone.

    It inherits them blocked, as do the children: Ctrl-C while it is not up yet would end in a
    traceback, and a SIGTERM to the whole group would take the children away that are to finish.
    """
    resource_tracker.ensure_running()  # first: starting it would unblock the signal again
    # One of a profile must not end a child that does not take it yet; ``obey`` lets them in.
    ours = {signal.SIGINT, signal.SIGTERM, CHILD_START, CHILD_STOP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ours)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _open(frames: list[bytes]) -> list[bytes] | Failure:
    """An answer's frames; the first is empty, or says why the record is bad."""
    if frames[0]:
        bad = orjson.loads(frames[0])
        return Failure(BadRecord(bad["reason"], bad["detail"]), bad["trace"])
    return frames[1:]


def _serve(
    pipe: Connection[Any, Any],
    handler: str,
    memory_mb: int,
    recycle_after: int,
    profiles: Path | None,
) -> None:
    """The life of a child: task by task until its pipe closes, or it is time to be recycled."""
    _settle(memory_mb)
    if profiles is not None:
        Profiler(profiles).obey()
    module, _, name = handler.partition(":")
    handle: Handler = getattr(importlib.import_module(module), name)
    _be_silent()
    gc.freeze()  # what was imported is no garbage: collections look at the pages' objects only
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
    for number in range(1, recycle_after + 1):
        try:
            (count,) = struct.unpack("<I", pipe.recv_bytes())
            frames = [pipe.recv_bytes() for _ in range(count)]
        except (EOFError, OSError):
            return
        answer = _answer(handle, frames)
        with contextlib.suppress(OSError):
            pipe.send_bytes(_HEAD.pack(len(answer), number == recycle_after))
            for frame in answer:
                pipe.send_bytes(frame)


def _answer(handle: Handler, frames: list[bytes]) -> list[bytes]:
    trace = ""
    try:
        return [b"", *handle(frames)]
    except BadRecord as error:
        bad = error
    except (MemoryError, RecursionError) as error:
        bad = BadRecord("memory", f"{type(error).__name__}: {error}")
    except Exception as error:  # a stranger's parser on a stranger's page
        bad = BadRecord("bug", f"{type(error).__name__}: {error}")
        trace = traceback.format_exc()
    detail = bad.detail.encode("utf-8", "replace").decode()
    trace = trace.encode("utf-8", "replace").decode()
    return [orjson.dumps({"reason": bad.reason, "detail": detail, "trace": trace})]


def _settle(memory_mb: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    limit = memory_mb << 20
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    _follow_parent()


def _follow_parent() -> None:
    """Have the kernel end this process with its parent, whatever code holds it at that moment.

    The fork server's death is not enough: it lives on as long as a child of its does. The sentinel
    is a pipe of which the parent holds the other end, so its closing is a SIGIO, which terminates.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(parent.sentinel, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(parent.sentinel, fcntl.F_GETFL)
    fcntl.fcntl(parent.sentinel, fcntl.F_SETFL, flags | os.O_ASYNC)
    if not parent.is_alive():
        os._exit(1)  # it died before the kernel knew


def _be_silent() -> None:
    """Standard output belongs to data and standard error to the log: parsers get neither."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)


def usable_cpus() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
