"""Sources of a replay: files of the past, read in order, resumed to the record, never trusted."""

from __future__ import annotations

from newsmill.producer.sources.base import At, Item, Ready, Source, Unpaged
from newsmill.producer.sources.choose import expand, source_of
from newsmill.producer.sources.past import is_past, pinned

__all__ = ["At", "Item", "Ready", "Source", "Unpaged", "expand", "is_past", "pinned", "source_of"]
