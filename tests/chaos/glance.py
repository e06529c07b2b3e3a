"""How far the groups of a run are, at a glance: by offsets alone, no record is read.

On Kafka ``Bus.lag`` reads what waits to count it, with a consumer for every partition: done twice a
second that would be the most of what a small machine does.
"""

from __future__ import annotations

from collections.abc import Iterable

from kafka import TopicPartition

from newsmill.bus.base import Bus, Lag, Place
from newsmill.bus.kafka import reading
from newsmill.bus.kafka.bus import KafkaBus
from newsmill.topics import ARTICLES, ENRICHED, PAGES

READS = {"extractor": PAGES, "enricher": ARTICLES, "archiver": ENRICHED}


def glance(bus: Bus, groups: Iterable[str]) -> list[Lag]:
    """As ``Bus.lag``; but what waits may be too many by the marks that steps leave in the log."""
    if not isinstance(bus, KafkaBus):
        return bus.lag(groups)
    with bus._clients.asking():
        return [lag for group in groups for lag in _of_group(bus, group)]


def _of_group(bus: KafkaBus, group: str) -> list[Lag]:
    topic = READS[group.partition(".")[0]]
    full, name = bus._catalog.full(group), bus._catalog.full(topic.name)
    with bus._clients.admin() as admin:
        committed = admin.list_group_offsets(full)[full]
    places = [TopicPartition(name, partition) for partition in range(topic.partitions)]
    last = reading.ends(bus._clients, places, committed=True)
    found = []
    for place in places:
        at = max(0, committed[place].offset) if place in committed else 0
        short = Place(topic.name, place.partition)
        found.append(Lag(group, short, at, last[place], last[place] - at, None, None))
    return found
