"""Copies a SQLite database that others write to meanwhile: as it was at one moment, whole."""

from __future__ import annotations

from pathlib import Path

import apsw

from newsmill.errors import Misconfigured

BUSY_MS = 30_000


def copy_database(source: Path, target: Path) -> None:
    """Copy by SQLite's own backup, in one step: writers go on, and their WAL grows until the end.

    A copy page by page would begin anew whenever another process writes, and on a busy log never
    end. Raises Misconfigured where the source is no database, or the target cannot be written.
    """
    try:
        given = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READWRITE)
    except apsw.Error as error:
        raise Misconfigured(f"{source} cannot be opened: {error}") from None
    try:
        given.set_busy_timeout(BUSY_MS)
        made = apsw.Connection(str(target))
        try:
            with made.backup("main", given, "main") as copying:
                copying.step(-1)
            made.pragma("journal_mode", "delete")  # all of it in the one file
            made.pragma("journal_mode", "wal")
        finally:
            made.close()
    except apsw.Error as error:
        raise Misconfigured(f"{source} cannot be copied to {target}: {error}") from None
    finally:
        given.close()
