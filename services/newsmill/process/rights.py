"""The least rights that each worker needs on a Kafka cluster, drawn from the topics, as ACLs."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from newsmill.topics import (
    ARTICLES,
    DEAD,
    DENIED,
    ENRICHED,
    ENTRIES,
    FEEDS,
    FEEDS_STATE,
    FRONTIER,
    PAGES,
    REVISIONS,
    Topic,
    full_name,
    prefix,
)

Resource = Literal["topic", "group", "transactional-id"]
PRINCIPAL = "User:newsmill-{worker}"
IDENTITY = "identity"  # a lane's small topic of its own: its id, and which groups ever joined


@dataclass(frozen=True, slots=True)
class Rights:
    """What one worker does on the bus."""

    worker: str
    group: str  # its own name, or with a dot at its end what the names of its groups start with
    reads: tuple[Topic, ...]
    writes: tuple[Topic, ...]
    state: tuple[Topic, ...] = ()  # read back, and written


WORKERS = (
    Rights("producer", "producer", (FEEDS,), (ENTRIES, PAGES, DEAD), (FEEDS_STATE,)),
    Rights("fetcher", "fetcher", (ENTRIES,), (PAGES, DEAD), (FRONTIER,)),
    Rights("extractor", "extractor", (PAGES,), (ARTICLES, DEAD)),
    Rights("enricher", "enricher", (ARTICLES,), (ENRICHED, DEAD), (REVISIONS,)),
    Rights("archiver", "archiver.", (ENRICHED,), (DEAD,)),
    Rights("raw-archive", "archiver.warc", (PAGES,), (DEAD,)),
)


@dataclass(frozen=True, slots=True)
class Acl:
    """One right of one user; ``prefixed`` where the name is what names start with."""

    principal: str
    operation: str
    resource: Resource
    name: str
    prefixed: bool = False


def acls(namespace: str, lane: str, principal: str = PRINCIPAL) -> Iterator[Acl]:
    """The rights in a lane; ``{worker}`` in ``principal`` is the worker's name.

    Beside the workers: ``topics``, who makes the topics, and ``tools``, a person at the command
    line, who may do everything in the lane. What a worker is denied, it can neither read nor write;
    that every topic of the lane is there, all may know.
    """
    lane_dot = f"{prefix(namespace, lane)}."
    for rights in WORKERS:
        who = principal.format(worker=rights.worker)
        yield Acl(who, "Describe", "topic", lane_dot, prefixed=True)
        for topic in (*rights.reads, *rights.state):
            yield Acl(who, "Read", "topic", full_name(namespace, lane, topic.name))
        for topic in (*rights.writes, *rights.state):
            yield Acl(who, "Write", "topic", full_name(namespace, lane, topic.name))
        yield Acl(who, "Read", "topic", full_name(namespace, "live", DENIED.name))
        yield Acl(who, "Read", "topic", f"{lane_dot}{IDENTITY}")
        yield Acl(who, "Write", "topic", f"{lane_dot}{IDENTITY}")
        group = f"{lane_dot}{rights.group}"
        yield Acl(who, "Read", "group", group, prefixed=group.endswith("."))
        # its id is the group and the slot
        yield Acl(who, "Write", "transactional-id", f"{group.rstrip('.')}.", prefixed=True)
    who = principal.format(worker="topics")
    for operation in ("Create", "Describe", "DescribeConfigs"):
        yield Acl(who, operation, "topic", lane_dot, prefixed=True)
    who = principal.format(worker="tools")
    for resource in ("topic", "group", "transactional-id"):
        yield Acl(who, "All", resource, lane_dot, prefixed=True)


def command(acl: Acl, options: Sequence[str]) -> str:
    """The line of Kafka's own tool that grants it; ``options`` say which cluster."""
    pattern = ["--resource-pattern-type", "prefixed"] if acl.prefixed else []
    words = [
        "kafka-acls.sh", *options, "--add", "--allow-principal", acl.principal,
        "--operation", acl.operation, f"--{acl.resource}", acl.name, *pattern,
    ]  # fmt: skip
    return shlex.join(words)
