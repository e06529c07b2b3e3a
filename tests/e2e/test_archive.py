"""The raw archive beside the store: what was fetched, replayed, gives the same articles."""

from __future__ import annotations

import pytest

from e2e.workers import enriched
from running import newsmill

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("replay")]


def test_an_archive_written_beside_the_store_replays_to_the_same_records(pages, tmp_path):
    data = tmp_path / "data"
    store = {"store": "sqlite warc"}
    done = newsmill("replay", pages, "--lane", "check", "--data", data, **store)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert "pages kept as fetched" in done.stdout.decode()
    assert newsmill("ops", "summary", data / "logs" / "check").returncode == 0
    again = newsmill(
        "replay", data / "archive" / "check", "--lane", "again", "--data", tmp_path / "other"
    )
    assert again.returncode == 0, again.stderr.decode()[-2000:]
    url, other = f"file:{data / 'bus'}", f"file:{tmp_path / 'other' / 'bus'}"
    assert enriched(other, "again") == enriched(url, "check") != []
