"""The JVM rung: Kafka's jars through Maven, and all that one small KRaft broker needs to start."""

from __future__ import annotations

import hashlib
import os
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

POM = Path(__file__).with_name("pom.xml")
OLDEST_JAVA = 17  # what a Kafka 4 broker is compiled for
RESOLVE_S = 300.0  # for all jars, 45 MB
SILENCE_S = 20.0  # of Maven: a repository that does not answer is given up after it
PASSWORD = "newsmill-test"  # noqa: S105 - of a key that lives as long as the broker
USERS = {"newsmill": "newsmill-secret", "limited": "limited-secret"}
"""The SASL users: the first may do all, the second nothing that no ACL allows."""

JVM_FLAGS = (
    "-Xms128m", "-Xmx384m",
    "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xshare:auto",
)  # fmt: skip
_FAST = ("-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")


class RungFailed(Exception):
    """A rung of the ladder does not hold; the message says why in one line."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The four doors of the broker, all on the loopback."""

    plain: int
    tls: int
    sasl: int
    controller: int


def java() -> str:
    """The path of a Java that is new enough. Raises RungFailed."""
    home = os.environ.get("JAVA_HOME")
    found = str(Path(home, "bin", "java")) if home else shutil.which("java")
    if not found or not Path(found).is_file():
        raise RungFailed("no Java on this machine")
    said = subprocess.run(
        [found, "-version"], capture_output=True, text=True, timeout=20, check=False
    ).stderr
    version = re.search(r'version "(\d+)', said)
    if not version or int(version[1]) < OLDEST_JAVA:
        raise RungFailed(f"Java {version[1] if version else '?'}; at least {OLDEST_JAVA} is needed")
    return found


def cache_dir() -> Path:
    """Where the jars of this very pom are kept for the next start."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.blake2b(POM.read_bytes(), digest_size=6).hexdigest()
    return base / "newsmill" / f"kafka-{digest}"


def jars(
    cache: Path,
    *,
    extra: Sequence[str] = (),
    deadline_s: float = RESOLVE_S,
    silence_s: float = SILENCE_S,
) -> Path:
    """The folder of the broker's jars, by Maven unless ``cache`` has it. Raises RungFailed."""
    libs = cache / "libs"
    if libs.is_dir():
        return libs
    maven = shutil.which("mvn")
    if maven is None:
        raise RungFailed("no Maven on this machine, and no jars of an earlier start")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        fresh = Path(folder, "libs")
        command = [
            maven, "-B", "-f", str(POM), *extra,
            "-Dmaven.wagon.http.connectionTimeout=5000", "-Dmaven.wagon.http.retryHandler.count=1",
            "dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={fresh}",
        ]  # fmt: skip
        _run_watched(command, deadline_s, silence_s)
        try:
            fresh.rename(libs)
        except OSError:  # another process was quicker
            if not libs.is_dir():
                raise
    return libs


def _run_watched(command: Sequence[str], deadline_s: float, silence_s: float) -> None:
    """Run Maven for at most ``deadline_s``, and ``silence_s`` without a word from it."""
    said = b""
    end = time.monotonic() + deadline_s
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None  # noqa: S101 - we asked for a pipe
        while True:
            wait = min(silence_s, end - time.monotonic())
            if wait <= 0 or not select.select([process.stdout], [], [], wait)[0]:
                process.kill()
                raise RungFailed(f"Maven was given up: {_last_line(said) or 'not a word from it'}")
            some = os.read(process.stdout.fileno(), 1 << 16)
            if not some:
                break
            said = (said + some)[-20_000:]
    if process.returncode:
        error = re.search(rb"\[ERROR\] (.*)", said)
        reason = error[1].decode("utf-8", "replace") if error else _last_line(said)
        raise RungFailed(f"Maven: {reason[:300]}")


