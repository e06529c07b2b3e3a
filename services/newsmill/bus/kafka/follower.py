"""Following a configuration topic: the latest value of every key, then what comes after."""

from __future__ import annotations

import time

from kafka import TopicPartition

from newsmill.bus.base import Place, Record
from newsmill.bus.kafka.clients import Clients, close_anyhow
from newsmill.bus.kafka.reading import PATIENCE_S, POLL_MS, convert, settled_ends, starts

LATER_PATIENCE_S = 0.1
READ_S = 30.0


class KafkaFollower:
    """Reads one configuration topic through a consumer of its own."""

    def __init__(self, clients: Clients, topic: str, short: str) -> None:
        self._clients = clients
        self._where = TopicPartition(topic, 0)
        self._place = Place(short, 0)
        self._consumer = clients.consumer()
        self._consumer.assign([self._where])
        self._consumer.seek(self._where, starts(clients, [self._where])[self._where])
        self._begun = False
        self.is_open = True

    def poll(self) -> list[Record]:
        """What was written since the last call; at first the latest value of every key."""
        patience = LATER_PATIENCE_S if self._begun else PATIENCE_S
        end = settled_ends(self._clients, [self._where], patience)[self._where]
        deadline = time.monotonic() + READ_S
        records: list[Record] = []
        while self._consumer.position(self._where) < end and time.monotonic() < deadline:
            rows = self._consumer.poll(POLL_MS).get(self._where, ())
            records += convert(self._place, rows, self._consumer.position(self._where))
        if not self._begun:
            self._begun = True
            newest = {record.key: record for record in records}
            records = [r for r in records if r.value is not None and newest[r.key] is r]
        return records

    def close(self) -> None:
        """Let go of it."""
        if self.is_open:
            self.is_open = False
            close_anyhow(self._consumer)
