"""What a run takes hold of before it starts: its workers, its folders, its logs."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from newsmill.archiver.stores import wanted_stores
from newsmill.cli.work import ROLES
from newsmill.errors import Misconfigured
from newsmill.process.settings import Settings


def roles(settings: Settings) -> list[tuple[str, int]]:
    """The worker processes of a run: role and slot."""
    many = {"extractor": settings.workers, "enricher": settings.workers}
    many["archiver"] = len(wanted_stores(settings))
    return [(role, slot) for role in ROLES for slot in range(many.get(role, 1))]


@contextmanager
def sole_owner(data: Path, name: str = "run.lock") -> Iterator[None]:
    """Hold a folder; raises Misconfigured where another run does."""
    try:
        data.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise Misconfigured(f"{data}: not a folder; give --data DIR") from None
    with (data / name).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Misconfigured(
                f"{data}: another newsmill run works in it; stop that one, or give another folder"
            ) from None
        yield


def check_logs(settings: Settings) -> None:
    """Raises Misconfigured where no log can be written, from which a run tells what came of it."""
    folder = settings.log_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (FileExistsError, NotADirectoryError):
        raise Misconfigured(f"logs {folder}: not a folder; give --data DIR") from None
    except OSError as error:
        raise Misconfigured(f"logs {folder} cannot be written: {error.strerror}") from None
