"""The transports that the contract suite runs on: each supplies only how to make a fresh bus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """One transport: ``fresh`` gives the URL of a bus that nobody has used, in a folder of the test."""

    name: str
    fresh: Callable[[Path], str]
    lease_s: float  # of that bus: a silent member loses its partitions after it
    settle_s: float  # within which members agree on their shares, dead ones found out


def _file(folder: Path) -> str:
    return f"file:{folder / 'bus'}?lease_s=1&ballast_bytes=0&min_free_bytes=0&detector=off"


TRANSPORTS = (Transport(name="file", fresh=_file, lease_s=1.0, settle_s=1.0),)
