"""What the children of these tests do with a task: answer, or misbehave as its name says."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable

from newsmill.errors import BadRecord


def handle(frames: list[bytes]) -> list[bytes]:
    misbehave = WAYS.get(frames[0].decode())
    special = misbehave() if misbehave is not None else None
    return special or [b"done", *frames]


def _bomb() -> None:
    hoard = []
    while True:
        hoard.append(bytearray(16 << 20))


def _deep() -> None:
    _deep()


def _bad() -> None:
    raise BadRecord("unparsable", "no sense in it \udc80")


def _bug() -> None:
    raise ValueError("a slip of ours")


def _talk() -> None:
    sys.stdout.write("data?\n")
    sys.stdout.flush()
    os.write(2, b"warning?\n")


def _spin() -> None:
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass


WAYS: dict[str, Callable[[], list[bytes] | None]] = {
    "hang": lambda: time.sleep(600),
    "bomb": _bomb,
    "segfault": lambda: ctypes.string_at(0) and None,
    "exit": lambda: os._exit(3),
    "deep": _deep,
    "bad": _bad,
    "bug": _bug,
    "talk": _talk,
    "spin": _spin,
    "spin too": _spin,
    "large": lambda: [b"x" * (20 << 20)],
    "too large": lambda: [b"x" * (70 << 20)],
    "stop in the middle": lambda: os.kill(os.getpid(), signal.SIGSTOP),
}
