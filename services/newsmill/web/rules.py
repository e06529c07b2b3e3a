"""The rules of ``--resolve HOST=ADDRESS:PORT``: names that go where we say, without DNS. Pure.

A rule sends a host, or all hosts under ``*.suffix``, to one address and port, so that tests and the
sample newsroom need neither DNS nor ports in their URLs.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import NamedTuple

from newsmill.errors import Misconfigured
from newsmill.urls import normalise


class Endpoint(NamedTuple):
    """An address and a port, as a rule names them."""

    address: str
    port: int


class Rules:
    """The ``--resolve`` rules; an exact host comes before a wildcard, the longer wildcard first."""

    def __init__(self, rules: Iterable[str] = ()) -> None:
        self._exact: dict[str, Endpoint] = {}
        self._suffixes: dict[str, Endpoint] = {}  # of "*.example": ".example"; of "*": ""
        for rule in rules:
            pattern, endpoint = _parse(rule)
            if pattern.startswith("*"):
                self._suffixes[pattern[1:]] = endpoint
            else:
                self._exact[pattern] = endpoint

    def find(self, host: str) -> Endpoint | None:
        """Where the rules send a host (of a normal URL); None where no rule is for it."""
        if endpoint := self._exact.get(host):
            return endpoint
        if not self._suffixes:
            return None
        dot = host.find(".")
        while dot >= 0:
            if endpoint := self._suffixes.get(host[dot:]):
                return endpoint
            dot = host.find(".", dot + 1)
        return self._suffixes.get("")


def _parse(rule: str) -> tuple[str, Endpoint]:
    pattern, equals, destination = rule.strip().partition("=")
    address, colon, port = destination.rpartition(":")
    if not equals or not colon:
        raise _misconfigured(rule, "a rule is HOST=ADDRESS:PORT, as in *.example=127.0.0.1:8000")
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise _misconfigured(rule, f"{port!r} is no port")
    if address.startswith("[") and address.endswith("]"):
        address = address[1:-1]
    try:
        address = str(ipaddress.ip_address(address))
    except ValueError:
        raise _misconfigured(rule, f"{address!r} is no IP address") from None
    return _pattern(rule, pattern), Endpoint(address, int(port))


def _pattern(rule: str, pattern: str) -> str:
    if pattern == "*":
        return pattern
    wild = pattern.startswith("*.")
    name = pattern[2:] if wild else pattern
    try:
        host = normalise(f"http://{name}/").removeprefix("http://").removesuffix("/")
    except ValueError as error:
        raise _misconfigured(rule, str(error)) from None
    if any(mark in host for mark in "*:/?[") or host.replace(".", "").isdigit():
        raise _misconfigured(rule, f"{pattern!r} is no host name")
    return f"*.{host}" if wild else host


def _misconfigured(rule: str, why: str) -> Misconfigured:
    return Misconfigured(f"resolve rule {rule!r}: {why}")
