"""Backups of a data folder while it is worked in, and how one becomes a data folder again.

The order matters. A store may be behind the log: it takes what it lacks when it starts again. It
must never be ahead of it, since it would pass over what the log appends anew under the same
positions. So the archive and the stores are copied first, and the log last.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from newsmill import __version__
from newsmill.bus.copying import copy_database
from newsmill.errors import Misconfigured

MANIFEST = "backup.json"
LOG = "bus"  # the folder of the embedded log in a backup, as in a data folder
PARTIAL = ".partial"
_ORDER = ("archive", "stores")  # then whatever else there is, and the log at the end
_NOT = ("logs", LOG)  # what is not copied file by file
_PASSING = ("-wal", "-shm", "-journal", ".lock")


@dataclass(frozen=True, slots=True)
class Copied:
    """A file of a backup."""

    bytes: int
    blake2b: str


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup says of itself: it is written last, so that one without it is none."""

    newsmill: str  # the version that took it
    taken: str
    has_log: bool  # False where the log was Kafka's
    files: dict[str, Copied]

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(each.bytes for each in self.files.values())


Tell = Callable[[str], None]


def back_up(data: Path, log: Path | None, into: Path, tell: Tell = lambda _: None) -> Backup:
    """Copy a data folder, and the embedded log in ``log``, to a new folder; ``tell`` hears of each.

    Workers may be at work. Raises Misconfigured where there is nothing, or ``into`` is there.
    """
    if not data.is_dir():
        raise Misconfigured(f"{data}: no such folder; give --data DIR")
    partial = _begun(into)
    files: dict[str, Copied] = {}
    for name in _files(data):
        tell(name)
        _copy(data / name, partial / name)
        files[name] = _sealed(partial / name)
    has_log = log is not None and (log / "bus.db").exists()
    if log is not None and has_log:
        name = f"{LOG}/bus.db"
        tell(name)
        _copy(log / "bus.db", partial / name)
        files[name] = _sealed(partial / name)
    if not files:
        partial.rmdir()
        raise Misconfigured(f"{data}: nothing is in it yet")
    taken = datetime.now(UTC).isoformat(timespec="seconds")
    backup = Backup(__version__, taken, has_log, files)
    (partial / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(backup)) + b"\n")
    _sealed(partial / MANIFEST)
    _finish(partial, into)
    return backup


def read(folder: Path) -> Backup:
    """The backup in a folder; raises Misconfigured where there is none."""
    try:
        backup = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Backup)
    except (FileNotFoundError, NotADirectoryError):
        raise Misconfigured(f"{folder}: no backup, or one that was not finished") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{folder / MANIFEST}: {error}") from None
    for name in backup.files:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise Misconfigured(f"{folder / MANIFEST}: {name} leads out of the folder")
    return backup


def damaged(folder: Path, backup: Backup, tell: Tell = lambda _: None) -> list[str]:
    """The files of a backup that are missing, or not as they were written."""
    found = []
    for name, copied in backup.files.items():
        tell(name)
        path = folder / name
        if not path.is_file() or _digest(path) != copied:
            found.append(name)
    return found


def restore(folder: Path, data: Path, tell: Tell = lambda _: None) -> Backup:
    """Make a data folder of a backup, whole or not at all.

    Raises Misconfigured where the backup is damaged, or there is something in ``data``.
    """
    backup = read(folder)
    partial = _begun(data)
    for name, copied in backup.files.items():
        tell(name)
        target = partial / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(folder / name, target)
        except FileNotFoundError:
            raise Misconfigured(f"{folder}: {name} is missing") from None
        if _sealed(target) != copied:
            raise Misconfigured(f"{folder}: {name} is not as it was written")
    _finish(partial, data)
    return backup


def _files(data: Path) -> Iterator[str]:
    """What is copied, by its path within the folder, in the order in which it must be."""
    rest = sorted(each.name for each in data.iterdir() if each.name not in (*_ORDER, *_NOT))
    for top in (*_ORDER, *rest):
        paths = sorted((data / top).rglob("*")) if (data / top).is_dir() else [data / top]
        # an index goes before the files that it is of: what they grow by later, it does not know
        for path in sorted(paths, key=lambda path: (path.parent, path.suffix != ".db", path.name)):
            if path.is_file() and not path.name.endswith(_PASSING):
                yield str(path.relative_to(data))


def _begun(target: Path) -> Path:
    """The folder beside ``target`` in which it is made; leftovers of another try are removed."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Misconfigured(f"{target}: there is something already; name a new folder")
    partial = target.with_name(f"{target.name}{PARTIAL}")
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    return partial


def _finish(partial: Path, target: Path) -> None:
    if target.exists():
        target.rmdir()  # it is empty
    partial.rename(target)
    _sync(target.parent)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix == ".db":
        copy_database(source, target)
    else:
        shutil.copyfile(source, target)


def _sealed(path: Path) -> Copied:
    """Put a file on the disk; what it holds."""
    _sync(path)
    _sync(path.parent)
    return _digest(path)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _digest(path: Path) -> Copied:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
        return Copied(file.tell(), digest.hexdigest())
