"""Fixtures of the contract suite: a fresh bus on every transport, closed at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from contract.bus.driving import Children
from contract.bus.transports import TRANSPORTS, Transport
from newsmill.bus import connect
from newsmill.bus.base import Bus

Open = Callable[..., Bus]


@pytest.fixture(params=TRANSPORTS, ids=lambda transport: transport.name)
def transport(request: pytest.FixtureRequest) -> Transport:
    return request.param


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
