"""Fixtures of a real Kafka: one broker that a session shares, and one of one's own to break.

A conftest makes them known by importing them.
"""

from __future__ import annotations

import gc
import os
import sys
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "deploy" / "kafka"))

import broker as ladder
import jvm
import rungs

__all__ = [
    "any_kafka",
    "breakable_kafka",
    "collect_sockets",
    "jvm",
    "kafka",
    "ladder",
    "own_kafka",
    "refuse",
    "rungs",
    "unique",
]

REQUIRED = os.environ.get("NEWSMILL_REQUIRE_KAFKA") == "1"


def refuse(why: str) -> None:
    """Skip for want of a broker; fail instead where one is required."""
    if REQUIRED:
        pytest.fail(f"NEWSMILL_REQUIRE_KAFKA=1, but: {why}")
    pytest.skip(why)


def collect_sockets() -> None:
    """Let go of what kafka-python left open after connections that failed, without its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="session")
def any_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ladder.Broker]:
    """The session's broker, whatever it can judge; all workers of pytest-xdist share it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with ExitStack() as stack:
        try:
            broker = stack.enter_context(ladder.borrowed(shared / "kafka"))
        except ladder.NoBroker as error:
            refuse(str(error))
        if REQUIRED and not broker.eos:
            refuse(f"the {broker.kind} broker cannot judge exactly-once: {broker.lacks}")
        yield broker


@pytest.fixture(scope="session")
def kafka(any_kafka: ladder.Broker) -> ladder.Broker:
    """The session's broker, for tests that only one that judges exactly-once can answer."""
    if not any_kafka.eos:
        why = "; ".join((*any_kafka.lacks, *any_kafka.passed_over))
        refuse(f"the {any_kafka.kind} broker cannot judge this: {why}")
    return any_kafka


@pytest.fixture(scope="session")
def breakable_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ladder.Broker]:
    """A JVM broker that only this process knows."""
    with ExitStack() as stack:
        try:
            broker = stack.enter_context(
                ladder.borrowed(tmp_path_factory.mktemp("own"), only="jvm")
            )
        except ladder.NoBroker as error:
            refuse(str(error))
        yield broker


@pytest.fixture
def own_kafka(breakable_kafka: ladder.Broker) -> Iterator[ladder.Broker]:
    """A broker of one's own, to be paused, killed and started again; it is put right afterwards."""
    yield breakable_kafka
    breakable_kafka.resume()
    if not breakable_kafka.alive():
        breakable_kafka.start()
    collect_sockets()


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Names that nobody else has on a shared broker: topics, groups, transactional ids."""
    mark = uuid.uuid4().hex[:10]
    return lambda name: f"t{mark}.{name}"
