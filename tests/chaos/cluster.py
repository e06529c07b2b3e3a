"""A small cluster of JVM brokers: every record three times, two copies before it counts."""

from __future__ import annotations

import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from brokers import jvm, ladder

REPLICAS = 3
IN_SYNC = 2


@contextmanager
def cluster(folder: Path, count: int) -> Iterator[list[Any]]:
    """So many brokers, each also one of the quorum's controllers. Raises NoBroker."""
    try:
        program, libs = jvm.java(), jvm.jars(jvm.cache_dir())
    except jvm.RungFailed as error:
        raise ladder.NoBroker(str(error)) from error
    name = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    ports = [jvm.free_ports() for _ in range(count)]
    voters = ",".join(f"{at + 1}@127.0.0.1:{each.controller}" for at, each in enumerate(ports))
    found = []
    with ExitStack() as stack:
        for at, each in enumerate(ports):
            place = folder / f"broker-{at + 1}"
            place.mkdir(parents=True)
            settings = place / "server.properties"
            lines = _settings(place, at + 1, each.plain, each.controller, voters)
            settings.write_text("".join(f"{key}={value}\n" for key, value in lines.items()))
            classes = ("-cp", f"{libs}/*")
            tool = [program, *classes, "kafka.tools.StorageTool", "format"]
            subprocess.run(
                [*tool, "-t", name, "-c", settings], check=True, capture_output=True, timeout=60
            )
            broker = ladder.Broker(
                kind="jvm", bootstrap=f"127.0.0.1:{each.plain}", version=jvm.kafka_version(libs),
                command=[program, *jvm.JVM_FLAGS, *classes, "kafka.Kafka", str(settings)],
                log=str(place / "log"), folder=str(place),
            )  # fmt: skip
            stack.callback(broker.kill)
            found.append(broker)
        with ThreadPoolExecutor(count) as all_at_once:  # none opens its port without a quorum
            list(all_at_once.map(lambda broker: broker.start(), found))
        yield found


def _settings(
    folder: Path, number: int, port: int, controller: int, voters: str
) -> dict[str, object]:
    return {
        "process.roles": "broker,controller",
        "node.id": number,
        "controller.quorum.voters": voters,
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
        "log.dirs": folder / "data",
        "auto.create.topics.enable": "false",
        "default.replication.factor": REPLICAS,
        "min.insync.replicas": IN_SYNC,
        "unclean.leader.election.enable": "false",
        "offsets.topic.replication.factor": REPLICAS,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": REPLICAS,
        "transaction.state.log.min.isr": IN_SYNC,
        "transaction.state.log.num.partitions": 4,
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": 5000,
        "log.segment.bytes": 16 << 20,
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
    }
