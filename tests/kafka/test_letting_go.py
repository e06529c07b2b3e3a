"""Letting go of a producer whose broker does not answer: no error, and no wait for it."""

from __future__ import annotations

import time

import pytest

from brokers import collect_sockets
from newsmill.bus.kafka.clients import Clients, close_anyhow
from newsmill.bus.kafka.options import Options

pytestmark = [pytest.mark.kafka]
MANY = 2000  # records of 2 KB: more batches than are sent at once


def test_what_a_mute_broker_did_not_take_is_no_error_of_who_lets_go(own_kafka, unique):
    clients = Clients(Options(servers=(own_kafka.bootstrap,), namespace="n", transaction_ms=8000))
    topic = unique("out")
    with clients.admin() as admin:
        admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}})
    producer = clients.producer(unique("slot"))
    producer.init_transactions()
    producer.begin_transaction()
    producer.send(topic, b"first").get(10)
    own_kafka.pause()
    for _ in range(MANY):
        producer.send(topic, bytes(2000))
    began = time.monotonic()
    close_anyhow(producer)
    assert time.monotonic() - began < 5
    own_kafka.resume()
    clients.close()
    collect_sockets()
