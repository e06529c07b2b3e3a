"""The light load: numbered records through two stages that copy, for as many steps as there can be.

A record is JSON: ``n``, its number; ``made``, the attempt that wrote it; ``of``, the attempt that
wrote what it was made of. So a record that was read and then undone is known by its reader.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson

from chaos.load import beyond, disorder, missing, strange
from chaos.stage import is_poison
from newsmill.bus.base import Bus, Output
from newsmill.topics import ARTICLES, DEAD, ENRICHED, PAGES, Topic, partition_of


class Light:
    """See ``Load``."""

    name = "light"
    module = "chaos.stage"
    roles = ("extractor", "extractor", "enricher", "enricher")
    groups = ("extractor", "enricher")
    low_water = 8000
    settings: Mapping[str, str] = MappingProxyType({})
    lacks = frozenset({"child_killed", "store_stalls", "strays", "newer"})

    def key(self, number: int) -> bytes:
        return b"%032d" % number

    def output(self, number: int, version: int = 1) -> Output:
        return Output(
            topic=PAGES,
            key=self.key(number),
            value=orjson.dumps({"n": number, "made": f"f{number}"}),
            partition=partition_of(f"host{number % 97}.example", PAGES.partitions),
        )

    def verdict(self, bus: Bus, offered: int, folder: Path) -> dict[str, Any]:
        """Every number once at the end, or dead; nothing made of what was undone; order kept."""
        pages, articles = values(bus, PAGES), values(bus, ARTICLES)
        enriched, dead = values(bus, ENRICHED), values(bus, DEAD)
        wanted = Counter(n for n in range(offered) if not is_poison(n))
        poison = Counter(n for n in range(offered) if is_poison(n))
        pairs = [(wanted, articles), (wanted, enriched), (poison, dead)]
        counts = [(want, Counter(held["n"] for held in found)) for want, found in pairs]
        fed = {held["made"] for held in pages}
        made = {held["made"] for held in articles}
        undone = sum(held["of"] not in fed for held in articles)
        undone += sum(held["of"] not in made for held in enriched)
        ways = [
            [(held["partition"], held["n"]) for held in found] for found in (articles, enriched)
        ]
        return {
            "in": offered,
            "out": len(counts[1][1]),
            "dead": len(counts[2][1]),
            "lost": sum(missing(*pair) for pair in counts),
            "duplicate": sum(beyond(*pair) for pair in counts),
            "aborted_visible": undone,
            "out_of_order": sum(map(disorder, ways)),
            "unknown": sum(strange(*pair) for pair in counts),
        }


def values(bus: Bus, topic: Topic) -> list[dict[str, Any]]:
    """All that a topic holds, read committed, in order of its partitions."""
    return [
        orjson.loads(record.value or b"") | {"partition": record.partition}
        for partition in range(topic.partitions)
        for record in bus.scan(topic, partition)
    ]
