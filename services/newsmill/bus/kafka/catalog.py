"""The topics of one lane: made where missing with their settings, and known by their names.

The number of a topic's partitions is kept by Kafka itself; another number than this newsmill wants
refuses to start. One more small topic, ``identity``, is made with a lane's first: its id, which
Kafka never gives twice, names the log.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kafka.admin import NewTopic
from kafka.errors import KafkaError, for_code

from newsmill.bus.kafka.clients import Clients
from newsmill.errors import Misconfigured
from newsmill.topics import BY_NAME, Topic, full_name, prefix

IDENTITY = "identity"
ALREADY_THERE = 36
UNKNOWN_TOPIC = 3
FORBIDDEN = 29
FORBIDDEN_CLUSTER = 31
ROOM = 1 << 20  # of key and headers, and of a batch of small records, beside the largest value
DAY_MS = 24 * 3600 * 1000


class Catalog:
    """Finds and makes topics, and remembers those that it found."""

    def __init__(self, clients: Clients, namespace: str, lane: str) -> None:
        self._clients = clients
        self._namespace = namespace
        self._lane = lane
        self.lane = prefix(namespace, lane)
        self._known: set[Topic] = set()
        self._cluster = ""

    def full(self, name: str) -> str:
        """The name of a topic, group or transactional id on the wire."""
        return full_name(self._namespace, self._lane, name)

    def short(self, name: str) -> str:
        """The name of a topic or group without its prefix."""
        return name[len(self.lane) + 1 :]

    def forget(self) -> None:
        """Remember nothing, since another process may have dropped the lane."""
        self._known.clear()

    def cluster(self) -> str:
        """The cluster's own name for itself."""
        if not self._cluster:
            with self._clients.admin() as admin:
                self._cluster = str(admin.describe_cluster()["cluster_id"])
        return self._cluster

    def identity(self) -> str:
        """The lane's name for life; made with its first topic, or now."""
        found = self._described([IDENTITY])
        if IDENTITY not in found:
            self._create([_identity_topic()])
            found = self._described([IDENTITY])
        return f"{self.cluster()}/{found[IDENTITY]['topic_id']}"

    def is_made(self) -> bool:
        """Whether the lane has a topic at all."""
        return IDENTITY in self._described([IDENTITY])

    def find(self, topic: Topic) -> bool:
        """Whether the topic is there; raises Misconfigured where it differs."""
        if topic in self._known:
            return True
        return topic.name in self._there([topic])

    def ensure(self, topics: Iterable[Topic]) -> list[str]:
        """Make the topics that are missing; their short names."""
        wanted = [topic for topic in dict.fromkeys(topics) if topic not in self._known]
        if not wanted:
            return []
        there = self._there(wanted)
        missing = [topic for topic in wanted if topic.name not in there]
        if missing:
            self._refuse_uneven(missing)
            self._create(missing if self.is_made() else [_identity_topic(), *missing])
            self._known.update(missing)
        return [topic.name for topic in missing]

    def existing(self) -> dict[str, int]:
        """Every topic of the lane: short name and number of partitions."""
        with self._clients.admin() as admin:
            names = [name for name in admin.list_topics() if name.startswith(f"{self.lane}.")]
        found = self._described([self.short(name) for name in sorted(names)])
        return {name: len(found[name]["partitions"]) for name in found if name != IDENTITY}

    def lanes(self) -> list[str]:
        """The name of every lane of the namespace: each has a topic of its identity."""
        before, after = prefix(self._namespace, ""), f".{IDENTITY}"
        with self._clients.admin() as admin:
            names = [str(name) for name in admin.list_topics()]
        lanes = [
            name.removeprefix(before).removesuffix(after)
            for name in names
            if name.startswith(before) and name.endswith(after)
        ]
        return sorted(lane for lane in lanes if lane and "." not in lane)

    def kind(self, name: str, partitions: int) -> str:
        """What a topic is; by its settings where this newsmill does not know the name."""
        if name in BY_NAME:
            return BY_NAME[name].kind
        from kafka.admin import ConfigResource, ConfigResourceType

        with self._clients.admin() as admin:
            told = admin.describe_configs(
                [ConfigResource(ConfigResourceType.TOPIC, self.full(name))]
            )
        if "compact" not in str(_setting(told, "cleanup.policy")):
            return "stream"
        return "config" if partitions == 1 else "state"

    def _there(self, topics: list[Topic]) -> set[str]:
        found = self._described([topic.name for topic in topics])
        for topic in topics:
            if topic.name not in found:
                continue
            count = len(found[topic.name]["partitions"])
            if count != topic.partitions:
                raise Misconfigured(
                    f"topic {self.full(topic.name)} is a {topic.kind} of {count} partitions on "
                    f"this bus; this newsmill wants a {topic.kind} of {topic.partitions}"
                )
            self._known.add(topic)
        return set(found)

    def _described(self, names: list[str]) -> dict[str, dict[str, Any]]:
        if not names:
            return {}
        with self._clients.admin() as admin:
            told = admin.describe_topics([self.full(name) for name in names])
        for one in told:
            if one["error_code"] == FORBIDDEN:
                raise self._no_right(one["name"])
        return {self.short(one["name"]): one for one in told if one["error_code"] != UNKNOWN_TOPIC}

    def _no_right(self, full: str) -> Misconfigured:
        who = self._clients.options.user or "this client"
        return Misconfigured(
            f"topic {full}: {who} has no right to describe and create it; "
            f"allow {who} that for topics that start with {self.lane}."
        )

    def _refuse_uneven(self, topics: list[Topic]) -> None:
        beside = self._described(sorted({topic.beside for topic in topics if topic.beside}))
        for topic in topics:
            there = beside.get(topic.beside or "")
            if there is not None and len(there["partitions"]) != topic.partitions:
                raise Misconfigured(
                    f"topic {self.full(topic.name)} has {topic.partitions} partitions; "
                    f"{topic.beside}, which it stands beside, has {len(there['partitions'])}"
                )

    def _create(self, topics: list[Topic]) -> None:
        replicas = self._clients.options.replicas
        new = [
            NewTopic(
                name=self.full(topic.name),
                num_partitions=topic.partitions,
                replication_factor=replicas,
                topic_configs=settings_of(topic),
            )
            for topic in topics
        ]
        with self._clients.admin() as admin:
            for told in admin.create_topics(new, raise_errors=False)["topics"]:
                if told["error_code"] in (FORBIDDEN, FORBIDDEN_CLUSTER):
                    raise self._no_right(told["name"])
                if told["error_code"] not in (0, ALREADY_THERE):
                    why = told["error_message"] or for_code(told["error_code"]).__name__
                    raise Misconfigured(f"topic {told['name']} cannot be made: {why}")
            try:
                admin.wait_for_topics([each.name for each in new])
            except KafkaError as error:
                raise Misconfigured(f"topics of {self.lane} were made, but: {error}") from error