def _last_line(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def kafka_version(libs: Path) -> str:
    """The version of the jars in ``libs``."""
    name = next(libs.glob("kafka-clients-*.jar"))
    return name.stem.removeprefix("kafka-clients-")


def free_ports() -> Ports:
    """Four ports that were free a moment ago; who binds them finds out whether they still are."""
    sockets = [socket.socket() for _ in range(4)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return Ports(*(int(each.getsockname()[1]) for each in sockets))
    finally:
        for each in sockets:
            each.close()


def prepare(folder: Path, ports: Ports) -> list[str]:
    """Write settings and certificate, format the storage; gives the command that runs the broker.

    The command may be run again after the broker's end: the data stay. Raises RungFailed.
    """
    program = java()
    libs = jars(cache_dir())
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "server.properties"
    settings.write_text(_lines(_settings(folder, ports)))
    (folder / "log4j2.properties").write_text(_lines(LOGGING))
    certificate = subprocess.Popen(
        _keytool(program, folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    classes = ("-cp", f"{libs}/*")
    users = [
        word
        for name, secret in USERS.items()
        for word in ("--add-scram", f"SCRAM-SHA-512=[name={name},password={secret}]")
    ]
    cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    done = subprocess.run(
        [
            program, *_FAST, *classes, "kafka.tools.StorageTool",
            "format", "--standalone", f"--cluster-id={cluster}",  # it may begin with a dash
            "-c", str(settings), *users,
        ],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    certified = certificate.wait(60)  # before anything is refused: nobody else waits for it
    if done.returncode:
        raise RungFailed(f"kafka.tools.StorageTool: {_last_line(done.stderr.encode())[:300]}")
    if certified:
        raise RungFailed("keytool made no certificate")
    _export_certificate(program, folder)
    return [
        program, *JVM_FLAGS,
        f"-Dkafka.logs.dir={folder}", f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}",
        *classes, "kafka.Kafka", str(settings),
    ]  # fmt: skip


def _keytool(program: str, folder: Path) -> list[str]:
    """The words that make the broker's key, and a certificate that signs itself."""
    return [
        str(Path(program).resolve().with_name("keytool")), "-genkeypair", "-alias", "broker",
        "-keyalg", "EC", "-validity", "30", "-dname", "CN=localhost",
        "-ext", "san=ip:127.0.0.1,dns:localhost", "-ext", "bc:critical=ca:true",
        "-storetype", "PKCS12", "-keystore", str(folder / "broker.p12"), "-storepass", PASSWORD,
    ]  # fmt: skip


def _export_certificate(program: str, folder: Path) -> None:
    """Write ``ca.pem``, which clients trust."""
    done = subprocess.run(
        [
            str(Path(program).resolve().with_name("keytool")), "-exportcert", "-rfc",
            "-alias", "broker", "-keystore", str(folder / "broker.p12"), "-storepass", PASSWORD,
        ],
        capture_output=True, timeout=30, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RungFailed("keytool gave no certificate")
    (folder / "ca.pem").write_bytes(done.stdout)


def _lines(settings: Mapping[str, object]) -> str:
    return "".join(f"{name}={value}\n" for name, value in settings.items())


LOGGING = {
    "appender.out.type": "Console",
    "appender.out.name": "out",
    "appender.out.layout.type": "PatternLayout",
    "appender.out.layout.pattern": "%d{ISO8601} %p %c{1} %m%n",
    "rootLogger.level": "warn",
    "rootLogger.appenderRef.out.ref": "out",
}


def _settings(folder: Path, ports: Ports) -> dict[str, object]:
    """One node, broker and controller at once; quick to start, small, and with short sessions."""
    plain_users = " ".join(f'user_{name}="{secret}"' for name, secret in USERS.items())
    package = "org.apache.kafka.common.security"
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{ports.controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://127.0.0.1:{ports.plain},SSL://127.0.0.1:{ports.tls},"
        f"SASL_SSL://127.0.0.1:{ports.sasl},CONTROLLER://127.0.0.1:{ports.controller}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL,"
        "CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": folder / "data",
        "num.partitions": 1,
        "auto.create.topics.enable": "false",
        # one node: without these the offsets and transaction topics are never made, and calls hang
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        # tests do not wait: joins at once, short sessions, orphans aborted soon; but not sooner:
        # one that is found overdue while the broker starts is aborted without its markers
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": 5000,
        # small
        "log.segment.bytes": 16 << 20,
        "num.network.threads": 2,
        "num.io.threads": 2,
        "background.threads": 2,
        "log.cleaner.dedupe.buffer.size": 8 << 20,
        "log.cleaner.backoff.ms": 2000,
        # a broker that was killed is let in again after this, not after 9 s
        "broker.session.timeout.ms": 2000,
        "broker.heartbeat.interval.ms": 500,
        # TLS and SASL
        "ssl.keystore.type": "PKCS12",
        "ssl.keystore.location": folder / "broker.p12",
        "ssl.keystore.password": PASSWORD,
        "sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
            f"{package}.scram.ScramLoginModule required;"
        ),
        "listener.name.sasl_ssl.plain.sasl.jaas.config": (
            f"{package}.plain.PlainLoginModule required {plain_users};"
        ),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:newsmill",
    }
