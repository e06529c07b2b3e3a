"""A real worker of a run: what is changed around it is its clock, its version and marks on outputs.

    python -m chaos.worker extractor|enricher|archiver     settings by NEWSMILL_* as of any worker

``CHAOS_REFUSED`` names the file of refused attempts, ``CHAOS_VERSION`` the version to be: above 1
it is a later newsmill, whose extractor signs its articles otherwise and reads pages of later major
versions. A real-time signal sets the wall clock wrong; see ``chaos.clock``.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from chaos.clock import Clock
from chaos.tags import TaggedBus
from newsmill import bus
from newsmill.archiver import worker as archiver
from newsmill.bus.base import Bus
from newsmill.enricher import worker as enricher
from newsmill.extractor import child
from newsmill.extractor import worker as extractor
from newsmill.process.settings import Settings, load
from newsmill.records import Page, decode

R = TypeVar("R")
core = importlib.import_module("newsmill.extractor.core.extract")  # its package has a function so
VERSION = "CHAOS_VERSION"
REFUSED = "CHAOS_REFUSED"
WORKERS: dict[str, Callable[[Settings], int]] = {
    "extractor": extractor.run,
    "enricher": enricher.run,
    "archiver": archiver.run,
}


def own_version() -> int:
    """The version that this process is of."""
    return int(os.environ.get(VERSION, "1"))


def as_known(header: bytes) -> bytes:
    """A page header of any version that a later newsmill knows, as the present one writes it."""
    for version in range(2, own_version() + 1):
        header = header.replace(b'"v":%d' % version, b'"v":1', 1)
    return header


def decode_later(kind: type[R], value: bytes | None) -> R:
    """As ``records.decode``, of a later newsmill."""
    return decode(kind, as_known(value) if kind is Page and value is not None else value)


def handle_later(frames: list[bytes]) -> list[bytes]:
    """As ``extractor.child.handle``, of a later newsmill."""
    core.VERSION = f"{_SIGNED}+{own_version()}"
    header, body = frames
    return child.handle([as_known(header), body])


_SIGNED = core.VERSION


def become_later() -> None:
    """Make this process one of a later newsmill."""
    extractor.decode = decode_later
    extractor.children = functools.partial(
        extractor.children, handler=f"{__spec__.name}:handle_later"
    )


def main(role: str) -> int:
    Clock().wear()
    connect = bus.connect

    def tagged(url: str, lane: str) -> Bus:
        return TaggedBus(connect(url, lane), Path(os.environ[REFUSED]))

    bus.connect = tagged
    if own_version() > 1:
        become_later()
    return WORKERS[role](load({}))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
