"""What a ``file:`` bus URL says: the directory, and the few settings that may follow it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from newsmill.bus.base import LEASE_S
from newsmill.errors import Misconfigured
from newsmill.topics import TOPICS, Topic

MIN_FREE_BYTES = 256 << 20
BALLAST_BYTES = 64 << 20  # twice the largest WAL that journal_size_limit leaves


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The settings of an embedded bus; every process of one directory should say the same."""

    directory: Path
    synchronous: Literal["full", "normal"] = "full"  # normal may lose the last steps to a power cut
    lease_s: float = LEASE_S  # how long a member may be silent
    cap_bytes: int | None = None  # of all streams together; None: each topic's own ``retain_bytes``
    unread: Literal["keep", "drop"] = "keep"  # what a topic past its cap does with unread records
    min_free_bytes: int = MIN_FREE_BYTES  # below this much free disk, sources stop
    ballast_bytes: int = BALLAST_BYTES  # kept aside, given up when the disk is full
    detector: Literal["on", "off"] = "on"  # look for processes stopped inside a step

    def cap_of(self, topic: Topic) -> int | None:
        """Bytes that the topic may hold; None where it is not capped."""
        if topic.kind != "stream" or topic.retain_bytes is None or self.cap_bytes is None:
            return topic.retain_bytes if topic.kind == "stream" else None
        whole = sum(each.retain_bytes or 0 for each in TOPICS)
        return max(1, topic.retain_bytes * self.cap_bytes // whole)


def parse(spec: str) -> Options:
    """Read ``DIR[?name=value&…]``; raises Misconfigured naming what is wrong."""
    directory, _, query = spec.partition("?")
    if not directory:
        raise Misconfigured(f"bus 'file:{spec}': no directory; use file:DIR")
    values: dict[str, object] = {}
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        read = _READERS.get(name)
        if read is None:
            raise Misconfigured(
                f"bus 'file:{spec}': unknown option {name!r}; known: {', '.join(sorted(_READERS))}"
            )
        try:
            values[name] = read(value.lower())
        except ValueError as error:
            raise Misconfigured(f"bus 'file:{spec}': {name}={value!r}: {error}") from None
    return Options(directory=Path(directory).absolute(), **values)  # type: ignore[arg-type]  # by _READERS


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"must be {' or '.join(allowed)}")
        return value

    return read


def _bytes(value: str) -> int:
    if not value.isdecimal():
        raise ValueError("must be a number of bytes")
    return int(value)


def _seconds(value: str) -> float:
    seconds = float(value)
    if not 0.2 <= seconds <= 3600:
        raise ValueError("must be between 0.2 and 3600 seconds")
    return seconds


_READERS: dict[str, Callable[[str], object]] = {
    "synchronous": _one_of("full", "normal"),
    "lease_s": _seconds,
    "cap_bytes": _bytes,
    "unread": _one_of("keep", "drop"),
    "min_free_bytes": _bytes,
    "ballast_bytes": _bytes,
    "detector": _one_of("on", "off"),
}
