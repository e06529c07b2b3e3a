"""Partitions paused with half of what was fetched of them taken: the library, and the bus on it."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from kafka_clients import place
from newsmill.bus import connect
from newsmill.bus.base import MAX_RECORDS, Output
from newsmill.topics import PAGES

pytestmark = [pytest.mark.kafka]

MANY = 40


def test_kafka_python_gives_one_of_two_paused_partitions_back(clients, unique, producer):
    """Fact 28: a hand that is empty, and not None, takes up nothing of what was put aside."""
    topic = clients.topic(unique("in"), 2)
    for partition in (0, 1):
        clients.transact(producer, topic, *(b"x" for _ in range(MANY)), partition=partition)
    reader = clients.consumer()
    places = [place(topic, 0), place(topic, 1)]
    reader.assign(places)
    reader.seek_to_beginning()
    taken = 0
    for where in places:
        end = time.monotonic() + 10
        while where not in reader.paused():
            assert time.monotonic() < end
            for found, rows in reader.poll(500, max_records=10).items():
                taken += len(rows)
                reader.pause(found)
    reader.resume(*places)
    until = time.monotonic() + 3
    while time.monotonic() < until:
        taken += sum(map(len, reader.poll(200).values()))
    assert taken == 10 + MANY, "one partition is stuck; if it is not: the rule for it may go"


def test_the_bus_delivers_all_of_partitions_that_it_paused_in_between(kafka, unique):
    """It pauses each partition of which it still holds records, as it does of one that is held."""
    each = MAX_RECORDS + 200  # more than it takes at once of what is fetched at once
    with closing(connect(f"kafka://{kafka.bootstrap}/{unique('bus')}", "live")) as opened:
        loader = opened.join("load", [])
        for partition in range(PAGES.partitions):
            loader.commit([_output(n, partition) for n in range(each)], (), {})
        member = opened.join("reader", [PAGES])
        seen, end = 0, time.monotonic() + 15
        while seen < each * PAGES.partitions:
            assert time.monotonic() < end, f"{seen} delivered, and no more"
            seen += len(member.poll(0.2, max_records=100))
        member.leave()


def _output(number, partition):
    return Output(topic=PAGES, key=b"%d" % number, value=b"x", partition=partition)
