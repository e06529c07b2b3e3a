"""Stores that stand still for a while: a lock that somebody holds, a server that is stopped."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from databases import Database

Ending = Callable[[], None]


def stall_sqlite(path: Path) -> Ending | None:
    """Hold the write lock of the file; gives what lets it go.

    None where there is no file yet, or where a worker that was stopped inside its turn holds the
    lock already.
    """
    if not path.exists():
        return None
    holder = sqlite3.connect(path, isolation_level=None, timeout=10)
    try:
        holder.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        holder.close()
        return None

    def end() -> None:
        holder.execute("ROLLBACK")
        holder.close()

    return end


def stall_postgres(server: Database) -> Ending:
    """Stop the server where it is, its connections open; gives what wakes it."""
    server.freeze()
    return server.thaw
