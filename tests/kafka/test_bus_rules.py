"""The rules that the bus keeps on a real broker, each by a test that fails without it."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from contract.bus.driving import SOURCE, TALLY, marks, numbered, publish, take
from contract.bus.transports import kafka_url
from newsmill.bus import connect
from newsmill.bus.base import BusUnknown, Change, Fenced, OutOfRange, Output
from newsmill.bus.kafka import burst, clients
from newsmill.process.host import EXIT_UNKNOWN
from newsmill.topics import partition_of

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(90)]

TENTH = random.Random(4).randbytes(95_000)  # the broker keeps records compressed: these stay large


@pytest.fixture
def bus(kafka):
    with closing(connect(kafka_url(kafka.bootstrap), "live")) as bus:
        yield bus


@pytest.fixture
def admin(kafka):
    with closing(KafkaAdminClient(bootstrap_servers=kafka.bootstrap)) as admin:
        yield admin


@pytest.fixture
def reader(bus):
    publish(bus, numbered(6), routing="one")
    return bus.join("copier", [SOURCE])


@pytest.mark.parametrize("call", ["send_offsets_to_transaction", "commit_transaction"])
def test_a_transaction_call_that_never_returns_is_an_unknown_end_within_the_deadline(
    reader, monkeypatch, call
):
    records = take(reader, 6)
    never = threading.Event()
    monkeypatch.setattr(reader._producer._producer, call, lambda *_: never.wait(60))
    monkeypatch.setattr(reader._producer, "_deadline_s", 1.5)
    started = time.monotonic()
    try:
        with pytest.raises(BusUnknown, match="did not end"):
            reader.commit([], [], marks(reader, records))
    finally:
        never.set()
    assert time.monotonic() - started < 10
    assert burst.GRACE_S > 0  # the broker undoes the step before we give it up


def test_what_is_restored_waits_for_the_step_that_a_predecessor_left_pending(bus, reader, kafka):
    records = take(reader, 6)
    where = records[0].partition
    reader.commit([], [Change(TALLY, where, b"key", b"before")], marks(reader, records))
    topic = bus._catalog.full(TALLY.name)
    pending = KafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id=f"{topic}.before")
    with closing(pending):
        pending.init_transactions()
        pending.begin_transaction()
        pending.send(topic, key=b"key", value=b"after", partition=where).get(10)
        threading.Timer(1.0, pending.commit_transaction).start()
        assert dict(reader.restore(TALLY, where)) == {b"key": b"after"}


def test_a_group_that_retention_has_passed_is_told_where_it_was_and_where_the_log_begins(
    bus, reader, admin
):
    from kafka import TopicPartition

    records = take(reader, 6)
    reader.commit([], [], {r.place: m for r in records[:1] for m in [marks(reader, [r])[r.place]]})
    reader.leave()
    gone = TopicPartition(bus._catalog.full(SOURCE.name), records[0].partition)
    admin.delete_records({gone: records[3].offset})
    again = bus.join("copier", [SOURCE])
    with pytest.raises(OutOfRange) as told:
        take(again, 1)
    for word in ("copier", str(records[0].place), str(records[0].next), str(records[3].offset)):
        assert word in str(told.value)


def test_a_poll_holds_no_more_than_the_bytes_that_were_asked_for(bus):
    tool = bus.join("publisher", [])
    for number in range(8):
        values = [TENTH for _ in range(10)]
        outputs = [
            Output(topic=SOURCE, key=b"%d" % number, value=value, routing=str(number))
            for value in values
        ]
        tool.commit(outputs, [], {})
    reader = bus.join("copier", [SOURCE])
    seen = 0
    deadline = time.monotonic() + 20
    while seen < 80 and time.monotonic() < deadline:
        records = reader.poll(0.2, max_bytes=200_000)
        assert sum(record.size for record in records) <= 200_000 + len(TENTH) + 1
        seen += len(records)
    assert seen == 80


def test_what_is_fetched_ahead_is_bounded_in_bytes(bus, monkeypatch):
    """A broker gives at most so much in an answer, and each partition lends one batch."""
    monkeypatch.setattr(clients, "FETCH_BYTES", 500_000)
    monkeypatch.setattr(clients, "PARTITION_BYTES", 200_000)
    tool = bus.join("publisher", [])
    values = random.Random(5)  # each its own: of ten that are alike a batch keeps one
    for _ in range(4):
        rows = [(values.randbytes(len(TENTH)), n % 4) for n in range(4 * 10)]
        tool.commit([Output(topic=SOURCE, key=b"k", value=v, partition=p) for v, p in rows], [], {})
    reader = bus.join("copier", [SOURCE])
    seen = 0
    while seen < 160:
        seen += len(reader.poll(0.5, max_records=1))
        assert held(reader) <= clients.FETCH_BYTES + 5 * clients.BATCH_BYTES


def held(reader):
    """Bytes that a member has in memory and not delivered."""
    shelf = sum(r.size for waiting in reader._shelf._waiting.values() for r in waiting)
    fetcher = reader._membership.consumer._fetcher
    return shelf + sum(raw_size(fetch) for fetch in list(fetcher._completed_fetches))


def raw_size(fetch):
    return len(fetch.partition_data.records or b"")


def test_a_member_that_was_put_out_of_its_group_can_commit_nothing(bus, reader, admin):
    """Its own client knows of it, and has no generation any more: that is no leave to commit."""
    from kafka.admin import MemberToRemove

    records = take(reader, 6)
    positions = marks(reader, records)
    membership = reader._membership
    admin.remove_group_members(
        membership.group, [MemberToRemove(group_instance_id=membership.instance)]
    )
    membership.metadata = membership.metadata._replace(generation_id=-1, member_id="")
    with pytest.raises(Fenced):
        reader.commit([], [], positions)
    [lag] = [each for each in bus.lag(["copier"]) if each.place.partition == partition_of("one", 4)]
    assert lag.waiting == 6


STUCK = """
import sys, threading
from pathlib import Path
from newsmill.process.host import serve
from newsmill.process.settings import Settings
from newsmill.topics import PAGES

def work(desk):
    member = desk.member
    while not member.assignment:
        member.poll(0.5)
    member._producer._deadline_s = 1.0
    member._producer._producer.commit_transaction = threading.Event().wait  # for ever
    member.commit([], [], dict(member.assignment))

settings = Settings(bus=sys.argv[1], data=Path(sys.argv[2]))
sys.exit(serve("extractor", "extractor", [PAGES], settings, work))
"""


def test_a_worker_whose_step_has_an_unknown_end_exits_though_the_call_hangs(kafka, tmp_path):
    url = kafka_url(kafka.bootstrap)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", STUCK, url, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == EXIT_UNKNOWN, done.stderr
    assert "did not end" in done.stderr
