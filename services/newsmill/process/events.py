"""The closed catalogue of log events and fields, by which workers write and ``newsmill ops`` reads.

docs/logs.md and schemas/log.schema.json are drawn from it. Names and units never change meaning:
add, do not rename.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Level = Literal["debug", "info", "warning", "error"]
Outcome = Literal["published", "duplicate", "filtered", "refused", "dead", "retried"]
Stage = Literal["producer", "fetcher", "extractor", "enricher", "archiver", "retrier"]
Event = Literal[
    "annotator.failed",
    "bus.damaged",
    "bus.full",
    "bus.killed",
    "cap.hit",
    "child.killed",
    "disk.low",
    "feed.change",
    "feed.poll",
    "feed.rollup",
    "fuse.blown",
    "host.backoff",
    "log.lost",
    "network.down",
    "network.up",
    "partition.assigned",
    "partition.held",
    "partition.lost",
    "record",
    "robots.read",
    "run.done",
    "run.progress",
    "run.start",
    "source.progress",
    "step.commit",
    "step.fenced",
    "store.commit",
    "store.forgot",
    "worker.exit",
    "worker.heartbeat",
    "worker.start",
    "worker.stop",
]

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
COMMON = ("ts", "level", "event", "service", "slot", "lane", "ver", "host", "pid", "run", "seq")


@dataclass(frozen=True, slots=True)
class Field:
    """A log field: its JSON type, and what it says, with its unit."""

    type: Literal["string", "integer", "number", "boolean", "object", "array"]
    says: str


@dataclass(frozen=True, slots=True)
class Spec:
    """An event: its usual level, when it is written, and the fields it may carry."""

    level: Level
    says: str
    fields: tuple[str, ...]


FIELDS: dict[str, Field] = {
    "age_ms": Field("integer", "from the time the input record was written to now, wall clock, ms"),
    "after_s": Field("number", "tried again after so many seconds"),
    "annotator": Field("string", "name of an annotator"),
    "article_id": Field("string", "article id"),
    "attempt": Field("integer", "how often this process has taken this record, from 1"),
    "bus": Field("string", "bus URL without secrets"),
    "bytes": Field("integer", "size in bytes"),
    "cap": Field("string", "name of the cap"),
    "chars": Field("integer", "characters of the article's text"),
    "config": Field("string", "digest of the effective configuration"),
    "counts": Field("object", "outcomes since the start, by name"),
    "cpu_s": Field("number", "CPU seconds of the process and its ended children since the start"),
    "detail": Field("string", "what exactly; capped, control characters escaped"),
    "done": Field("integer", "items done"),
    "due": Field("integer", "items due within 10 s, in flight included"),
    "entries": Field("integer", "entries in the feed"),
    "eta_s": Field("number", "seconds until the end at the present rate"),
    "event": Field("string", "the event's name"),
    "exit_code": Field("integer", "of the process; negative is the signal that ended it"),
    "fds": Field("integer", "open file descriptors"),
    "feed": Field("string", "URL of the feed"),
    "feeds": Field("integer", "feeds owned"),
    "free_bytes": Field("integer", "free space where the bus lives, bytes"),
    "fresh": Field("integer", "entries not seen before"),
    "held": Field("integer", "partitions held"),
    "host": Field("string", "host name of the machine"),
    "idle": Field("boolean", "nothing in flight and nothing known to wait"),
    "in_flight": Field("integer", "records taken and not committed"),
    "lane": Field("string", "lane"),
    "level": Field("string", "debug, info, warning or error"),
    "limit": Field("number", "the value that the cap allows"),
    "log": Field("string", "identity of the log: positions of two logs do not compare"),
    "lost": Field(
        "integer", "log lines that nobody took, since the start; each sink counted alone"
    ),
    "missing": Field(
        "array", "of title, authors, published and images those that the page did not give"
    ),
    "next_s": Field("number", "seconds until the next poll"),
    "offset": Field("integer", "offset of the input record in its partition"),
    "outcome": Field("string", "the one outcome of the record at this stage"),
    "outputs": Field("integer", "records written by the step"),
    "page_id": Field("string", "page id, which is the trace id"),
    "partition": Field("integer", "partition number"),
    "parts": Field("object", "ms that each part of the work took, by its name"),
    "pid": Field("integer", "process id"),
    "places": Field("array", "partitions, as topic/number"),
    "polled": Field("integer", "feeds polled at least once since this process started"),
    "positions": Field("object", "position by topic/partition: all below are finished"),
    "python": Field("string", "version of Python"),
    "quality": Field("number", "the extractor's own confidence, 0 to 1"),
    "rate": Field("number", "items a second"),
    "reason": Field("string", "why, from the closed set of reasons"),
    "records": Field("integer", "input records that the step finishes"),
    "role": Field("string", "worker role"),
    "rss_mb": Field("number", "resident memory, MB"),
    "run": Field("string", "id of this process start"),
    "seen": Field("integer", "entries seen before, unchanged"),
    "seq": Field("integer", "line number of this process: a gap is a lost line"),
    "service": Field("string", "role of the process that writes"),
    "site": Field("string", "host of the page or feed"),
    "slot": Field("integer", "stable number of the worker within its role"),
    "source": Field("string", "what is replayed"),
    "stage": Field("string", "stage whose outcome it is"),
    "state": Field("integer", "state keys changed by the step"),
    "status": Field("integer", "HTTP status"),
    "step": Field(
        "integer", "number of the step that will carry it, counted in its partition's state"
    ),
    "steps": Field(
        "object", "by topic/partition: the number of the step; at an assignment, number and run"
    ),
    "store": Field("string", "name of the store, where it is not the default one"),
    "taken": Field("integer", "entries that the step takes in, those it turns away included"),
    "tier": Field("string", "which extraction tier answered"),
    "took_ms": Field("number", "duration, ms"),
    "topic": Field("string", "short name of the topic"),
    "total": Field("integer", "items in all, where known"),
    "ts": Field("string", "UTC, RFC 3339, ms"),
    "uptime_s": Field("number", "seconds since the start"),
    "url": Field("string", "URL; secrets in it are masked"),
    "value": Field("number", "the value that met the cap"),
    "ver": Field("string", "version of newsmill"),
    "waiting": Field("integer", "records of the input not yet taken, or items in the frontier"),
    "what": Field("string", "what changed, in one word"),
    "why": Field("string", "in words"),
    "workers": Field("integer", "number of worker processes"),
}

EVENTS: dict[Event, Spec] = {
    "annotator.failed": Spec("warning", "an annotator failed on an article, which goes on without it", ("annotator", "detail", "page_id", "article_id")),
    "bus.damaged": Spec("error", "a record does not match its checksum: it was set aside, the rest goes on", ("topic", "partition", "offset", "detail")),
    "bus.killed": Spec("warning", "a process was stopped inside a step and held up all others: it was killed", ("detail",)),
    "bus.full": Spec("error", "the bus has no room: work stops until there is some", ("why", "after_s", "free_bytes", "store")),
    "cap.hit": Spec("warning", "a cap was met", ("cap", "limit", "value", "url", "page_id")),
    "child.killed": Spec("warning", "a child process was killed or died", ("reason", "detail", "page_id", "rss_mb", "took_ms")),
    "disk.low": Spec("error", "free space is short: producer and fetcher take no new work", ("free_bytes", "limit", "after_s")),
    "feed.change": Spec("warning", "a feed changed its nature", ("feed", "what", "detail", "site")),
    "feed.poll": Spec("info", "a feed was polled", ("feed", "site", "outcome", "reason", "detail", "status", "entries", "fresh", "seen", "bytes", "took_ms", "next_s", "attempt")),
    "feed.rollup": Spec("info", "polls of a feed that found nothing, since its last line", ("feed", "site", "done", "next_s")),
    "fuse.blown": Spec("error", "too large a share of the last records died: the worker stops", ("why", "counts")),
    "host.backoff": Spec("warning", "a host asked us to wait, or failed", ("site", "after_s", "status", "why")),
    "log.lost": Spec("warning", "lines could not be written, and were dropped; now they can", ("lost",)),
    "network.down": Spec("error", "nobody answers: our own network is away; nothing is asked, no feed or host is blamed", ("why",)),
    "network.up": Spec("info", "somebody answers again: work goes on", ("why", "took_ms")),
    "partition.assigned": Spec("info", "partitions were assigned: the positions and steps restored", ("positions", "steps", "log", "store")),
    "partition.held": Spec("warning", "a partition waits; the same record is taken again", ("topic", "partition", "offset", "why", "after_s", "store")),
    "partition.lost": Spec("info", "partitions went to others or were given up", ("places",)),
    "record": Spec("info", "one record, one stage, one outcome; written before its step commits", ("stage", "topic", "partition", "offset", "attempt", "step", "outcome", "reason", "detail", "page_id", "article_id", "url", "site", "feed", "status", "bytes", "took_ms", "age_ms", "tier", "quality", "chars", "missing", "parts", "after_s", "store")),
    "robots.read": Spec("info", "a host's robots.txt was read", ("site", "status", "outcome", "detail")),
    "run.done": Spec("info", "newsmill run or replay came to its end", ("counts", "lost", "took_ms", "why")),
    "run.progress": Spec("info", "progress of newsmill run or replay", ("counts", "waiting", "source", "bytes", "total", "rate", "eta_s")),
    "run.start": Spec("info", "newsmill run or replay started its workers", ("workers", "bus")),
    "source.progress": Spec("info", "how far the reader of a source is", ("source", "done", "total", "bytes", "rate", "eta_s", "idle")),
    "step.commit": Spec("info", "a step was committed", ("positions", "steps", "records", "taken", "outputs", "state", "bytes", "took_ms", "store")),
    "step.fenced": Spec("warning", "a step was refused: its partitions belong to another member", ("places", "detail")),
    "store.commit": Spec("debug", "a store committed", ("store", "records", "took_ms")),
    "store.forgot": Spec("info", "a store took down what was denied since", ("store", "records")),
    "worker.exit": Spec("warning", "a worker process of newsmill run ended and is started again", ("role", "exit_code", "after_s", "detail")),
    "worker.heartbeat": Spec("info", "still alive, and how", ("rss_mb", "fds", "cpu_s", "in_flight", "held", "counts", "lost", "idle", "waiting", "due", "feeds", "polled", "uptime_s")),
    "worker.start": Spec("info", "the process started", ("role", "bus", "python", "config")),
    "worker.stop": Spec("info", "the process ends", ("why", "uptime_s", "counts", "lost", "exit_code")),
}  # fmt: skip
