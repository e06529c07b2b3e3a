"""What a data folder holds of each lane."""

from __future__ import annotations

from dataclasses import replace

import pytest

from newsmill.process.settings import Settings
from newsmill.replay.lanes import files_of, lanes_in, places_of, remove

FILES = (
    "stores/live.db", "stores/live.db-wal", "stores/past.db", "stores/past.db-shm",
    "archive/live/a.warc.gz", "archive/past/a.warc.gz", "logs/run-0.jsonl", "logs/past/x.jsonl",
    "lanes/past/manifest.json", "lanes/past-2/manifest.json", "bus/bus.db",
)  # fmt: skip


@pytest.fixture(name="data")
def _data(tmp_path):
    for name in FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def names(data, lane):
    return {str(path.relative_to(data)) for path in files_of(data, lane)}


def test_lanes_are_known_by_whatever_they_left(data, tmp_path):
    assert lanes_in(data) == {"live", "past", "past-2"}
    assert lanes_in(tmp_path / "none") == set()


def test_every_file_is_of_one_lane(data):
    assert names(data, "past") == {name for name in FILES if "past." in name or "past/" in name}
    assert names(data, "past-2") == {"lanes/past-2/manifest.json"}
    assert names(data, "live") == {
        name for name in FILES if "live" in name or name == "logs/run-0.jsonl"
    }


def test_a_lane_that_is_removed_leaves_nothing_and_takes_nothing_else(data):
    settings = replace(Settings(), data=data, lane="past")
    for place in [*places_of(settings)]:
        remove(place)
    left = {str(path.relative_to(data)) for path in data.rglob("*") if path.is_file()}
    assert left == {name for name in FILES if "past." not in name and "past/" not in name}
