"""What is written is read: order, keys, values, bounds, configuration, and what a bus tells."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import chain, pairwise

import pytest

from contract.bus.driving import (
    RULES,
    SINK,
    SOURCE,
    everything,
    marks,
    numbered,
    publish,
    take,
)
from newsmill.bus.base import Change, Output, Place, RecordTooLarge
from newsmill.errors import Misconfigured
from newsmill.topics import TOPICS, partition_of


def test_records_of_a_partition_come_in_the_order_of_their_steps(bus):
    for start in range(0, 60, 7):
        publish(bus, numbered(7, start))
    member = bus.join("readers", [SOURCE])
    seen = defaultdict(list)
    for record in take(member, 63):
        seen[record.place].append(record.value)
    assert all(values == sorted(values) for values in seen.values())
    assert sorted(chain.from_iterable(seen.values())) == numbered(63)


def test_offsets_grow_and_next_leads_to_the_following_record(bus):
    publish(bus, numbered(20), routing="one")
    records = list(bus.scan(SOURCE, partition_of("one", 4)))
    assert all(a.offset < a.next <= b.offset for a, b in pairwise(records))


def test_the_same_routing_key_goes_to_the_same_partition(bus):
    publish(bus, numbered(30), routing="news.example")
    [place] = {record.place for record in everything(bus, SOURCE)}
    assert place == Place("source", partition_of("news.example", 4))


def test_a_partition_that_is_named_is_the_partition(bus):
    tool = bus.join("tool", [])
    tool.commit([Output(topic=SOURCE, key=b"k", value=b"v", partition=3)], [], {})
    assert [record.value for record in bus.scan(SOURCE, 3)] == [b"v"]


@pytest.mark.parametrize(
    "output",
    [
        Output(topic=SOURCE, key=b"k", value=b"v"),
        Output(topic=SOURCE, key=b"k", value=b"v", partition=4),
    ],
    ids=["no routing", "no such partition"],
)
def test_an_output_without_a_partition_is_a_mistake(bus, output):
    with pytest.raises(ValueError, match="source"):
        bus.join("tool", []).commit([output], [], {})


def test_key_value_and_headers_come_back_as_they_went(bus):
    headers = (("page", b"\x00\xff"), ("page", b""), ("ü", b"x" * 300))
    rows = [(b"", b""), (b"\x00\xff", None), (b"k", b"v" * 70_000)]
    tool = bus.join("tool", [])
    tool.commit(
        [
            Output(topic=SOURCE, key=key, value=value, headers=headers, partition=0)
            for key, value in rows
        ],
        [],
        {},
    )
    records = list(bus.scan(SOURCE, 0))
    assert [(record.key, record.value) for record in records] == rows
    assert {record.headers for record in records} == {headers}


def test_the_empty_value_is_not_none(bus):
    tool = bus.join("tool", [])
    values = [b"", None, b""]
    tool.commit([Output(topic=SOURCE, key=b"k", value=v, partition=0) for v in values], [], {})
    assert [record.value for record in take(bus.join("readers", [SOURCE]), 3)] == values


def test_a_record_too_large_is_refused_by_name_and_nothing_of_its_step_is_written(bus):
    tool = bus.join("tool", [])
    small = Output(topic=SOURCE, key=b"s", value=b"s", partition=0)
    large = replace(small, value=b"x" * (SOURCE.max_bytes + 1))
    with pytest.raises(
        RecordTooLarge, match="source: a value of 100001 bytes; at most 100000"
    ) as e:
        tool.commit([small, large], [], {})
    assert e.value.index == 1
    assert everything(bus, SOURCE) == []
    tool.commit([replace(large, value=b"x" * SOURCE.max_bytes)], [], {})
    assert len(everything(bus, SOURCE)) == 1


def test_a_poll_is_bounded_by_count_and_by_bytes(bus):
    publish(bus, [b"%03d" % n + b"x" * 1000 for n in range(40)], routing="one")
    member = bus.join("readers", [SOURCE])
    assert len(member.poll(1, max_records=7)) == 7
    records = member.poll(1, max_bytes=10_000)
    assert 1 <= len(records) <= 9
    assert sum(record.size for record in records) <= 10_000
    assert len(take(member, 33 - len(records))) == 33 - len(records)


def test_one_record_larger_than_the_bound_is_delivered_alone(bus):
    publish(bus, [b"x" * 50_000, b"y" * 50_000], routing="one")
    member = bus.join("readers", [SOURCE])
    assert [len(member.poll(1, max_bytes=1000)) for _ in range(3)] == [1, 1, 0]


def test_no_partition_starves_beside_a_full_one(bus):
    publish(bus, numbered(500), routing="full")
    publish(bus, [b"a lone one"], routing="other")
    assert partition_of("full", 4) != partition_of("other", 4)
    member = bus.join("readers", [SOURCE])
    records = take(member, 60, max_records=20)
    assert b"a lone one" in [record.value for record in records]


def test_a_scan_begins_where_it_is_told_and_ends_at_the_present_end(bus):
    publish(bus, numbered(10), routing="one")
    partition = partition_of("one", 4)
    fourth = list(bus.scan(SOURCE, partition))[3]
    scan = bus.scan(SOURCE, partition, fourth.offset)
    first = next(scan)
    publish(bus, [b"later"], routing="one")
    assert [first.value, *(r.value for r in scan)] == numbered(7, 3)
    assert list(bus.scan(SINK, 0)) == []


def test_a_span_is_where_a_partition_begins_and_ends(bus):
    partition = partition_of("one", 4)
    assert bus.span(SOURCE, partition) == (0, 0)
    publish(bus, numbered(10), routing="one")
    first, end = bus.span(SOURCE, partition)
    records = list(bus.scan(SOURCE, partition))
    assert (first, len(records)) == (records[0].offset, 10)
    assert records[-1].offset < end
    assert bus.since(SOURCE, partition, 0) == first
    assert bus.since(SOURCE, partition, records[-1].timestamp_ms) <= records[-1].offset
    assert records[-1].offset < bus.since(SOURCE, partition, records[-1].timestamp_ms + 1) <= end


def test_a_configuration_topic_is_followed_whole_and_then_as_it_grows(bus, open_bus):
    def rule(key, value):
        return Output(topic=RULES, key=key, value=value)

    tool = bus.join("tool", [])
    tool.commit([rule(b"a", b"1"), rule(b"b", b"1"), rule(b"gone", b"1")], [], {})
    tool.commit([rule(b"a", b"2"), rule(b"gone", None)], [], {})
    followers = [bus.follow(RULES), open_bus().follow(RULES)]
    for follower in followers:
        held = {}
        for record in follower.poll():
            held[record.key] = record.value
        assert {key: value for key, value in held.items() if value is not None} == {
            b"a": b"2",
            b"b": b"1",
        }
        assert follower.poll() == []
    tool.commit([rule(b"b", None), rule(b"c", b"3")], [], {})
    for follower in followers:
        assert {r.key: r.value for r in follower.poll()} == {b"b": None, b"c": b"3"}


def test_topics_are_made_once_and_another_number_of_partitions_is_refused(bus, open_bus):
    assert bus.create() == [topic.name for topic in TOPICS]
    assert bus.create() == open_bus().create() == []
    wider = replace(TOPICS[0], partitions=TOPICS[0].partitions + 1)
    with pytest.raises(Misconfigured, match=r"newsmill\.live\.entries is a stream of 8 partitions"):
        open_bus().join("tool", [wider])


def test_state_beside_a_stream_must_have_as_many_partitions(bus):
    publish(bus, numbered(1))
    odd = replace(SOURCE, name="odd", kind="state", beside="source", partitions=3)
    with pytest.raises(Misconfigured, match="source, which it stands beside, has 4"):
        bus.join("tool", []).commit([], [Change(odd, 0, b"k", b"v")], {Place("odd", 0): (0, 0)})


def test_a_log_keeps_its_identity_until_it_is_made_anew(bus, open_bus):
    bus.create()
    identity = bus.identity
    assert open_bus().identity == identity
    assert open_bus("other").identity != identity
    bus.drop_lane()
    bus.create()
    assert bus.identity not in {identity, open_bus("other").identity}


def test_lanes_know_nothing_of_each_other(bus, open_bus):
    other = open_bus("other")
    publish(bus, numbered(5))
    publish(other, [b"elsewhere"])
    member = other.join("readers", [SOURCE])
    assert [record.value for record in take(member, 1)] == [b"elsewhere"]
    bus.drop_lane()
    assert everything(bus, SOURCE) == []
    assert len(everything(other, SOURCE)) == 1


def test_a_bus_names_its_lanes_those_that_were_dropped_no_more(bus, open_bus):
    assert bus.lanes() == []
    bus.create()
    other = open_bus("other-1")
    other.create()
    assert bus.lanes() == other.lanes() == ["live", "other-1"]
    other.drop_lane()
    assert bus.lanes() == ["live"]


def test_lag_says_how_far_a_group_is_and_who_owns_what(bus):
    publish(bus, numbered(10), routing="one")
    member = bus.join("readers", [SOURCE])
    place = Place("source", partition_of("one", 4))
    records = take(member, 10)
    member.commit([], [], marks(member, records[:4]))
    [lag] = [each for each in bus.lag(["readers"]) if each.place == place]
    assert (lag.waiting, lag.owner) == (6, "slot 0")
    assert lag.position == records[3].next <= lag.end
    assert lag.oldest_ms == records[4].timestamp_ms
    member.commit([], [], marks(member, records))
    assert {each.waiting for each in bus.lag()} == {0}
    member.leave()
    assert {each.owner for each in bus.lag()} == {None}


def test_describe_counts_what_the_topics_hold(bus):
    publish(bus, numbered(10))
    [found] = bus.describe()
    assert (found.topic, found.kind, found.partitions, found.records) == ("source", "stream", 4, 10)
    assert found.bytes >= 10 * 2 * len(b"item-0000")
