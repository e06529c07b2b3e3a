"""Sources of a replay: files of the past, read in order, resumed to the record, never trusted."""

from __future__ import annotations

from newsmill.producer.sources.base import At, Item, Source, Unpaged
from newsmill.producer.sources.choose import expand, source_of

__all__ = ["At", "Item", "Source", "Unpaged", "expand", "source_of"]
