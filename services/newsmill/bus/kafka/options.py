"""What a ``kafka:`` bus URL says: brokers, namespace, and the few settings that may follow it.

Each of these may be said by the environment instead (``bus/environment.py``); the URL goes before.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from newsmill.bus import environment as surroundings
from newsmill.bus.base import LEASE_S
from newsmill.errors import Misconfigured

_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The settings of a Kafka bus; every process of one namespace should say the same."""

    servers: tuple[str, ...]
    namespace: str
    user: str | None = None
    password: str | None = None
    sasl: str = "SCRAM-SHA-512"  # the mechanism, where there is a user
    tls: bool = False
    ca: str | None = None  # files in PEM; without one the system's authorities are trusted
    cert: str | None = None
    key: str | None = None
    replicas: int = -1  # of topics made here; -1: what the brokers have as their default
    session_ms: int = int(LEASE_S * 1000)  # how long a member may be silent
    stall_ms: int = 0  # how long a member that lives may go without a poll; 0: three sessions
    wait_ms: int = 1500  # how long brokers that refuse the connection are tried at the start
    transaction_ms: int = 15_000  # what a step may take; a dead member's is undone after it

    @property
    def poll_ms(self) -> int:
        """How long a member may go without a poll before its partitions are given to others."""
        return self.stall_ms or 3 * self.session_ms

    def security(self) -> dict[str, Any]:
        """What every client is told of TLS and credentials; raises Misconfigured for bad files."""
        sasl = self.user is not None
        told: dict[str, Any] = {
            "security_protocol": ("SASL_" if sasl else "") + ("SSL" if self.tls else "PLAINTEXT")
        }
        if sasl:
            told["sasl_mechanism"] = self.sasl
            told["sasl_plain_username"] = self.user
            told["sasl_plain_password"] = self.password
        if self.tls:
            told["ssl_context"] = self._context()
        return told

    def _context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca)
            if self.cert is not None:
                context.load_cert_chain(self.cert, self.key)
        except OSError as error:
            files = ", ".join(filter(None, (self.ca, self.cert, self.key)))
            raise Misconfigured(f"bus: TLS files {files}: {error}") from None
        return context


def parse(spec: str, namespace: str, environment: Mapping[str, str] | None = None) -> Options:
    """Read ``[USER[:PASSWORD]@]HOST:PORT[,…][/NAMESPACE][?name=value&…]``; raises Misconfigured.

    What is percent-encoded in user and password is decoded. No message names either.
    """
    place, _, query = spec.removeprefix("//").partition("?")
    login, at, rest = place.rpartition("@")
    hosts, _, name = rest.partition("/")
    servers = tuple(filter(None, hosts.split(",")))
    if not servers or not all(map(_is_address, servers)):
        raise Misconfigured(f"bus 'kafka://{hosts}': not HOST:PORT[,HOST:PORT…]")
    if not _NAME.fullmatch(name or namespace):
        raise Misconfigured(f"bus 'kafka://{rest}': {name!r} is no namespace (a-z, 0-9, . _ -)")
    where = f"bus 'kafka://{rest}'"
    values = _from_environment(environment or {})
    if at:
        user, colon, password = login.partition(":")
        values["user"] = unquote(user)
        if colon:
            values["password"] = unquote(password)
    for part in filter(None, query.split("&")):
        option, _, value = part.partition("=")
        if option not in _READERS:
            known = ", ".join(sorted(_READERS))
            raise Misconfigured(f"{where}: unknown option {option!r}; known: {known}")
        values[option] = _read(option, unquote(value), f"{where}: {option}")
    options = Options(servers=servers, namespace=name or namespace, **values)
    _refuse_contradictions(options, where, bool(at))
    return options


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: _read(name, value, f"environment: {surroundings.PREFIX}{name.upper()}")
        if name in _READERS
        else value
        for name, value in surroundings.told(environment).items()
    }


def _read(option: str, value: str, where: str) -> Any:
    try:
        return _READERS[option](value)
    except ValueError as error:
        raise Misconfigured(f"{where}={value!r}: {error}") from None


def _refuse_contradictions(options: Options, where: str, in_url: bool) -> None:
    if in_url and not (options.user and options.password):
        where = f"{where.replace('//', '//***@', 1)}"
    if (options.user or options.password or in_url) and not (options.user and options.password):
        raise Misconfigured(
            f"{where}: a user needs a password, and a password a user: write USER:PASSWORD before "
            f"the @, or set {surroundings.PREFIX}USER and {surroundings.PREFIX}PASSWORD[_FILE]"
        )
    if options.key and not options.cert:
        raise Misconfigured(f"{where}: key without cert")
    if not options.tls and (options.ca or options.cert):
        raise Misconfigured(f"{where}: ca and cert need tls=on")


def _is_address(server: str) -> bool:
    host, _, port = server.rpartition(":")
    return bool(host) and port.isdecimal() and 0 < int(port) < 65536


def _mechanism(value: str) -> str:
    if value not in _MECHANISMS:
        raise ValueError(f"must be one of {', '.join(_MECHANISMS)}")
    return value


def _switch(value: str) -> bool:
    if value not in ("on", "off"):
        raise ValueError("must be on or off")
    return value == "on"


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not value.isdecimal() or not least <= int(value) <= most:
            raise ValueError(f"must be a number from {least} to {most}")
        return int(value)

    return read


def _file(value: str) -> str:
    if not value:
        raise ValueError("must name a file")
    return value


_READERS: dict[str, Callable[[str], object]] = {
    "sasl": _mechanism,
    "tls": _switch,
    "ca": _file,
    "cert": _file,
    "key": _file,
    "replicas": _number(1, 100),
    "session_ms": _number(500, 600_000),
    "stall_ms": _number(500, 3_600_000),
    "wait_ms": _number(0, 600_000),
    "transaction_ms": _number(1000, 600_000),
}
