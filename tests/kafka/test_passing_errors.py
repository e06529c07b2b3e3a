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
