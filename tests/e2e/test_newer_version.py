"""A record of a newer major version waits for the newer worker, which takes it over."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from contract.loops.driving import url_of, waiting
from contract.workers.test_supervisor import article
from newsmill import bus
from newsmill.bus.base import Bus, Output
from newsmill.topics import ARTICLES, ENRICHED, Topic
from running import environment, log_lines, wait_for

pytestmark = pytest.mark.timeout(150)  # a broker may have to start first

N = 60
FUTURE = 7  # the article that only the newer worker can read

NEWER = """
from newsmill import records
def decode(kind, value, present=records.decode):
    return present(kind, value and value.replace(b'"v":2', b'"v":1'))
records.decode = decode
"""  # before any worker is imported


@pytest.fixture(params=["file", pytest.param("kafka", marks=pytest.mark.kafka)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        return url_of(tmp_path)
    broker, unique = (request.getfixturevalue(name) for name in ("kafka", "unique"))
    return f"kafka://{broker.bootstrap}/{unique('newer')}?session_ms=3000"


@pytest.fixture(name="enricher")
def _enricher(tmp_path: Path, url: str) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts enrichers of the present newsmill or of the next, each at its slot."""
    running: list[subprocess.Popen[bytes]] = []

    def start(slot: int, newer: str = "") -> subprocess.Popen[bytes]:
        program = f"{newer}\nfrom newsmill.cli import main\nmain()"
        words = ["work", "enricher", "--slot", str(slot), "--bus", url, "--data", str(tmp_path)]
        running.append(
            subprocess.Popen(
                [sys.executable, "-c", program, *words],
                stderr=subprocess.DEVNULL,
                env=environment(heartbeat_s="0.5"),
            )
        )
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.wait()


def publish(opened: Bus) -> int:
    """Publish the articles; the partition of the one from the future."""
    member = opened.join("publisher", [])
    outputs = []
    for number in range(N):
        value, key = article(number, version=2 if number == FUTURE else 1), f"{number:032x}"
        outputs.append(Output(topic=ARTICLES, key=key.encode(), value=value, routing=key))
    member.commit(outputs, [], {})
    member.leave()
    for number in range(ARTICLES.partitions):
        if any(record.key == outputs[FUTURE].key for record in opened.scan(ARTICLES, number)):
            return number
    raise AssertionError("it was not published")


def keys(opened: Bus, topic: Topic, partition: int) -> list[bytes]:
    return [record.key for record in opened.scan(topic, partition)]


def test_a_record_of_the_future_waits_alone_and_the_newer_worker_delivers_it_in_its_order(
    enricher: Callable[..., subprocess.Popen[bytes]], url: str, tmp_path: Path
) -> None:
    with closing(bus.connect(url, "live")) as opened:
        opened.create()
        held = publish(opened)
        in_order = keys(opened, ARTICLES, held)
        before = in_order.index(f"{FUTURE:032x}".encode())
        old = enricher(0)
        wait_for(lambda: waiting(opened, "enricher") == len(in_order) - before)
        wait_for(lambda: len(opened.lag(["enricher"])) == ARTICLES.partitions)
        old.send_signal(signal.SIGTERM)
        assert old.wait(30) == 0
        enricher(0, NEWER)
        wait_for(lambda: not waiting(opened, "enricher"))
        came = [key for n in range(ENRICHED.partitions) for key in keys(opened, ENRICHED, n)]
        assert sorted(came) == [f"{number:032x}".encode() for number in range(N)]
    lines = log_lines(tmp_path / "logs")
    (said,) = {
        (line["partition"], line["why"]) for line in lines if line["event"] == "partition.held"
    }
    assert said == (held, "article of version 2; this worker reads 1: deploy a newer one")
    delivered = [(line["partition"], line["offset"]) for line in lines if line["event"] == "record"]
    assert len(delivered) == len(set(delivered)) == N
    of_held = [offset for partition, offset in delivered if partition == held]
    assert of_held == sorted(of_held)
