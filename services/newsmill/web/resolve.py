"""From host names to addresses: our own rules first, then DNS that holds nobody up."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable

from aiohttp.abc import AbstractResolver, ResolveResult

from newsmill.web.rules import Rules

MAX_LOOKUPS = 32  # at once; a name server that hangs blocks a thread for each

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
