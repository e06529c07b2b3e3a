"""Which URLs we ask and which addresses we connect to: no way into the network that we stand in.

Names prove nothing (they resolve to what their owner likes, and to something else a second later),
so ``forbidden`` judges the address that a socket is about to connect to. ``aim`` refuses earlier
what needs no lookup. Pure.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import quote, urljoin, urlsplit

from newsmill.errors import BadRecord
from newsmill.urls import MAX_URL, normalise, registrable
from newsmill.web.rules import Rules

# IANA special-purpose registries, without what is globally reachable. Python's own ``is_global`` is
# not used: it takes multicast, NAT64, 6to4 and more for global, and differs between patch releases.
_PRIVATE_V4 = tuple(  # what ``allow_private`` opens
    IPv4Network(block)
    for block in ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)
_NEVER_V4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",
        "100.100.100.200/32",  # metadata of a cloud, inside the shared range
        "168.63.129.16/32",  # metadata of a cloud, looks public
        "169.254.0.0/16",  # link-local, and the metadata of most clouds
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_PRIVATE_V6 = (IPv6Network("::1/128"), IPv6Network("fc00::/7"))
_METADATA_V6 = IPv6Address("fd00:ec2::254")
_UNICAST_V6 = IPv6Network("2000::/3")  # the only block given out so far
_NEVER_V6 = tuple(  # within it
    IPv6Network(block)
    for block in (
        "2001::/23",  # protocol assignments, Teredo among them: an IPv4 address inside
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")  # how IPv4 looks in a network that has only IPv6
_LOCAL_NAMES = frozenset(("localhost", "localdomain", "local", "internal", "onion"))
_QUERY_SAFE = "!$&'()*+,;=:@/?~-._%[]|"


def forbidden(address: str, *, allow_private: bool = False) -> str | None:
    """Why we do not connect to an address; None where we do."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return f"{address!r} is no address"
    if isinstance(ip, IPv6Address):
        inner = ip.ipv4_mapped
        if inner is None and ip in _NAT64:
            inner = IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is None:
            return _forbidden_v6(ip, allow_private)
        ip = inner
    if any(ip in block for block in _NEVER_V4):
        return f"{address} is of no use on the web"
    if not allow_private and any(ip in block for block in _PRIVATE_V4):
        return f"{address} is a private address"
    return None


def _forbidden_v6(ip: IPv6Address, allow_private: bool) -> str | None:
    if ip.scope_id is not None or ip == _METADATA_V6:
        return f"{ip} is of no use on the web"
    if any(ip in block for block in _PRIVATE_V6):
        return None if allow_private else f"{ip} is a private address"
    if ip not in _UNICAST_V6 or any(ip in block for block in _NEVER_V6):
        return f"{ip} is of no use on the web"
    return None


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that may be asked: ``url`` is what goes on the wire."""

    url: str
    origin: str  # scheme, host, port
    host: str
    domain: str  # registrable: politeness counts by it
    secure: bool


def aim(
    url: str,
    base: str | None = None,
    *,
    ports: Collection[int],
    rules: Rules,
    allow_private: bool = False,
) -> Target:
    """What asking for ``url`` (relative to ``base``, where it is a redirect) comes to.

    The URL is normal but for its query, of which nothing is dropped: a server that redirects to add
    a tracking parameter would be a loop otherwise. Any port goes where a rule brings its own.
    Raises BadRecord (``scheme_forbidden``, ``address_forbidden``).
    """
    plain, mark, query = _joined(url, base).partition("#")[0].partition("?")
    try:
        normal = normalise(plain)
    except ValueError as error:
        scheme = plain.partition(":")[0].lower()
        if scheme in ("http", "https"):
            raise BadRecord("address_forbidden", str(error)) from None
        raise BadRecord("scheme_forbidden", str(error)) from None
    wire = normal + mark + quote(query, safe=_QUERY_SAFE, errors="replace")
    if len(wire) > MAX_URL:
        raise BadRecord("address_forbidden", f"a URL of {len(wire)} characters")
    parts = urlsplit(normal)
    host = parts.hostname or ""
    port = parts.port
    if port is None:
        port = 443 if parts.scheme == "https" else 80
    if rules.find(host) is None:
        if port not in ports:
            raise BadRecord("scheme_forbidden", f"port {port} is no port of the web")
        _check_host(host, allow_private)
    origin = f"{parts.scheme}://{parts.netloc}"
    return Target(wire, origin, host, registrable(host), parts.scheme == "https")


def _joined(url: str, base: str | None) -> str:
    text = re.sub(r"[\t\r\n]", "", url.strip(" \t\r\n\f"))
    try:
        return text if base is None else urljoin(base, text)
    except ValueError as error:
        raise BadRecord("address_forbidden", f"not a URL: {error}") from None


def _check_host(host: str, allow_private: bool) -> None:
    if is_literal(host):
        if why := forbidden(host, allow_private=allow_private):
            raise BadRecord("address_forbidden", why)
        return
    last = host.rpartition(".")[2]
    if not allow_private and (last in _LOCAL_NAMES or "." not in host):
        raise BadRecord("address_forbidden", f"{host} is a name of a local network")


def is_literal(host: str) -> bool:
    """Whether the host of a normal URL is an IP address and no name."""
    return ":" in host or host.replace(".", "").isdigit()
