"""Stores that stand still for a while: a lock that somebody holds, a server that is stopped."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from databases import Database

Ending = Callable[[], None]


def stall_sqlite(path: Path) -> Ending:
    """Hold the write lock of the file; gives what lets it go."""
    if not path.exists():
        return lambda: None
    holder = sqlite3.connect(path, isolation_level=None, timeout=10)
    holder.execute("BEGIN IMMEDIATE")

    def end() -> None:
        holder.execute("ROLLBACK")
        holder.close()

    return end


def stall_postgres(server: Database) -> Ending:
    """Stop the server where it is, its connections open; gives what wakes it."""
    server.freeze()
    return server.thaw
