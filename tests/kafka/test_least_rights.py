"""On a broker with users and ACLs, every worker does its work with its own rights, and no more."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from kafka.errors import TopicAuthorizationFailedError

from brokers import ladder
from newsmill.cli.work import ROLES
from newsmill.newsroom import FEEDS, Newsroom
from newsmill.process.rights import WORKERS, acls, command
from running import export, newsmill, start, stop

SECRET = "of-one-test"  # of users that live as long as the broker
WANTED = 30  # articles of the newsroom; all that are to be had are some more


def _kind(resource: str) -> ResourceType:
    return ResourceType[resource.upper().replace("-", "_")]


def _operation(name: str) -> ACLOperation:
    return ACLOperation[{"DescribeConfigs": "DESCRIBE_CONFIGS"}.get(name, name.upper())]


class Office:
    """A namespace whose users have the rights that ``bus acls`` prints."""

    def __init__(self, broker: ladder.Broker) -> None:
        self.broker = broker
        self.namespace = f"t{uuid.uuid4().hex[:10]}"
        done = newsmill(
            "bus", "acls", "--json", "--bus", f"kafka://{broker.sasl}/{self.namespace}",
            "--principal", f"User:{self.namespace}-{{worker}}",
        )  # fmt: skip
        told = [json.loads(line) for line in done.stdout.splitlines()]
        users = sorted({each["principal"].removeprefix("User:") for each in told})
        admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
        admin.alter_user_scram_credentials(
            [
                UserScramCredentialUpsertion(user, ScramMechanism.SCRAM_SHA_512, SECRET, 4096)
                for user in users
            ]
        )
        admin.create_acls([self._acl(each) for each in told])
        admin.close()

    @staticmethod
    def _acl(told: dict[str, Any]) -> ACL:
        pattern = ResourcePattern(
            _kind(told["resource"]), told["name"],
            ACLResourcePatternType.PREFIXED if told["prefixed"] else ACLResourcePatternType.LITERAL,
        )  # fmt: skip
        return ACL(
            told["principal"], "*", _operation(told["operation"]), ACLPermissionType.ALLOW, pattern
        )

    def user(self, worker: str) -> dict[str, str]:
        """The settings with which a worker is let in."""
        return {
            "bus": f"kafka://{self.broker.sasl}/{self.namespace}",
            "kafka_tls": "on",
            "kafka_ca": self.broker.ca_file,
            "kafka_user": f"{self.namespace}-{worker}",
            "kafka_password": SECRET,
            "kafka_wait_ms": "20000",  # a user who is new is not known at once
        }


@pytest.fixture
def office(kafka: ladder.Broker) -> Office:
    if not kafka.sasl:
        pytest.skip(f"the {kafka.kind} broker has no listener with SASL")
    return Office(kafka)


@pytest.fixture
def newsroom() -> Iterator[Newsroom]:
    with Newsroom(slow_s=0.1) as newsroom:
        yield newsroom


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(150)
def test_every_worker_works_with_its_own_rights_alone(
    office: Office, newsroom: Newsroom, tmp_path: Path
) -> None:
    made = newsmill("bus", "create", **office.user("topics"))
    assert made.returncode == 0, made.stderr.decode()
    (tmp_path / "feeds.txt").write_text("\n".join(FEEDS))
    imported = newsmill("feeds", "import", tmp_path / "feeds.txt", **office.user("tools"))
    assert imported.returncode == 0, imported.stderr.decode()
    settings = {
        "data": str(tmp_path / "data"), "resolve": " ".join(newsroom.resolve),
        "contact": "me@site.example", "first_poll_days": "0", "spacing_s": "0.05",
    }  # fmt: skip
    workers = {
        role: start(
            "work", role, "--slot", "0", log=tmp_path / role, **(settings | office.user(role))
        )
        for role in ROLES
    }
    try:
        _wait_for_articles(tmp_path, workers)
    finally:
        codes = {role: stop(process) for role, process in workers.items()}
    assert codes == dict.fromkeys(ROLES, 0)


def _wait_for_articles(folder: Path, workers: dict[str, subprocess.Popen[bytes]]) -> None:
    end = time.monotonic() + 90
    while not (folder / "data" / "stores" / "live.db").exists() or (
        len(export(folder / "data")) < WANTED
    ):
        for role, process in workers.items():
            assert process.poll() is None, (folder / role).read_text()[-2000:]
        assert time.monotonic() < end, {r: (folder / r).read_text()[-500:] for r in workers}
        time.sleep(0.5)


@pytest.mark.kafka
@pytest.mark.timeout(90)
def test_what_is_not_a_workers_business_it_can_neither_read_nor_make(office: Office) -> None:
    lane = f"{office.namespace}.live"
    refused = newsmill("bus", "create", **office.user("fetcher"))
    assert refused.returncode == 2
    assert b"has no right" in refused.stderr
    assert SECRET.encode() not in refused.stderr
    assert newsmill("bus", "create", **office.user("topics")).returncode == 0
    with pytest.raises(TopicAuthorizationFailedError):
        _read(office, "fetcher", f"{lane}.enriched")
    with pytest.raises(TopicAuthorizationFailedError):
        _read(office, "archiver", f"{lane}.pages")


def _read(office: Office, worker: str, topic: str) -> None:
    reader = KafkaConsumer(
        bootstrap_servers=office.broker.sasl, security_protocol="SASL_SSL",
        ssl_cafile=office.broker.ca_file, sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username=f"{office.namespace}-{worker}", sasl_plain_password=SECRET,
        enable_auto_commit=False, auto_offset_reset="earliest",
    )  # fmt: skip
    try:
        reader.assign([TopicPartition(topic, 0)])
        end = time.monotonic() + 20
        while time.monotonic() < end:
            reader.poll(500)
    finally:
        reader.close()


def test_rights_are_commands_of_kafkas_own_tool() -> None:
    options = ("--bootstrap-server", "broker:9093")
    lines = [command(acl, options) for acl in acls("newsmill", "live")]
    assert lines[0].startswith("kafka-acls.sh --bootstrap-server broker:9093 --add")
    assert len(lines) == len(set(lines))
    writers = [
        line for line in lines if line.endswith("--operation Write --topic newsmill.live.enriched")
    ]
    assert len(writers) == 1, "one worker writes enriched articles"


def test_every_worker_has_rights() -> None:
    assert set(ROLES) <= {rights.worker for rights in WORKERS}
