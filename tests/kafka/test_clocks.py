"""A worker whose clock is wrong by years: its records are taken, and dated by the broker."""

from __future__ import annotations

import time
from contextlib import closing

import pytest
from kafka.record.default_records import DefaultRecordBatchBuilder

from contract.bus.driving import SOURCE, everything, numbered, publish
from contract.bus.transports import kafka_url
from newsmill.bus import connect

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(90)]

YEAR_S = 365 * 86_400.0


@pytest.mark.parametrize("years", [10, -10], ids=["ahead", "behind"])
def test_records_of_a_worker_with_a_wrong_clock_are_taken_and_dated_by_the_broker(
    kafka, monkeypatch, years
):
    """Dated by the worker, they would be refused as of the future, or dropped as of long ago."""

    def wrong():
        return time.time() + years * YEAR_S

    append = DefaultRecordBatchBuilder.append
    clocks = tuple(wrong if each is time.time else each for each in append.__defaults__)
    assert wrong in clocks
    monkeypatch.setattr(append, "__defaults__", clocks)
    with closing(connect(kafka_url(kafka.bootstrap), "live")) as bus:
        publish(bus, numbered(5))
        records = everything(bus, SOURCE)
    assert sorted(record.value for record in records) == numbered(5)
    now_ms = time.time() * 1000
    assert all(abs(record.timestamp_ms - now_ms) < 3_600_000 for record in records)
