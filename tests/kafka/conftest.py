"""What the tests of this room share: a real broker, and clients that are closed after each test."""

from __future__ import annotations

import pytest

from brokers import any_kafka, breakable_kafka, kafka, own_kafka, unique
from kafka_clients import Clients

__all__ = ["any_kafka", "breakable_kafka", "kafka", "own_kafka", "unique"]


@pytest.fixture
def clients(kafka):
    with Clients(kafka.bootstrap) as clients:
        yield clients


@pytest.fixture
def member(clients, unique):
    """A member of a group that owns the two partitions of a topic."""
    return clients.joined(clients.topic(unique("in"), 2), unique("group"))


@pytest.fixture
def source(member):
    """The topic that the member reads."""
    return next(iter(member.assignment())).topic


@pytest.fixture
def producer(clients, unique):
    """A transactional producer that has a slot of its own."""
    return clients.producer(unique("slot"))


def pytest_collection_modifyitems(items):
    """All of this room in one worker of pytest-xdist: its tests break brokers."""
    for item in items:
        if "/tests/kafka/" in item.path.as_posix():
            item.add_marker(pytest.mark.xdist_group("kafka"))
