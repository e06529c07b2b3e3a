"""What only the Kafka bus has: its URL, what it makes of failures between the calls of a step."""

from __future__ import annotations

from contextlib import closing

import pytest
from kafka.errors import NotEnoughReplicasError, OutOfOrderSequenceNumberError
from kafka.producer.sender import Sender

from contract.bus.driving import (
    SINK,
    SOURCE,
    TALLY,
    copies,
    everything,
    marks,
    numbered,
    publish,
    take,
)
from contract.bus.transports import kafka_url
from newsmill.bus import connect
from newsmill.bus.base import BusFull, BusUnknown, Change, Fenced
from newsmill.bus.kafka.options import parse
from newsmill.errors import Misconfigured
from newsmill.topics import partition_of

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(90)]


@pytest.fixture
def url(kafka):
    return kafka_url(kafka.bootstrap)


@pytest.fixture
def bus(url):
    with closing(connect(url, "live")) as bus:
        yield bus


@pytest.fixture
def reader(bus):
    publish(bus, numbered(6), routing="one")
    return bus.join("copier", [SOURCE])


def failing(monkeypatch, error):
    """The next batch that is answered fails with this error."""
    complete = Sender._complete_batch

    def fail(self, batch, response):
        monkeypatch.undo()
        response.error_code = error.errno
        return complete(self, batch, response)

    monkeypatch.setattr(Sender, "_complete_batch", fail)


def test_a_record_that_was_not_taken_undoes_its_step_which_can_be_tried_again(
    bus, reader, monkeypatch
):
    records = take(reader, 6)
    positions = marks(reader, records)
    failing(monkeypatch, OutOfOrderSequenceNumberError)
    with pytest.raises(BusFull, match="undone"):
        reader.commit(copies(records), [], positions)
    assert everything(bus, SINK) == []
    assert {each.position for each in bus.lag(["copier"])} == {0}
    reader.commit(copies(records), [], positions)
    assert [r.value for r in everything(bus, SINK)] == numbered(6)
    assert sum(each.waiting for each in bus.lag(["copier"])) == 0


def test_a_record_that_is_taken_at_the_second_try_is_taken_once(bus, reader, monkeypatch):
    records = take(reader, 6)
    failing(monkeypatch, NotEnoughReplicasError)
    reader.commit(copies(records), [], marks(reader, records))
    assert [r.value for r in everything(bus, SINK)] == numbered(6)


def test_a_commit_whose_outcome_cannot_be_told_ends_the_process(reader, monkeypatch):
    records = take(reader, 6)

    def silent(*_):
        raise OutOfOrderSequenceNumberError

    monkeypatch.setattr(reader._producer._producer, "commit_transaction", silent)
    with pytest.raises(BusUnknown):
        reader.commit(copies(records), [], marks(reader, records))


@pytest.mark.parametrize("lost", [{"generation_id": -1}, {"member_id": ""}], ids=str)
def test_without_a_valid_generation_nothing_is_sent(bus, reader, lost):
    records = take(reader, 6)
    membership = reader._membership
    membership.metadata = membership.metadata._replace(**lost)
    with pytest.raises(Fenced):
        reader.commit(copies(records), [], marks(reader, records))
    assert everything(bus, SINK) == []


def test_offsets_of_a_fenced_step_do_not_ride_in_the_next_one(bus, reader):
    records = take(reader, 6)
    membership = reader._membership
    membership.metadata = membership.metadata._replace(generation_id=10**6)
    with pytest.raises(Fenced):
        reader.commit(copies(records), [], marks(reader, records))
    assert dict(reader.assignment) == {}
    again = take(reader, 6)
    mark = reader.assignment[again[0].place]
    change = Change(TALLY, again[0].partition, b"k", b"v")
    reader.commit([], [change], {again[0].place: mark})
    assert reader.assignment[again[0].place].position == mark.position == records[0].offset
    assert sum(each.waiting for each in bus.lag(["copier"])) == 6
    assert everything(bus, SINK) == []


def test_nothing_waits_though_undone_records_lie_at_the_end(bus, reader, monkeypatch):
    records = take(reader, 6)
    reader.commit([], [], marks(reader, records))
    tool = bus.join("tool", [])
    failing(monkeypatch, OutOfOrderSequenceNumberError)
    with pytest.raises(BusFull):
        publish_by(tool, [b"undone"])
    [lag] = [each for each in bus.lag(["copier"]) if each.place.partition == partition_of("one", 4)]
    assert lag.end > lag.position
    assert lag.waiting == 0


def publish_by(tool, values):
    from newsmill.bus.base import Output

    tool.commit([Output(topic=SOURCE, key=v, value=v, routing="one") for v in values], [], {})


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("//", "not HOST:PORT"),
        ("//localhost", "not HOST:PORT"),
        ("//h:1/a b", "no namespace"),
        ("//h:1?colour=red", "unknown option 'colour'"),
        ("//h:1?session_ms=soon", "must be a number"),
        ("//h:1?sasl=GSSAPI", "must be one of"),
        ("//h:1?ca=ca.pem", "need tls=on"),
        ("//user@h:1", "USER:PASSWORD"),
    ],
)
def test_a_url_that_says_nothing_sensible_is_refused_in_one_line(spec, why):
    with pytest.raises(Misconfigured, match=why) as refused:
        parse(spec, "newsmill")
    assert "\n" not in str(refused.value)


def test_a_url_may_name_brokers_namespace_credentials_and_options():
    options = parse("//me:p%40ss@a:1,b:2/news?tls=on&sasl=PLAIN&replicas=3", "newsmill")
    assert (options.servers, options.namespace) == (("a:1", "b:2"), "news")
    assert (options.user, options.password, options.sasl) == ("me", "p@ss", "PLAIN")
    assert (options.tls, options.replicas) == (True, 3)


def test_a_password_that_is_wrong_is_one_line_and_is_not_repeated(kafka):
    if not kafka.sasl:
        pytest.skip(f"the {kafka.kind} broker has no listener with SASL")
    with pytest.raises(Misconfigured) as refused:
        connect(f"kafka://newsmill:wr0ng@{kafka.sasl}/x?tls=on&ca={kafka.ca_file}", "live")
    assert "\n" not in str(refused.value)
    assert "wr0ng" not in str(refused.value)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
def test_credentials_over_tls_let_us_in(kafka, unique, mechanism):
    if not kafka.sasl:
        pytest.skip(f"the {kafka.kind} broker has no listener with SASL")
    password = kafka.users["newsmill"]
    where = f"kafka://newsmill:{password}@{kafka.sasl}/{unique('n')}"
    with closing(connect(f"{where}?tls=on&ca={kafka.ca_file}&sasl={mechanism}", "live")) as bus:
        publish(bus, numbered(2))
        assert len(everything(bus, SOURCE)) == 2


def test_more_replicas_than_brokers_is_one_line(kafka):
    with (
        closing(connect(kafka_url(kafka.bootstrap, replicas=5), "live")) as bus,
        pytest.raises(Misconfigured, match="cannot be made"),
    ):
        bus.create()
