"""URLs: their normal form, the identity made of it, and the domain that politeness counts by.

The normal form is frozen (scheme tag ``u1``): page and article ids are made of it, so that a change
here is a new tag, never an edit. It joins spellings that every server must treat alike (RFC 3986
§6.2.2-3) and drops what only counts readers (tracking parameters, fragments).
"""

from __future__ import annotations

import functools
import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

import idna
from tld import get_tld
from tld.utils import Result as TldResult

from newsmill.records import digest

SCHEME_TAG = "u1"
MAX_URL = 4096  # characters, as given and in the normal form; longer ones are traps

_PORTS = {"http": 80, "https": 443}
_SPACE = re.compile(r"[\x00-\x20\x7f]")
_PATH_SAFE = "!$&'()*+,;=:@/~-._"
_QUERY_SAFE = _PATH_SAFE + "?"
_TRACKING = re.compile(
    r"""(?:utm_\w*|pk_\w+|mtm_\w+|matomo_\w+|at_(?:medium|campaign|custom\d|link\w*)|ns_(?:source|mchannel|
    campaign|linkname|fee)|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|igshid|igsh|
    mc_[ce]id|_hs(?:enc|mi)|__s|s_cid|wt_?mc|wt\.mc_\w+|ocid|ncid|cmpid|smid|xtor|ref_src|ref_url|
    __twitter_impression|__hst[cs]|__hsfp|oly_(?:enc|anon)_id|vero_(?:id|conv)|_openstat|_ga|_gl|
    itm_(?:source|medium|campaign|content|term)|intcmp|srsltid|mkt_tok|guccounter|guce_referrer(?:_sig)?|fb_(?:action_(?:ids|types)|source|ref))\Z""",
    re.I | re.X,
)
_MAX_HOST = 253
_BRACKETS = re.compile(r"\[[^\[\]]*\](?::[0-9]*)?\Z")
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\Z")  # resolvers take it for an address
_HOST = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*\Z"
)


def normalise(url: str, base: str | None = None) -> str:
    """The normal form of an http(s) URL, taken relative to ``base`` where there is one.

    Raises ValueError, saying why, for anything that is no plain web address: other schemes, user
    information, control characters or backslashes in the authority, a bad host or port, an IP
    address in any but its one plain form.
    """
    text = url.strip(" \t\r\n\f")
    if base is not None:
        text = urljoin(base, re.sub(r"[\t\r\n]", "", text))
    if len(text) > MAX_URL:
        raise ValueError(f"a URL of {len(text)} characters")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"not a URL: {error}") from None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS:
        raise ValueError(f"scheme {scheme or '(none)'!r} is neither http nor https")
    if "@" in parts.netloc or "\\" in parts.netloc or _SPACE.search(parts.netloc):
        raise ValueError("user information, backslash or space in the authority")
    if port == 0:
        raise ValueError("port 0")
    host = parts.hostname or ""
    host = _address(host, parts.netloc) if "[" in parts.netloc else _host(host)
    if port is not None and port != _PORTS[scheme]:
        host = f"{host}:{port}"
    path = _remove_dots(_recode(parts.path, _PATH_SAFE)) or "/"
    normal = urlunsplit((scheme, host, path, _query(parts.query), ""))
    if len(normal) > MAX_URL:
        raise ValueError(f"a URL of {len(normal)} characters")
    return normal


def _address(host: str, authority: str) -> str:
    """An IPv6 address, in brackets, in the one form of RFC 5952."""
    if not _BRACKETS.match(authority):
        raise ValueError(f"host {authority[:_MAX_HOST]!r}: brackets and more")
    try:
        address = IPv6Address(host)
    except AddressValueError as error:
        raise ValueError(f"host [{host}]: {error}") from None
    if address.scope_id is not None or address.ipv4_mapped is not None:
        raise ValueError(f"host [{host}] is of one machine only, or hides an IPv4 address")
    return f"[{address.compressed}]"


def _host(host: str) -> str:
    host = host.lower()
    if len(host) <= _MAX_HOST and not host.isascii():
        try:
            host = idna.encode(host, uts46=True, transitional=False).decode()
        except idna.IDNAError as error:
            raise ValueError(f"host {host!r}: {error}") from None
    host = host.rstrip(".")
    if len(host) > _MAX_HOST or not _HOST.match(host):
        raise ValueError(f"host {host[:_MAX_HOST]!r} is no host name")
    if _NUMBER.match(host):
        try:
            IPv4Address(host)
        except AddressValueError:
            raise ValueError(f"host {host!r} is a number, not an address in full") from None
    return host


def _recode(text: str, safe: str) -> str:
    """Percent-encoding in one form: unreserved characters plain, others as upper-case escapes."""
    parts = re.split(r"(%[0-9A-Fa-f]{2})", text)
    for index, part in enumerate(parts):
        if index % 2:
            plain = unquote(part, errors="strict") if int(part[1:], 16) < 0x80 else ""
            parts[index] = plain if plain and (plain.isalnum() or plain in "-._~") else part.upper()
        else:
            parts[index] = quote(part, safe=safe, errors="replace")
    return "".join(parts)


def _remove_dots(path: str) -> str:
    """RFC 3986 §5.2.4."""
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments[1:]:
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _query(query: str) -> str:
    pairs = _recode(query, _QUERY_SAFE).split("&")
    return "&".join(pair for pair in pairs if pair and not _TRACKING.match(pair.partition("=")[0]))


def identity(url: str) -> str:
    """The id of a page (its request URL) or of an article (its canonical URL), in any spelling.

    BLAKE2b-128, hex. Raises ValueError like ``normalise``.
    """
    return digest(SCHEME_TAG, normalise(url))


def host_of(url: str) -> str:
    """The host of a normal URL, without its port."""
    return urlsplit(url).hostname or ""


@functools.lru_cache(maxsize=65536)
def registrable(host: str) -> str:
    """The registrable domain of a host (public suffix and one label), by the list bundled with tld.

    A host under no known suffix gives its last two labels; an IP address gives itself.
    """
    host = host.rstrip(".").lower()
    if ":" in host or host.replace(".", "").isdigit():
        return host
    found = get_tld(f"http://{host}", as_object=True, fail_silently=True, search_private=False)
    if isinstance(found, TldResult) and found.fld:
        return str(found.fld)
    return ".".join(host.split(".")[-2:])


def domain_of(url: str) -> str:
    """The registrable domain of a normal URL: the routing key of entries."""
    return registrable(host_of(url))
