"""A log line as the readers of logs see it: the fields that counting needs, checked when read.

Log lines come from files that a crash may have torn and from streams where other programs write
too, so what is none of ours is told apart and counted, never an error.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

OURS: Final = (
    b'{"ts":"'  # how every line of ours begins; before it a collector may have put its own
)


class Line(msgspec.Struct, gc=False):
    """A line of the log; what a line does not carry is None."""

    ts: str
    event: str
    service: str
    run: str
    seq: int
    level: str = "info"
    lane: str = "live"
    slot: int = 0
    host: str = ""
    ver: str = ""
    stage: str | None = None
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    step: int | None = None
    outcome: str | None = None
    reason: str | None = None
    page_id: str | None = None
    article_id: str | None = None
    url: str | None = None
    feed: str | None = None
    store: str | None = None
    took_ms: float | None = None
    positions: dict[str, int] | None = None
    steps: dict[str, Any] | None = None
    log: str | None = None
    records: int | None = None
    taken: int | None = None
    done: int | None = None
    status: int | None = None
    why: str | None = None
    detail: str | None = None
    lost: int | None = None
    idle: bool | None = None
    waiting: int | None = None
    in_flight: int | None = None
    held: int | None = None
    rss_mb: float | None = None
    cpu_s: float | None = None
    age_ms: float | None = None
    role: str | None = None
    exit_code: int | None = None


_decode = msgspec.json.Decoder(Line).decode


def parse(raw: bytes) -> Line | None:
    """The line, or None where it is torn or another program's.

    A line may stand behind what a collector wrote before it, or behind the torn start of another.
    """
    start = 0 if raw.startswith(OURS) else raw.find(OURS)
    while start >= 0:
        try:
            return _decode(raw[start:] if start else raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            start = raw.find(OURS, start + 1)
    return None


def moment(ts: str) -> datetime | None:
    """The time of a line, or None where it is none."""
    try:
        found = datetime.fromisoformat(ts)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def seconds_between(first: str, last: str) -> float:
    """Seconds from one time of a line to another; 0 where either is no time."""
    start, end = moment(first), moment(last)
    return (end - start).total_seconds() if start and end else 0.0
