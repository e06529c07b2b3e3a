"""Finds out, before any client is made, whether the brokers let us in; and if not, says why.

kafka-python's own start tries until its time is up, and ends without a cause: a wrong password
looks as a broker that is away. So each broker is tried here first, all at once, for the answer.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from kafka.errors import (
    IllegalSaslStateError,
    InvalidReceiveError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

from newsmill.bus.base import BusAway
from newsmill.bus.kafka.options import Options
from newsmill.errors import Misconfigured

SILENT_S = 5.0  # brokers that accept, or swallow, and say nothing
AGAIN_S = 0.25

_HANDSHAKE = "Handshake failed"  # kafka-python says these by words alone
_HUNG_UP = "disconnected"
_NO_NAME = "DNS"


def knock(options: Options, settings: dict[str, Any]) -> None:
    """Return once a broker has answered to who we are; else raise Misconfigured, in one line.

    It is a BusAway where nobody answered at all.

    Brokers that refuse the connection, or say nothing, are tried again for ``wait_ms``: they may
    just be starting.
    """
    until = time.monotonic() + options.wait_ms / 1e3
    while True:
        failures = _round(settings, time.monotonic() + SILENT_S)
        if failures is None:
            return
        final = next((each for each in failures if _is_final(options, each)), None)
        if final is not None or time.monotonic() > until:
            error = final or next(filter(None, failures), None)
            servers = ",".join(options.servers)
            kind = BusAway if _is_away(error) else Misconfigured
            raise kind(f"bus kafka://{servers}: {_reason(options, error)}") from None
        time.sleep(AGAIN_S)


def _round(settings: dict[str, Any], until: float) -> list[Exception | None] | None:
    """Try every broker at once: None as soon as one lets us in, else why each did not.

    Of one that was silent the reason is None.
    """
    net = NetworkSelector()
    manager = KafkaConnectionManager(net, **settings)
    brokers = manager.cluster.bootstrap_brokers()
    left_ms = max(1.0, (until - time.monotonic()) * 1e3)

    async def enter(node: Any) -> None:
        how = {"pop_on_close": False, "refresh_metadata_on_err": False}
        await manager.get_connection(node, timeout_ms=left_ms, **how)
        await manager.cluster.refresh_metadata(node)

    try:
        tries = [net.call_soon_with_future(enter, each.node_id) for each in brokers]
        while time.monotonic() < until and not _is_over(tries):
            net.poll(timeout_ms=50)
        if any(each.succeeded() for each in tries):
            return None
        return [each.exception for each in tries]
    finally:
        manager.close()
        net.close()


def _is_over(tries: Sequence[Any]) -> bool:
    return any(each.succeeded() for each in tries) or all(each.is_done for each in tries)


def _is_final(options: Options, error: Exception | None) -> bool:
    """Whether trying again would only bring the same: the broker has spoken, as far as it does."""
    if error is None or _is_refused(error):
        return False
    return options.user is not None or _HUNG_UP not in str(error)


def _is_away(error: Exception | None) -> bool:
    """Whether nobody spoke to us: what is tried later may go well."""
    return error is None or _is_refused(error) or _NO_NAME in str(error)


def _is_refused(error: Exception) -> bool:
    return any(word in str(error) for word in ("REFUSED", "UNREACH"))


def _reason(options: Options, error: Exception | None) -> str:
    what = " ".join(str(error).split()).removeprefix("KafkaConnectionError: ")
    if error is None:
        return f"no answer within {SILENT_S:.0f} s: is this a Kafka broker, and is it well?"
    if isinstance(error, UnsupportedSaslMechanismError):
        return f"another mechanism than sasl={options.sasl} is wanted: {what}"
    if isinstance(error, SaslAuthenticationFailedError):
        return f"wrong user or password (sasl={options.sasl})"
    if isinstance(error, IllegalSaslStateError):
        return "this listener takes no user: leave user and password away, or use another port"
    if isinstance(error, InvalidReceiveError):
        return "this is no plain Kafka listener: it may want tls=on"
    if _HANDSHAKE in what:
        return f"TLS: {what}: check tls=, ca= and the name of the host in its certificate"
    if _NO_NAME in what:
        return "no such host: check its name"
    if _is_refused(error):
        waited = f"tried for {options.wait_ms / 1e3:g} s"
        return f"nothing listens there ({waited}): start the broker, or correct HOST:PORT"
    if _HUNG_UP in what:
        return _hung_up(options)
    return what or type(error).__name__


def _hung_up(options: Options) -> str:
    """What is wrong, most likely, when a broker closes the connection without a word."""
    if options.user is None:
        return "the broker hung up: it may want " + (
            "a user" if options.tls else "tls=on, or a user"
        )
    if not options.tls:
        return "the broker hung up at the login: it may want tls=on"
    return f"the broker hung up at the login: wrong user or password, or not sasl={options.sasl}"
