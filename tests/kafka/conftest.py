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


def pytest_collection_modifyitems(items):
    """All of this room in one worker of pytest-xdist: one test's topics are made while others wait."""
    for item in items:
        if "/tests/kafka/" in item.path.as_posix():
            item.add_marker(pytest.mark.xdist_group("kafka"))
