"""What a user may set of the web client, checked once, and the name that we go by."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from newsmill import __version__
from newsmill.errors import BadRecord, Misconfigured
from newsmill.records import MAX_PAGE_BYTES
from newsmill.web.guard import aim, is_literal
from newsmill.web.rules import Rules

PRODUCT = "newsmill"  # the name that robots.txt may address
WEB_PORTS = (80, 443, 8080, 8443)

_CONTACT = re.compile(r"[!-~]{3,200}\Z")  # printable ASCII: it goes into a header


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """How we go on the web. Raises Misconfigured, in one line, for what cannot be meant."""

    contact: str | None = None  # a mail address or URL where a webmaster reaches us
    allow_private: bool = False  # connect to private and loopback addresses too
    resolve: tuple[str, ...] = ()  # HOST=ADDRESS:PORT, *.SUFFIX=ADDRESS:PORT
    ports: tuple[int, ...] = WEB_PORTS
    connect_s: float = 10.0  # for one connection, TLS included
    read_s: float = 15.0  # between two pieces of an answer
    total_s: float = (
        30.0  # for a whole answer with its redirects; waiting out of politeness is extra
    )
    max_bytes: int = MAX_PAGE_BYTES  # of a body, on the wire and unpacked
    max_redirects: int = 5
    concurrency: int = 64  # exchanges at once, over all domains
    per_domain: int = 2  # exchanges at once with one registrable domain
    spacing_s: float = 1.0  # between the starts of two exchanges with one registrable domain

    def __post_init__(self) -> None:
        Rules(self.resolve)
        if self.contact is not None and (
            not _CONTACT.match(self.contact) or any(mark in self.contact for mark in "()\\")
        ):
            raise Misconfigured(f"contact {self.contact!r} is neither a mail address nor a URL")
        for name in ("connect_s", "read_s", "total_s", "max_bytes", "concurrency", "per_domain"):
            if not getattr(self, name) > 0:
                raise Misconfigured(f"{name} must be more than 0")
        for name in ("spacing_s", "max_redirects"):
            if not getattr(self, name) >= 0:
                raise Misconfigured(f"{name} must not be less than 0")

    @property
    def user_agent(self) -> str:
        """Who we are, which version, and how to reach whoever runs us."""
        name = f"{PRODUCT}/{__version__}"
        return f"{name} (+{self.contact})" if self.contact else name


def is_loopback_only(urls: Iterable[str], settings: WebSettings) -> bool:
    """Whether asking for all of these URLs stays on this machine, by rule or by literal address.

    A URL that we would refuse stays here too. Names other than ``localhost`` count as the web: what
    they resolve to is not asked.
    """
    rules = Rules(settings.resolve)
    return all(_stays_home(url, rules, settings.ports) for url in urls)


def _stays_home(url: str, rules: Rules, ports: tuple[int, ...]) -> bool:
    try:
        host = aim(url, ports=ports, rules=rules, allow_private=True).host
    except BadRecord:
        return True
    if endpoint := rules.find(host):
        return ip_address(endpoint.address).is_loopback
    if host == "localhost" or host.endswith(".localhost"):
        return True
    return is_literal(host) and ip_address(host).is_loopback
