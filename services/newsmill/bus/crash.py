"""Named crash points: with NEWSMILL_CRASH_AT=name[:n] set, the process dies there by SIGKILL.

A program may also set itself the next one: to die there, or to have its step undone there.
"""

from __future__ import annotations

import os
import signal
from typing import Literal

_NAME, _, _count = os.environ.get("NEWSMILL_CRASH_AT", "").partition(":")
_left = int(_count or 1)
_next: dict[str, Literal["die", "undo"]] = {}


class Undone(RuntimeError):
    """Raised at a point where a step was to be undone: what it wrote must never be seen."""


def at_next(name: str, what: Literal["die", "undo"]) -> None:
    """At the next passing of the point: die as by ``kill -9``, or raise Undone."""
    _next[name] = what


def forget(name: str) -> None:
    """Take back what was set for the next passing."""
    _next.pop(name, None)


def point(name: str) -> None:
    """Die here, as by ``kill -9``, if this is the n-th passing of the point that was asked for."""
    if _next:
        _meet(name)
    if name == _NAME:
        _pass()


def _meet(name: str) -> None:
    what = _next.pop(name, None)
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "undo":
        raise Undone(f"undone at {name}")


def _pass() -> None:
    global _left
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
