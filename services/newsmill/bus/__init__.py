"""The bus behind one interface: ``connect`` picks the transport that a URL names."""

from __future__ import annotations

from newsmill.bus.base import Bus
from newsmill.errors import Misconfigured

NAMESPACE = "newsmill"


def connect(url: str, lane: str) -> Bus:
    """Open a lane of the bus at ``url``: ``file:DIR`` or ``kafka://host:port,…/NAMESPACE``.

    Raises Misconfigured, in one line that says what to change.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "file" and rest:
        from newsmill.bus.file import FileBus

        return FileBus(rest, NAMESPACE, lane)
    if scheme == "kafka" and rest:
        from newsmill.bus.kafka import KafkaBus

        return KafkaBus(rest, NAMESPACE, lane)
    raise _no_bus(url)


def place_of(url: str) -> tuple[str, str]:
    """The brokers and the namespace of a Kafka URL, asking nobody; raises Misconfigured."""
    scheme, _, rest = url.partition(":")
    if scheme != "kafka":
        raise Misconfigured("bus: only Kafka has rights; give --bus kafka://HOST:PORT/NAMESPACE")
    from newsmill.bus.kafka.options import parse

    options = parse(rest, NAMESPACE)
    return ",".join(options.servers), options.namespace


def _no_bus(url: str) -> Misconfigured:
    scheme, _, _ = url.partition(":")
    if "@" in url:  # what stands before it may be a secret
        url = f"{scheme}://***@{url.rpartition('@')[2]}"
    return Misconfigured(f"bus {url!r}: not a bus URL; use file:DIR or kafka://HOST:PORT/NAMESPACE")
