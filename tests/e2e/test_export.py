"""Exports by the command line: a file a day, one file, and only what is new."""

from __future__ import annotations

import io
import json

import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from newsmill.newsroom import ARTICLES
from running import newsmill

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("replay")]


@pytest.fixture(name="lane")
def _lane(replayed):
    return "--data", replayed.data, "--lane", "check"


def test_parquet_is_a_folder_of_days_one_file_or_standard_output(lane, tmp_path):
    folder, file = tmp_path / "days", tmp_path / "all.parquet"
    for _ in range(2):
        done = newsmill("export", *lane, "--format", "parquet", "-o", folder)
        assert done.returncode == 0, done.stderr
    parts = sorted(folder.rglob("*"))
    days = [path.name for path in parts if path.is_dir()]
    assert len([path for path in parts if path.is_file()]) == len(days) > 5
    whole = pyarrow.dataset.dataset(folder, partitioning="hive").to_table()
    assert whole.num_rows == ARTICLES
    assert newsmill("export", *lane, "--format", "parquet", "-o", file).returncode == 0
    piped = newsmill("export", *lane, "--format", "parquet")
    assert piped.stdout == file.read_bytes()
    one = pq.read_table(io.BytesIO(piped.stdout))
    assert one["id"].to_pylist() == sorted(whole["id"].to_pylist())
    for row in whole.select(["day", "published"]).to_pylist():
        assert (row["published"] or "unknown").startswith(str(row["day"]))


def test_the_last_word_is_the_cursor_after_which_nothing_is_new(lane, tmp_path):
    done = newsmill("export", *lane, "-o", tmp_path / "all.jsonl")
    cursor = done.stderr.decode().split()[-1]
    assert len((tmp_path / "all.jsonl").read_bytes().splitlines()) == ARTICLES
    for form, lines in (("jsonl", 0), ("csv", 1)):
        later = newsmill("export", *lane, "--since", cursor, "--format", form)
        assert len(later.stdout.splitlines()) == lines
        assert later.stderr.decode().split()[-1] == cursor
    of_all = newsmill("export", *lane, "--since", "2020-01-01")
    assert {json.loads(line)["v"] for line in of_all.stdout.splitlines()} == {1}


@pytest.mark.parametrize(
    "words",
    [("-o", "days"), ("-o", "days.parquet", "--since", "c00000000-1")],
    ids=["days", "other"],
)
def test_a_since_that_cannot_be_is_refused_in_one_line(lane, tmp_path, words):
    given = [tmp_path / word if word.startswith("days") else word for word in words]
    since = () if "--since" in words else ("--since", "c00000000-1")
    done = newsmill("export", *lane, "--format", "parquet", *given, *since)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
