"""What a data folder holds of each lane: where it lies, how large it is, when it last changed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from newsmill.process.settings import Settings

LIVE = "live"
_STORE_PARTS = ("", "-wal", "-shm", "-journal")


def lanes_in(data: Path) -> set[str]:
    """The names of the lanes that have something in a data folder."""
    found = {path.stem for path in (data / "stores").glob("*.db")}
    for folder in ("archive", "logs", "lanes"):
        found |= {path.name for path in (data / folder).glob("*") if path.is_dir()}
    if any((data / "logs").glob("*.jsonl")):
        found.add(LIVE)
    return found


def places_of(settings: Settings) -> Iterator[Path]:
    """The files and folders that hold a lane, those that are there; its own folder comes last."""
    store = settings.store_path
    for part in _STORE_PARTS:
        yield from _there(store.with_name(store.name + part))
    yield from _there(settings.archive_path)
    yield from _there(settings.log_dir)
    yield from _there(settings.lane_dir)


def _there(path: Path) -> Iterator[Path]:
    if path.exists():
        yield path


def files_of(data: Path, lane: str) -> Iterator[Path]:
    """Every file that a data folder holds of a lane."""
    settings = replace(Settings(), data=data, lane=lane)
    for place in places_of(settings):
        if place.is_file():
            yield place
        elif lane == LIVE and place == settings.log_dir:  # the folders in it are of other lanes
            yield from (path for path in place.iterdir() if path.is_file())
        else:
            yield from (path for path in place.rglob("*") if path.is_file())


def remove(place: Path) -> None:
    """Remove a file, or a folder with all that is in it; nothing where it is gone already."""
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
