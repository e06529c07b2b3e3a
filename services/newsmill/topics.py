"""The pipeline on one page: every topic, who writes it, who reads it, and how its names are made.

producer ─ entries ─▶ fetcher ─ pages ─▶ extractor ─ articles ─▶ enricher ─ enriched ─▶ archiver
    │                    │                   │                      │                      │
    │                    └───────────────────┴──────── dead ◀───────┴──────────────────────┘
feeds.state           frontier              retried              revisions   (state, beside)
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

Kind = Literal["stream", "state", "config"]


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: its short name, its kind, and the settings that ``bus create`` applies.

    A *stream* is read by consumer groups and dropped by retention. *State* is the latest value a
    key, owned by whoever owns the partition of the stream it stands beside. *Config* has one
    partition, is kept whole (latest value a key), and is followed from its start by every worker
    that needs it.
    """

    name: str
    kind: Kind
    partitions: int = 8
    beside: str | None = None  # state only: the stream whose partitions it shares
    retain_bytes: int | None = None  # streams on the embedded log: drop the oldest past this
    max_bytes: int = 1 << 20  # largest value taken, in bytes


GIB = 1 << 30

ENTRIES = Topic("entries", "stream", retain_bytes=GIB // 4)
PAGES = Topic("pages", "stream", retain_bytes=4 * GIB, max_bytes=4 << 20)
ARTICLES = Topic("articles", "stream", retain_bytes=GIB, max_bytes=8 << 20)
ENRICHED = Topic("enriched", "stream", retain_bytes=2 * GIB, max_bytes=10 << 20)
DEAD = Topic("dead", "stream", retain_bytes=GIB, max_bytes=10 << 20)
FEEDS = Topic("feeds", "config", partitions=1)
DENIED = Topic("denied", "config", partitions=1)
FEEDS_STATE = Topic("feeds.state", "state")
FRONTIER = Topic("frontier", "state", beside="entries")
REVISIONS = Topic("revisions", "state", beside="articles")
RETRIED = Topic("retried", "state", beside="dead")  # a mark for each letter that was sent again

STREAMS = (ENTRIES, PAGES, ARTICLES, ENRICHED, DEAD)
TOPICS: tuple[Topic, ...] = (
    *STREAMS, FEEDS, DENIED, FEEDS_STATE, FRONTIER, REVISIONS, RETRIED,
)  # fmt: skip
BY_NAME: dict[str, Topic] = {topic.name: topic for topic in TOPICS}


def prefix(namespace: str, lane: str) -> str:
    """``NAMESPACE.LANE``: what every topic, group and transactional id of a lane starts with."""
    return f"{namespace}.{lane}"


def full_name(namespace: str, lane: str, name: str) -> str:
    """The name of a topic, group or transactional id on the wire: ``newsmill.live.pages``."""
    return f"{prefix(namespace, lane)}.{name}"


def partition_of(routing: str, partitions: int) -> int:
    """The partition of a routing key; frozen, since state lives where its key once went."""
    digest = hashlib.blake2b(routing.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % partitions
