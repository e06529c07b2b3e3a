"""A backup is taken while workers work; what is restored goes on, loses and doubles nothing."""

from __future__ import annotations

import json
from collections import Counter

import apsw
import pytest

from newsmill.archiver import database, index
from newsmill.archiver.index import Index
from newsmill.archiver.sqlite import SqliteStore
from newsmill.bus.file import database as log
from newsmill.newsroom import EXPECTED
from running import enriched, export, newsmill, start, wait_for

pytestmark = [pytest.mark.timeout(120)]


def ran(*words, **settings):
    done = newsmill(*words, **settings)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return done.stdout


@pytest.fixture
def copied(tmp_path):
    """A backup of a run of the newsroom that was in the middle of it, and was killed then."""
    data = tmp_path / "data"
    process = start(
        "run", "--data", data, "--spacing", "0.2", store="sqlite warc", log=tmp_path / "err"
    )
    try:
        wait_for(lambda: (data / "stores" / "live.db").exists() and len(export(data)) >= 8)
        ran("data", "backup", tmp_path / "backup", "--data", data)
    finally:
        process.kill()
        process.wait()
    return tmp_path / "backup"


@pytest.mark.slow
def test_what_is_restored_of_a_running_pipeline_goes_on_and_ends_with_everything(copied, tmp_path):
    data = tmp_path / "new"
    ran("data", "verify", copied)
    ran("data", "restore", copied, "--data", data)
    at_first = export(data)
    articles = {one.canonical_url for one in EXPECTED if one.kind == "article"}
    assert 8 <= len(at_first) < len(articles), "it was copied in the middle"
    ran("run", "--data", data, "--spacing", "0.1", store="sqlite warc")
    assert Counter(a["canonical_url"] for a in export(data)) == Counter(articles)
    assert enriched(data) == Counter(set(enriched(data)))
    assert json.loads(ran("ops", "summary", "--data", data, "--json"))["balanced"]
    kept = {a["page_id"]: a for a in export(data)}
    assert {a["page_id"] for a in at_first} <= set(kept), "what was there is there"
    # and of what is at rest, the copy's export is the same, byte for byte
    ran("data", "backup", tmp_path / "second", "--data", data)
    ran("data", "restore", tmp_path / "second", "--data", tmp_path / "third")
    assert ran("export", "--data", tmp_path / "third") == ran("export", "--data", data)


def test_a_backup_that_was_changed_or_not_finished_is_refused(tmp_path):
    data = tmp_path / "data"
    ran("feeds", "add", "http://one.example/feed", "--data", data)
    ran("data", "backup", tmp_path / "backup", "--data", data)
    taken = newsmill("data", "backup", tmp_path / "backup", "--data", data)
    assert (taken.returncode, b"something already" in taken.stderr) == (2, True)
    ran("data", "restore", tmp_path / "backup", "--data", tmp_path / "again")
    told = ran("feeds", "list", "--data", tmp_path / "again")
    assert b"http://one.example/feed" in told
    with (tmp_path / "backup" / "bus" / "bus.db").open("r+b") as file:
        file.seek(5000)
        file.write(b"damage")
    assert newsmill("data", "verify", tmp_path / "backup").returncode == 1
    refused = newsmill("data", "restore", tmp_path / "backup", "--data", tmp_path / "new")
    assert (refused.returncode, b"not as it was written" in refused.stderr) == (2, True)
    assert not (tmp_path / "new").exists()
    (tmp_path / "backup" / "backup.json").unlink()
    unfinished = newsmill("data", "verify", tmp_path / "backup")
    assert (unfinished.returncode, b"not finished" in unfinished.stderr) == (2, True)


class TestUpgrade:
    """A data folder of any format that ever was opens, and is brought to the present one."""

    def old(self, path, steps, application):
        path.parent.mkdir(parents=True)
        db = apsw.Connection(str(path))
        db.pragma("journal_mode", "wal")
        for step in steps:
            db.execute(step)
        db.pragma("application_id", application)
        db.pragma("user_version", len(steps))
        return db

    def format_of(self, path):
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        found = db.pragma("user_version")
        db.close()
        return found

    @pytest.mark.parametrize("number", range(1, len(log.MIGRATIONS) + 1))
    def test_of_the_log(self, tmp_path, number):
        path = tmp_path / "data" / "bus" / log.FILE
        self.old(path, log.MIGRATIONS[:number], log.APPLICATION_ID).close()
        ran("feeds", "add", "http://one.example/feed", "--data", tmp_path / "data")
        assert b"one.example" in ran("feeds", "list", "--data", tmp_path / "data")
        assert self.format_of(path) == len(log.MIGRATIONS)

    @pytest.mark.parametrize("number", range(1, len(database.MIGRATIONS) + 1))
    def test_of_the_store(self, tmp_path, number):
        path = tmp_path / "stores" / "live.db"
        db = self.old(path, database.MIGRATIONS[:number], database.APPLICATION)
        db.execute("INSERT INTO about VALUES ('store', 'aa'), ('change', 7)")
        db.execute("INSERT INTO positions VALUES ('log', 'enriched', 3, 42)")
        db.close()
        store = SqliteStore(path)
        reached = store.positions("log")
        store.close()
        assert [(place.partition, at) for place, at in reached.items()] == [(3, 42)]
        assert self.format_of(path) == len(database.MIGRATIONS)

    @pytest.mark.parametrize("number", range(1, len(index.MIGRATIONS) + 1))
    def test_of_the_raw_archive(self, tmp_path, number):
        path = tmp_path / "archive" / "index.db"
        db = self.old(path, index.MIGRATIONS[:number], index.APPLICATION)
        db.execute("INSERT INTO files VALUES ('a.warc.gz', 10)")
        db.close()
        opened = Index(path.parent)
        assert opened.sizes() == {"a.warc.gz": 10}
        opened.close()
        assert self.format_of(path) == len(index.MIGRATIONS)
