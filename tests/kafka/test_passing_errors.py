"""Brokers that are away, or change places, are no error of whoever asks: they come back."""

from __future__ import annotations

import pytest
from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaTimeoutError,
    NotCoordinatorError,
    UnknownBrokerIdError,
    UnsupportedVersionError,
)

from newsmill.bus.base import BusUnknown
from newsmill.bus.kafka.clients import Clients, is_passing
from newsmill.bus.kafka.options import Options
from newsmill.errors import Misconfigured

PASSING = (
    NotCoordinatorError,
    CoordinatorNotAvailableError,
    CoordinatorLoadInProgressError,
    KafkaConnectionError,
    KafkaTimeoutError,
    UnknownBrokerIdError,
)


@pytest.mark.parametrize("error", PASSING)
def test_what_may_go_well_a_moment_later_is_unknown(error):
    assert is_passing(error())


@pytest.mark.parametrize("error", [GroupAuthorizationFailedError, UnsupportedVersionError])
def test_what_will_never_go_well_is_told_as_it_is(error):
    assert not is_passing(error())


@pytest.mark.parametrize("error", PASSING)
def test_whoever_asks_is_told_that_the_bus_is_away(error):
    clients = Clients(Options(servers=("127.0.0.1:9",), namespace="n"))
    with pytest.raises(BusUnknown, match="brokers are away"), clients.asking():
        raise error()


@pytest.mark.parametrize(
    ("error", "told"),
    [(KafkaTimeoutError, BusUnknown), (UnsupportedVersionError, Misconfigured)],
)
def test_brokers_that_went_after_they_let_us_in_are_no_misconfiguration(monkeypatch, error, told):
    """A worker that is misconfigured is never started again; one whose brokers are away is."""

    def make(**settings):
        raise error("Unable to bootstrap")

    for name in ("KafkaConsumer", "KafkaProducer"):
        monkeypatch.setattr(f"newsmill.bus.kafka.clients.{name}", make)
    clients = Clients(Options(servers=("127.0.0.1:9",), namespace="n"))
    for client in (clients.consumer, lambda: clients.producer("slot")):
        with pytest.raises(told, match="Unable to bootstrap"):
            client()
