"""Fixtures of the contract suite: a fresh bus on every transport, closed at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from brokers import any_kafka, kafka
from contract.bus import transports
from contract.bus.driving import Children
from contract.bus.transports import Transport
from newsmill.bus import connect
from newsmill.bus.base import Bus

__all__ = ["any_kafka", "kafka"]

Open = Callable[..., Bus]


@pytest.fixture(params=["file", pytest.param("kafka", marks=pytest.mark.kafka)])
def transport(request: pytest.FixtureRequest) -> Transport:
    """Every transport; Kafka where the ladder gives a broker that judges exactly-once."""
    if request.param == "file":
        return transports.FILE
    return transports.kafka(request.getfixturevalue("kafka").bootstrap)


@pytest.fixture
def url(transport: Transport, tmp_path: Path) -> str:
    return transport.fresh(tmp_path)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def open_bus(url: str, stack: ExitStack) -> Open:
    """Another opening of the test's bus, as another process would have it."""
    return lambda lane="live": stack.enter_context(closing(connect(url, lane)))


@pytest.fixture
def bus(open_bus: Open) -> Bus:
    return open_bus()


@pytest.fixture
def children(url: str) -> Iterator[Children]:
    with Children(url) as children:
        yield children
