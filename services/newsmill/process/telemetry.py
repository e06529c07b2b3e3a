"""The log: JSON lines on standard error (plain lines on a terminal), and in a rotated file.

Logs are the monitoring interface, so a log call never raises, never blocks for ever, and never
writes what it must not: values are capped, secrets masked, control characters escaped.
"""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path, PurePath
from traceback import format_exception_only
from typing import Any

import orjson

from newsmill import __version__
from newsmill.process.events import COMMON, EVENTS, Event, Level
from newsmill.process.sinks import RotatedFile, Stream

MAX_VALUE = 512  # characters of one untrusted string
MAX_ITEMS = 4096  # of a list or mapping
MAX_DEPTH = 4
LEVELS: dict[str, int] = {"debug": 10, "info": 20, "warning": 30, "error": 40}

_PLAIN = re.compile(
    r"[A-Za-z0-9_./ +,()'?=&%:;#~!*$-]{0,512}"
).fullmatch  # nothing to escape or cap
_SECRET_WORDS = ("auth", "token", "key", "sig", "pass", "secret", "session", "cookie")
_SECRET = re.compile(
    r"((?:^|[?&;#\s])[^=&;#\s]{0,64}?(?:token|key|sig|auth|pass|secret|session|cookie)[^=&;#\s]{0,64}=)"
    r"[^&;#\s]*",
    re.I,
)
_HEADER = re.compile(r"\b((?:proxy-)?authorization|(?:set-)?cookie)\b\s*:\s*.*", re.I | re.S)
_USERINFO = re.compile(r"(://)[^/?#\s]*@")
_CUT_AUTHORITY = re.compile(r"(://)[^/?#\s]*\Z")
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202f\u2060-\u2069\ufeff\ud800-\udfff]"
)
_UNNAMED = frozenset(COMMON)
_FILE_NAME = re.compile(r"[^A-Za-z0-9_-]+")


def clean(value: str) -> str:
    """The string without secrets, control or bidi characters, capped."""
    if value.isalnum() and value.isascii() and len(value) <= MAX_VALUE:
        return value
    if _PLAIN(value) and not _speaks_of_secrets(value):
        return value
    size = len(value)
    if size > 4 * MAX_VALUE:  # what is masked lies inside of what is kept
        value = _CUT_AUTHORITY.sub(r"\1***", value[: 4 * MAX_VALUE])
    if "=" in value:
        value = _SECRET.sub(r"\1***", value)
    if "@" in value:
        value = _USERINFO.sub(r"\1***@", value)
    lower = value.lower()
    if "authorization" in lower or "cookie" in lower:
        value = _HEADER.sub(r"\1: ***", value)
    if size > MAX_VALUE:
        value = f"{value[:MAX_VALUE]}…+{size - MAX_VALUE}"
    if value.isascii() and value.isprintable():
        return value
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", value)


def _speaks_of_secrets(value: str) -> bool:
    """Whether a closer look is needed: a name of a secret beside what could be its value."""
    if "=" not in value and ":" not in value:
        return False
    lower = value.lower()
    return any(map(lower.__contains__, _SECRET_WORDS))


def _safe(value: Any, depth: int = 0) -> Any:
    """The value as JSON can hold it, whatever it is; strings cleaned, floats to three places."""
    if isinstance(value, str):
        return clean(str.__str__(value))
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if -(1 << 63) <= value < 1 << 63 else f"{'-' * (value < 0)}huge"
    if isinstance(value, float):
        return round(float(value), 3)
    if isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return _container(value, depth) if depth < MAX_DEPTH else "…"
    if isinstance(value, BaseException):
        return clean("".join(format_exception_only(value)).strip())
    if isinstance(value, (bytes, bytearray)):
        return clean(bytes(value[: 4 * MAX_VALUE]).decode("utf-8", "replace"))
    if isinstance(value, (PurePath, date)):
        return clean(str(value))
    return f"<{type(value).__name__}>"


