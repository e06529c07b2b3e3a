"""One HTTP exchange and no more: a request, its answer, every limit on the way.

The address is judged where the socket is opened (``_open``), so that nothing a name resolves to,
now or later, gets around it. The library's own proxies, cookies, redirects and unpacking are off.
"""

from __future__ import annotations

import asyncio
import re
import socket
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from newsmill.errors import BadRecord
from newsmill.web.decode import Decoder, coding_of
from newsmill.web.guard import Target, forbidden
from newsmill.web.messages import Later, meaning
from newsmill.web.resolve import Lookup, Resolver, system_lookup
from newsmill.web.rules import Endpoint, Rules
from newsmill.web.settings import WebSettings

KEEP_ALIVE_S = 10.0
_OURS = frozenset(
    ("accept-encoding", "connection", "content-length", "host", "transfer-encoding", "user-agent")
)
_NAME = re.compile(r"[A-Za-z0-9-]+\Z")
_VALUE = re.compile(r"[\t -~]*\Z")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the body only where the status promises one."""

    status: int
    headers: dict[str, str]
    retry_after: tuple[str, ...]
    body: bytes
    wire_bytes: int


@dataclass(slots=True)
class _Door:
    """Where the running task may connect to by rule, and what it was refused."""

    endpoint: Endpoint | None
    refused: str | None = None
    opened: bool = False


_door: ContextVar[_Door | None] = ContextVar("newsmill_web_door", default=None)


class Transport:
    """Connections, kept alive for a moment. Must be made and closed within a running event loop."""

    def __init__(self, settings: WebSettings, rules: Rules, lookup: Lookup = system_lookup) -> None:
        self._settings = settings
        self._rules = rules
        connector = aiohttp.TCPConnector(
            limit=0,  # ours is counted outside of every time limit
            resolver=Resolver(rules, lookup),
            ttl_dns_cache=60,
            dns_cache_max_size=4096,
            keepalive_timeout=KEEP_ALIVE_S,
            socket_factory=self._open,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,  # a proxy would hide the address that we judge
            auto_decompress=False,
            raise_for_status=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=settings.connect_s, sock_read=settings.read_s
            ),
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def exchange(
        self,
        target: Target,
        headers: dict[str, str],
        *,
        max_bytes: int,
        within_s: float,
        cut: bool = False,
    ) -> Answer:
        """Ask once; with ``cut`` a body longer than ``max_bytes`` is cut there instead of refused.

        Raises Later and BadRecord (``address_forbidden``, ``too_large``, ``truncated``,
        ``encoding``).
        """
        door = _Door(self._rules.find(target.host))
        token = _door.set(door)
        try:
            async with asyncio.timeout(within_s):
                return await self._ask(target, headers, max_bytes, cut)
        except TimeoutError:
            raise Later(f"{target.host} did not answer in time") from None
        except aiohttp.ClientPayloadError as error:
            raise BadRecord("truncated", _words(error)) from None
        except aiohttp.InvalidURL as error:
            raise BadRecord("address_forbidden", _words(error)) from None
        except (aiohttp.ClientError, HttpProcessingError, OSError) as error:
            if door.refused and not door.opened:
                raise BadRecord("address_forbidden", f"{target.host}: {door.refused}") from None
            raise Later(f"{target.host}: {_words(error)}") from None
        finally:
            _door.reset(token)

    async def _ask(
        self, target: Target, headers: dict[str, str], max_bytes: int, cut: bool
    ) -> Answer:
        url = URL(target.url, encoded=True)
        if (
            url.host is None or url.raw_host != target.host
        ):  # two parsers that disagree: trust neither
            raise BadRecord("address_forbidden", f"host {target.host!r} reads as {url.raw_host!r}")
        headers = {
            "User-Agent": self._settings.user_agent,
            "Accept-Encoding": "gzip",
            **{name: value for name, value in headers.items() if _sendable(name, value)},
        }
        async with self._session.get(url, headers=headers, allow_redirects=False) as response:
            body, wire_bytes = b"", 0
            if meaning(response.status) == "whole":
                body, wire_bytes = await self._body(response, max_bytes, cut)
            return Answer(
                response.status,
                _joined(response),
                tuple(response.headers.getall("Retry-After", ())),
                body,
                wire_bytes,
            )

    async def _body(
        self, response: aiohttp.ClientResponse, max_bytes: int, cut: bool
    ) -> tuple[bytes, int]:
        coding = coding_of(",".join(response.headers.getall("Content-Encoding", ())))
        length = response.content_length
        if length is not None and length > max_bytes and not cut:
            raise BadRecord("too_large", f"{length} bytes announced; at most {max_bytes}")
        decoder = Decoder(coding, max_bytes, cut=cut)
        async for chunk in response.content.iter_any():
            if decoder.feed(chunk):
                break
        return decoder.finish(), decoder.wire_bytes

    def _open(self, info: Any) -> socket.socket:
        """The one place where a socket is made; an address that is not allowed gets none."""
        family, kind, protocol, _, address = info
        door = _door.get()
        by_rule = door is not None and door.endpoint == (address[0], address[1])
        if not by_rule:
            why = forbidden(str(address[0]), allow_private=self._settings.allow_private)
            if why is not None:
                if door is not None:
                    door.refused = why
                raise PermissionError(why)
        if door is not None:
            door.opened = True
        return socket.socket(family, kind, protocol)


def _joined(response: aiohttp.ClientResponse) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers


def _sendable(name: str, value: str) -> bool:
    """Whether a header of the caller goes over the wire as it is; what would not is left out."""
    return bool(name.lower() not in _OURS and _NAME.match(name) and _VALUE.match(value))


def _words(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    return " ".join(text.split())[:300]
