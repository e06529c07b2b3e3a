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
    if "@" in url:  # what stands before it may be a secret
        url = f"{scheme}://***@{url.rpartition('@')[2]}"
    raise Misconfigured(f"bus {url!r}: not a bus URL; use file:DIR or kafka://HOST:PORT/NAMESPACE")