def _container(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        items = list(value.items())[:MAX_ITEMS]
        return {str(_safe(key)): _safe(item, depth + 1) for key, item in items}
    return [_safe(item, depth + 1) for item in list(value)[:MAX_ITEMS]]


class Telemetry:
    """The log of one process: ``add`` buffers a line until ``flush``, ``event`` writes at once."""

    def __init__(
        self,
        service: str,
        *,
        lane: str = "live",
        slot: int = 0,
        level: Level = "info",
        directory: Path | None = None,
        human: bool | None = None,
        fd: int = 2,
    ) -> None:
        self.service = service
        self.lane = lane
        # A container's process id is always the same, and its clock may stand still.
        self.run = f"{time.time_ns() // 1_000_000:x}-{os.getpid():x}-{os.urandom(3).hex()}"
        self.level: Level = level
        self._usual: Level = level
        self.always: frozenset[Event] = frozenset()  # written whatever the level
        self.store: str | None = None  # of a worker that is one of several of its stage
        self._human = _is_terminal(fd) if human is None else human
        self._stream = Stream(fd)
        self._file: RotatedFile | None = None
        self._seq = 0
        self._told = 0  # lost lines that a line has spoken of
        self._lock = threading.RLock()  # a heartbeat may come from another thread
        self._buffer: list[bytes] = []
        self._second = self._millisecond = -1
        self._date = self._ts = b""
        self.at_slot(slot, directory)

    @property
    def lost(self) -> int:
        """Lines that could not be written, each sink counted for itself."""
        return self._stream.lost + (self._file.lost if self._file else 0)

    def at_slot(self, slot: int, directory: Path | None = None) -> None:
        """Take the slot that the bus gave; a log file is named by it."""
        common = {
            "service": self.service,
            "slot": slot,
            "lane": self.lane,
            "ver": __version__,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "run": self.run,
        }
        with self._lock:
            self._common = b"," + orjson.dumps(_safe(common))[1:-1] + b',"seq":'
            if directory is not None:
                self._move_to(directory, slot)

    def _move_to(self, directory: Path, slot: int) -> None:
        self.flush()
        if self._file is not None:
            self._file.close()
        stem = _FILE_NAME.sub("-", self.service)
        lost = self._file.lost if self._file else 0
        self._file = RotatedFile(directory, f"{stem}-{slot}")
        self._file.lost = lost

    def toggle_debug(self) -> None:
        """Switch between debug and the usual level."""
        self.level = self._usual if self.level == "debug" else "debug"

    def event(self, event: Event, *, level: Level | None = None, **fields: Any) -> None:
        """Write one line now."""
        if self._add(event, level, fields):
            self.flush()

    def add(self, event: Event, *, level: Level | None = None, **fields: Any) -> None:
        """Add one line to the buffer, which the next ``flush`` or ``event`` writes."""
        self._add(event, level, fields)

    def _add(self, event: Event, level: Level | None, fields: dict[str, Any]) -> bool:
        level = level or EVENTS[event].level
        if LEVELS[level] < LEVELS[self.level] and event not in self.always:
            return False
        safe = {}
        if self.store is not None and "store" in EVENTS[event].fields:
            fields = {"store": self.store} | fields
        for name, value in fields.items():
            kind = type(value)
            if kind is str:
                safe[name] = clean(value)
            elif kind is int and -(1 << 63) <= value < 1 << 63:
                safe[name] = value
            elif value is not None:
                safe[name] = _safe(value)
        if not _UNNAMED.isdisjoint(safe):
            safe = {name: value for name, value in safe.items() if name not in _UNNAMED}
        rest = b"," + orjson.dumps(safe)[1:] + b"\n" if safe else b"}\n"
        with self._lock:
            self._seq += 1
            head = b'{"ts":"%b","level":"%b","event":"%b"%b%d' % (
                self._now(), level.encode(), event.encode(), self._common, self._seq,
            )  # fmt: skip
            self._buffer.append(head + rest)
        return True

    def _now(self) -> bytes:
        """RFC 3339 in UTC to the millisecond, made anew only when the clock has moved."""
        now = time.time_ns() // 1_000_000
        if now != self._millisecond:
            self._millisecond = now
            second, millisecond = divmod(now, 1000)
            if second != self._second:
                self._second = second
                self._date = (
                    datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()
                )
            self._ts = b"%b.%03dZ" % (self._date, millisecond)
        return self._ts

    def flush(self) -> None:
        """Write what is buffered."""
        with self._lock:
            lines, self._buffer = self._buffer, []
            if not lines:
                return
            before = self.lost
            self._write(lines)
            if self.lost == before > self._told:  # every sink takes lines again
                self._told = before
                self._add("log.lost", None, {"lost": before})
                lines, self._buffer = self._buffer, []
                self._write(lines)

    def pass_on(self, line: bytes) -> None:
        """Write a whole line of another's to the stream alone: never raises, never waits long."""
        with self._lock:
            self._stream.write([line])

    def _write(self, lines: list[bytes]) -> None:
        if self._file is not None:
            self._file.write(lines)
        self._stream.write([for_people(line) for line in lines] if self._human else lines)

    def close(self) -> None:
        """Write what is buffered and let the file go."""
        with self._lock:
            self.flush()
            self._stream.close()
            if self._file is not None:
                self._file.close()


_COLOURS = {"debug": "2", "info": "0", "warning": "33", "error": "31"}


def for_people(line: bytes) -> bytes:
    """A log line as a person reads it: time, service, event, facts."""
    try:
        fields = orjson.loads(line)
        if not isinstance(fields, dict):
            return line
        text = "  ".join(
            f"{name}={_plain(value)}" for name, value in fields.items() if name not in _UNNAMED
        )
        head = f"{fields['ts'][11:23]} {fields['service']:<9} {fields['event']:<18}"
        colour = _COLOURS.get(fields["level"], "0")
        return f"\x1b[{colour}m{head} {text}\x1b[0m\n".encode("utf-8", "replace")
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return line


def _plain(value: Any) -> str:
    """A value without quotes where it cannot be taken for more than one."""
    if isinstance(value, str) and value and '"' not in value and " " not in value:
        return value
    return orjson.dumps(value).decode()


def _is_terminal(fd: int) -> bool:
    try:
        return os.isatty(fd)
    except OSError:
        return False
