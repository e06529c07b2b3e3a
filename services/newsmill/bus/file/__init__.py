"""The embedded bus: topics, groups and state in one SQLite file, for several processes."""

from __future__ import annotations

from newsmill.bus.file.bus import FileBus

__all__ = ["FileBus"]
