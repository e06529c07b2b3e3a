"""Where a run takes place: an embedded log, or brokers of our own behind a proxy."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from brokers import ladder
from chaos import strays
from chaos.cluster import cluster
from chaos.proxy import Proxy
from newsmill import bus
from newsmill.bus.base import Bus
from newsmill.errors import NewsmillError
from newsmill.topics import STREAMS, TOPICS, full_name

SESSION_S = 4.0
TRANSACTION_S = 8.0
HANGING_S = 40.0  # within which every step of before the last fault has ended
NAMESPACE = "chaos"
T = TypeVar("T")


@dataclass(slots=True)
class Ground:
    """The bus of a run, as its workers and as the harness reach it."""

    url: str  # of the workers
    direct: str  # of the harness
    servers: str = ""
    proxy: Proxy | None = None
    brokers: list[Any] = field(default_factory=list)

    def connect(self, within_s: float = 60.0) -> Bus:
        """The bus, as soon as it is there."""

        def opened() -> Bus:
            found = bus.connect(self.direct, "live")
            found.create()
            return found

        return _patiently(opened, within_s)

    def keep_all(self) -> None:
        """Make a group that never reads, so that nothing is dropped when a disk is full."""
        opened = self.connect()
        _patiently(lambda: opened.join("witness", STREAMS), 60.0).leave()
        opened.close()

    def send_strays(self, partition: int) -> bool:
        """Put records that are none into a partition of the topics; False where it cannot."""
        if self.servers:
            return strays.through_client(self.servers, NAMESPACE, partition)
        opened = self.connect()
        try:
            return strays.through_bus(opened, partition)
        finally:
            opened.close()

    def watch_hanging(self) -> Callable[[], float | None]:
        """Watch from now on whether every step that was begun comes to an end.

        Gives what tells how long it took; None where one hangs. The embedded log has no open steps.
        """
        if not self.servers:
            return lambda: 0.0
        took: list[float | None] = []
        watch = threading.Thread(target=lambda: took.append(_all_ended(self.servers)))
        watch.start()

        def told() -> float | None:
            watch.join()
            return took[0] if took else None

        return told


def _patiently(call: Callable[[], T], within_s: float) -> T:
    end = time.monotonic() + within_s
    while True:
        try:
            return call()
        except NewsmillError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def _all_ended(servers: str) -> float | None:
    """Seconds until readers at read_committed are let past all that is written by now."""
    from kafka import KafkaConsumer, TopicPartition

    places = [
        TopicPartition(full_name(NAMESPACE, "live", topic.name), partition)
        for topic in TOPICS
        for partition in range(topic.partitions)
    ]
    begun = time.monotonic()
    raw, clean = (
        KafkaConsumer(bootstrap_servers=servers, isolation_level=level)
        for level in ("read_uncommitted", "read_committed")
    )
    try:
        written = raw.end_offsets(places)
        while time.monotonic() - begun < HANGING_S:
            shown = clean.end_offsets(places)
            if all(shown[place] >= written[place] for place in places):
                return round(time.monotonic() - begun, 1)
            time.sleep(0.2)
    finally:
        raw.close()
        clean.close()
    return None


@contextmanager
def ground(kind: str, folder: Path, brokers: int = 1) -> Iterator[Ground]:
    """An embedded log, or brokers of our own behind a proxy. Raises NoBroker."""
    if kind == "file":
        url = f"file:{folder / 'bus'}?lease_s={SESSION_S}"
        yield Ground(url, url)
        return
    options = f"?session_ms={int(SESSION_S * 1000)}&transaction_ms={int(TRANSACTION_S * 1000)}"
    with _brokers(folder / "kafka", brokers) as there:
        addresses = [broker.bootstrap for broker in there]
        parts = [address.partition(":") for address in addresses]
        proxy = Proxy([(host, int(port)) for host, _, port in parts])
        try:
            servers = ",".join(addresses)
            seen = ",".join(f"127.0.0.1:{port}" for port in proxy.ports)
            direct = f"kafka://{servers}/{NAMESPACE}{options}"
            yield Ground(f"kafka://{seen}/{NAMESPACE}{options}", direct, servers, proxy, there)
        finally:
            proxy.close()


@contextmanager
def _brokers(folder: Path, count: int) -> Iterator[list[Any]]:
    if count > 1:
        with cluster(folder, count) as there:
            yield there
        return
    with ladder.borrowed(folder, only="jvm") as broker:
        yield [broker]