def _identity_topic() -> Topic:
    return Topic(IDENTITY, "config", partitions=1)


def _setting(told: Any, name: str) -> object:
    """The value of one setting in what ``describe_configs`` gives, however it nests it."""
    if isinstance(told, dict):
        if name in told:
            return told[name]
        return next((v for v in (_setting(each, name) for each in told.values()) if v), None)
    return None


def settings_of(topic: Topic) -> dict[str, str]:
    """The settings that a topic is made with."""
    settings: dict[str, Any] = {"max.message.bytes": topic.max_bytes + ROOM}
    # The brokers' clock: records of a worker whose own is wrong by days would be dropped by
    # retention at once, or refused.
    settings["message.timestamp.type"] = "LogAppendTime"
    # Page bodies are zstd frames already; the rest is compressed by the broker, as it is kept.
    settings["compression.type"] = "uncompressed" if topic.name == "pages" else "zstd"
    if topic.kind == "stream":
        settings["cleanup.policy"] = "delete"
        settings["retention.ms"] = 30 * DAY_MS
        if topic.retain_bytes is not None:
            settings["retention.bytes"] = topic.retain_bytes // topic.partitions
    else:
        settings["cleanup.policy"] = "compact"
        settings["min.cleanable.dirty.ratio"] = 0.2
        settings["segment.ms"] = DAY_MS  # the newest segment is never compacted
    return {name: str(value) for name, value in settings.items()}
