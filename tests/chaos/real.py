"""The real load: tiny pages through the workers themselves, into stores."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from chaos import pages
from chaos.pages import Offer, offer
from chaos.verdict import Verdict
from newsmill.bus.base import Bus, Output


@lru_cache(maxsize=1 << 18)
def cached(number: int) -> Offer:
    """The offer of a number."""
    return offer(number)


class Real:
    """See ``Load``. ``stores`` are the archiver's, by name; each opens to be read."""

    name = "real"
    module = "chaos.worker"
    low_water = 1500
    lacks: frozenset[str] = frozenset()

    def __init__(self, stores: dict[str, str]) -> None:
        self.stores = stores
        archivers = ["archiver"] * max(2, len(stores))  # of several stores, a slot says which
        self.roles = ("extractor", "extractor", "enricher", "enricher", *archivers)
        self.groups = ("extractor", "enricher", *(f"archiver.{name}" for name in stores))
        self.settings = {
            "store": " ".join(u if name == u else f"{name}={u}" for name, u in stores.items()),
            "children": "2",
            "child_timeout_s": "60",  # a machine busy with faults is no reason to bury a page
        }

    def key(self, number: int) -> bytes:
        return cached(number).page_id.encode()

    def output(self, number: int, version: int = 1) -> Output:
        return pages.output(cached(number), version)

    def verdict(self, bus: Bus, offered: int, folder: Path) -> dict[str, Any]:
        """What stands in topics and stores against what follows from the numbers."""
        offers = [cached(number) for number in range(offered)]
        return Verdict(bus, offers, self.stores, folder).figures()
