"""The figures that other tools are told to make of log lines; names of events and fields are ours.

They count lines as they were written. ``ops summary`` counts what was committed: after a kill the
two differ by what was done twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from newsmill.process.events import Event


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: of which lines, of which of their fields, told apart by what."""

    name: str  # of the metric, after ``newsmill_``
    says: str
    kind: Literal["counter", "histogram", "gauge"]
    event: Event
    labels: tuple[str, ...]
    field: str | None = None  # of a histogram or gauge
    unit: str = "short"  # as Grafana names it


FIGURES: tuple[Figure, ...] = (
    Figure(
        "records_total", "records, by stage and outcome", "counter", "record",
        ("lane", "stage", "outcome", "reason"),
    ),
    Figure("took_ms", "how long a stage works on a record", "histogram", "record",
           ("lane", "stage"), "took_ms", "ms"),
    Figure("age_ms", "how old a stage's input is when it is done", "histogram", "record",
           ("lane", "stage"), "age_ms", "ms"),
    Figure("chars", "characters of the articles extracted", "histogram", "record",
           ("lane", "stage", "tier"), "chars"),
    Figure("commits_total", "steps committed", "counter", "step.commit", ("lane", "service")),
    Figure("step_ms", "how long a step takes to commit", "histogram", "step.commit",
           ("lane", "service"), "took_ms", "ms"),
    Figure("feed_polls_total", "polls of feeds that found something, or failed", "counter",
           "feed.poll", ("lane", "outcome", "reason")),
    Figure("starts_total", "process starts", "counter", "worker.start", ("lane", "service", "ver")),
    Figure("crashes_total", "workers started again after they ended", "counter", "worker.exit",
           ("lane", "role")),
    Figure("rss_mb", "memory of each worker", "gauge", "worker.heartbeat",
           ("lane", "service", "slot"), "rss_mb", "decmbytes"),
    Figure("waiting", "pages in the frontier, or items of a source", "gauge", "worker.heartbeat",
           ("lane", "service", "slot"), "waiting"),
)  # fmt: skip

ALERTS: dict[Event, str] = {
    "bus.damaged": "a record of the bus was damaged",
    "bus.full": "the bus has no room",
    "disk.low": "the disk is short",
    "fuse.blown": "too large a share died: a worker stopped",
    "network.down": "our own network is away",
    "partition.held": "a partition waits",
}
"""Events that ask for somebody, when they come."""

ROLES = ("producer", "fetcher", "extractor", "enricher", "archiver")
SILENT = "2m"  # without a heartbeat: the process is gone, or stuck
DEAD_SHARE = 0.1  # of a stage's records, over 15 minutes
