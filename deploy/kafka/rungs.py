"""The rungs of the ladder to a local Kafka: each finds a broker, or says in one line why not."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import jvm
from jvm import RungFailed

DOCKER_IMAGE = "apache/kafka"


@dataclass(frozen=True, slots=True)
class Found:
    """A broker as a rung gives it: running already, or to be run by ``command``."""

    bootstrap: str
    version: str
    tls: str = ""
    sasl: str = ""
    ca_file: str = ""
    users: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)
    log: str = ""


def given(_folder: Path) -> Found:
    """The broker that KAFKA_BOOTSTRAP names: reached without TLS, and not ours to stop."""
    bootstrap = os.environ.get("KAFKA_BOOTSTRAP", "")
    if not bootstrap:
        raise RungFailed("KAFKA_BOOTSTRAP is not set")
    host, _, port = bootstrap.partition(",")[0].rpartition(":")
    try:
        socket.create_connection((host, int(port)), 5).close()
    except (OSError, ValueError) as error:
        raise RungFailed(f"{bootstrap} does not answer: {error}") from error
    return Found(bootstrap, "as given")


def docker(_folder: Path) -> Found:
    """A container of Apache's own image, on a port chosen beforehand; testcontainers removes it."""
    if importlib.util.find_spec("testcontainers") is None:
        raise RungFailed("testcontainers is not installed")
    from docker.errors import DockerException
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.waiting_utils import wait_for_logs

    port = jvm.free_ports().plain
    settings = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_INTER_BROKER_LISTENER_NAME": "PLAINTEXT",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
        "KAFKA_TRANSACTION_ABORT_TIMED_OUT_TRANSACTION_CLEANUP_INTERVAL_MS": "500",
    }
    wanted = _pom_version()
    try:
        container: Any = DockerContainer(f"{DOCKER_IMAGE}:{wanted}").with_bind_ports(9092, port)
        for name, value in settings.items():
            container = container.with_env(name, value)
        container.start()
        wait_for_logs(container, "Kafka Server started", timeout=60)
    except (DockerException, OSError, TimeoutError) as error:
        raise RungFailed(f"no container: {str(error).splitlines()[0][:200]}") from error
    _KEPT.append(container)
    return Found(f"127.0.0.1:{port}", wanted)


_KEPT: list[Any] = []  # containers live as long as we hold them


def _pom_version() -> str:
    text = jvm.POM.read_text()
    return text.partition("<kafka.version>")[2].partition("<")[0]


def jvm_broker(folder: Path) -> Found:
    """Apache Kafka itself, one small node: what the promises are judged by."""
    ports = jvm.free_ports()
    shutil.rmtree(folder / "jvm", ignore_errors=True)
    home = folder / "jvm"
    command = jvm.prepare(home, ports)
    return Found(
        bootstrap=f"127.0.0.1:{ports.plain}",
        version=jvm.kafka_version(jvm.jars(jvm.cache_dir())),
        tls=f"127.0.0.1:{ports.tls}",
        sasl=f"127.0.0.1:{ports.sasl}",
        ca_file=str(home / "ca.pem"),
        users=dict(jvm.USERS),
        command=command,
        log=str(home / "broker.log"),
    )


def noida(folder: Path) -> Found:
    """The broker in the noida-db wheel: quick and small, but no judge of a stale generation."""
    spec = importlib.util.find_spec("noida_db")
    if spec is None or spec.origin is None:
        raise RungFailed("noida-db is not installed (it comes with the extra `test`)")
    home = folder / "noida"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    program = home / "noida-db"
    shutil.copyfile(Path(spec.origin).with_name("noida-db"), program)
    program.chmod(0o755)  # pip leaves the one in the wheel without the bit
    port = jvm.free_ports().plain
    return Found(
        bootstrap=f"127.0.0.1:{port}",
        version=version("noida-db"),
        command=[
            str(program), "start", "--only", "kafka", "--kafka-port", str(port),
            "--host", "127.0.0.1", "--data-dir", str(home / "data"),
        ],
        log=str(home / "broker.log"),
    )  # fmt: skip


def sweep(folder: Path) -> None:
    """Remove the data of a broker that has ended; its log stays, for whoever asks why."""
    for data in (folder / "jvm" / "data", folder / "noida"):
        shutil.rmtree(data, ignore_errors=True)


def home() -> Path:
    """Where the broker of ``make kafka`` lives: one a user."""
    return Path(tempfile.gettempdir(), f"newsmill-kafka-{os.getuid()}")


LADDER: tuple[tuple[Literal["given", "docker", "jvm", "noida"], Callable[[Path], Found]], ...] = (
    ("given", given),
    ("docker", docker),
    ("jvm", jvm_broker),
    ("noida", noida),
)
