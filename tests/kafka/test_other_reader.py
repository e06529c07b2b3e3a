"""A reader that is not ours sees what our store holds, and nothing that was aborted."""

from __future__ import annotations

import base64
import json
import uuid

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from e2e.workers import Workers, enriched
from newsmill.topics import ENRICHED
from running import newsmill

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(90)]

LANE = "other"
PAGES = 60
STORY = (
    "The ferry to Lennholm was late again on Tuesday. “We waited for an hour,” said Ruth Okafor, "
    "who takes it every day.",
    "The harbour office blames a lock that closes too slowly. A new one was promised two years "
    "ago, and its parts lie in a shed by the pier.",
    "Until it is built, boats will wait for the tide. The council is to speak of it next week, "
    "and of what a second boat would cost.",
)


def _page(number: int) -> bytes:
    paragraphs = "".join(f"<p>{paragraph}</p>" for paragraph in STORY)
    title = f"Ferry number {number} was late"
    body = (
        f"<html lang=en><head><title>{title}</title></head><body><article><h1>{title}</h1>"
        f"{paragraphs}<p>It was boat {number} of the year.</p></article></body></html>"
    )
    line = {
        "id": str(number),
        "url": f"https://ferry.example/story/{number}",
        "body_b64": base64.b64encode(body.encode()).decode(),
        "content_type": "text/html; charset=utf-8",
        "fetched": "2026-10-02T08:00:00Z",
    }
    return json.dumps(line).encode()


@pytest.fixture(scope="module", name="lane")
def _lane(kafka, tmp_path_factory):
    """A lane whose enricher died inside a step: all was written, nothing committed."""
    folder = tmp_path_factory.mktemp("other")
    pages, url = folder / "pages.jsonl", f"kafka://{kafka.bootstrap}/t{uuid.uuid4().hex[:10]}"
    pages.write_bytes(b"\n".join(map(_page, range(PAGES))))
    with Workers(url, LANE, folder) as workers:
        # the first step of a member is the one by which it enters the group
        workers.start([("enricher", 0)], crash_at="commit.written:2")
        workers.start([("extractor", 0), ("archiver", 0)])
        workers.start([("producer", 0)], "--source", pages)
        workers.wait_killed("enricher", 0)
        workers.start([("enricher", 0)])
        workers.wait_through()
        workers.stop()
    return kafka.bootstrap, url, folder / "data"


def _read(bootstrap: str, topic: str, level: str) -> list[bytes]:
    """Every value that librdkafka is given of a topic at an isolation level, sorted."""
    reader = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "other-reader",
            "isolation.level": level,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    places = [TopicPartition(topic, n, OFFSET_BEGINNING) for n in range(ENRICHED.partitions)]
    reader.assign(places)
    values: list[bytes] = []
    ended = 0
    while ended < len(places):
        message = reader.poll(10)
        assert message is not None, "the broker is silent"
        if message.error() is None:
            values.append(message.value())
        else:
            assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
            ended += 1
    reader.close()
    return sorted(values)


def _topic(url: str) -> str:
    return f"{url.rpartition('/')[2]}.{LANE}.{ENRICHED.name}"


def test_it_sees_each_record_of_our_store_once_and_byte_for_byte(lane):
    bootstrap, url, data = lane
    seen = _read(bootstrap, _topic(url), "read_committed")
    assert len(seen) == len({json.loads(value)["id"] for value in seen}) == PAGES
    stored = newsmill("export", "--data", data, "--lane", LANE)
    assert sorted(stored.stdout.splitlines()) == seen
    assert enriched(url, LANE) == seen


def test_it_sees_nothing_that_was_aborted(lane):
    bootstrap, url, _ = lane
    committed = _read(bootstrap, _topic(url), "read_committed")
    written = _read(bootstrap, _topic(url), "read_uncommitted")
    assert len(written) > len(committed), "the step that died had written its records"
    assert set(written) == set(committed), "done again, they are the same bytes"
