"""The transports that the contract suite runs on: each supplies only how to make a fresh bus."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """One transport: ``fresh`` gives the URL of a bus that nobody has used, in a test's folder."""

    name: str
    fresh: Callable[[Path], str]
    brisk: Callable[[Path], str]  # the same with the shortest lease there is
    lease_s: float  # of that bus: a silent member loses its partitions after it
    examples: int  # of random runs: what a few seconds allow
    settle_s: float  # within which members agree on their shares, dead ones found out


def file_url(folder: Path, *, lease_s: float = 1.0, **options: object) -> str:
    """A bus in the folder, without what a test need not wait for; options override."""
    settings = {
        "lease_s": lease_s,
        "ballast_bytes": 0,
        "min_free_bytes": 0,
        "detector": "off",
        **options,
    }
    return f"file:{folder / 'bus'}?" + "&".join(f"{name}={v}" for name, v in settings.items())


FILE = Transport(
    name="file",
    fresh=file_url,
    brisk=lambda folder: file_url(folder, lease_s=0.2),
    lease_s=1.0,
    settle_s=1.0,
    examples=12,
)


def kafka_url(bootstrap: str, **options: object) -> str:
    """A namespace of its own on a shared broker, with the shortest sessions there are."""
    settings = {"session_ms": 1500, "stall_ms": 3000, "transaction_ms": 5000, **options}
    query = "&".join(f"{name}={value}" for name, value in settings.items())
    return f"kafka://{bootstrap}/t{uuid.uuid4().hex[:10]}.newsmill?{query}"


def kafka(bootstrap: str) -> Transport:
    """Kafka, by the broker that the ladder gave."""
    return Transport(
        name="kafka",
        fresh=lambda _folder: kafka_url(bootstrap),
        brisk=lambda _folder: kafka_url(bootstrap),
        lease_s=4.5,
        settle_s=10.0,
        examples=1,
    )
