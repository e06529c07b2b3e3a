"""From host names to addresses: the rules of ``--resolve``, and DNS that holds nobody up.

A rule sends a host, or all hosts under ``*.suffix``, to one address and port, so that tests and the
sample newsroom need neither DNS nor ports in their URLs.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable, Iterable
from typing import NamedTuple

from aiohttp.abc import AbstractResolver, ResolveResult

from newsmill.errors import Misconfigured
from newsmill.urls import normalise

MAX_LOOKUPS = 32  # at once; a name server that hangs blocks a thread for each


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


Lookup = Callable[[str], list[str]]
"""The addresses of a host name; raises OSError."""


def system_lookup(host: str) -> list[str]:
    """The addresses that the system gives a host name, in its order; raises OSError."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that the old IDNA codec of the library does not take
        raise OSError(f"{host!r}: {error}") from None
    return [str(address[0]) for *_, address in found]


class Resolver(AbstractResolver):
    """Rules first, then DNS, each lookup in a daemon thread: one that hangs holds up no exit."""

    def __init__(self, rules: Rules, lookup: Lookup = system_lookup) -> None:
        self._rules = rules
        self._lookup = lookup
        self._slots = asyncio.Semaphore(MAX_LOOKUPS)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses to try, none of them judged: that is done where the socket is opened."""
        if endpoint := self._rules.find(host):
            return [_result(host, endpoint.address, endpoint.port)]
        async with self._slots:
            return [_result(host, address, port) for address in await self._in_thread(host)]

    async def close(self) -> None:
        """Nothing to let go of."""

    async def _in_thread(self, host: str) -> list[str]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[str]] = loop.create_future()

        def deliver(found: list[str], error: OSError | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(found)
            else:
                future.set_exception(error)

        def work() -> None:
            found: list[str] = []
            failed: OSError | None = None
            try:
                found = self._lookup(host)
            except OSError as error:
                failed = error
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody asks any more
                loop.call_soon_threadsafe(deliver, found, failed)

        threading.Thread(target=work, name="newsmill-dns", daemon=True).start()
        found = await future
        if not found:
            raise OSError(f"{host}: no address")
        return found


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(
        hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST
    )
