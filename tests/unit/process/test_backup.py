"""What a backup takes, in which order, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import apsw
import pytest

from newsmill.errors import Misconfigured
from newsmill.process.backup import MANIFEST, back_up, damaged, read, restore


def database(path: Path, rows: int = 1) -> apsw.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    db = apsw.Connection(str(path))
    db.pragma("journal_mode", "wal")
    db.execute("CREATE TABLE IF NOT EXISTS t(x)")
    for number in range(rows):
        db.execute("INSERT INTO t VALUES (?)", [number])
    return db


def rows(path: Path) -> int:
    db = apsw.Connection(str(path))
    found = db.execute("SELECT count(*) FROM t").get
    assert db.pragma("journal_mode") == "wal", "as the workers want it"
    db.close()
    return int(str(found))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    for name in ("stores/live.db", "archive/live/index.db", "bus/bus.db"):
        database(data / name).close()
    (data / "archive" / "live" / "a.warc.gz").write_bytes(b"pages")
    (data / "lanes" / "y").mkdir(parents=True)
    (data / "lanes" / "y" / "manifest.json").write_text("{}")
    (data / "logs").mkdir()
    (data / "logs" / "fetcher-0.jsonl").write_text("{}\n")
    (data / "run.lock").touch()
    return data


def test_stores_go_before_the_log_an_index_before_its_files_and_no_log_lines_at_all(
    data: Path, tmp_path: Path
) -> None:
    told: list[str] = []
    backup = back_up(data, data / "bus", tmp_path / "b", told.append)
    assert told == [
        "archive/live/index.db", "archive/live/a.warc.gz", "stores/live.db",
        "lanes/y/manifest.json", "bus/bus.db",
    ]  # fmt: skip
    assert list(backup.files) == told
    assert read(tmp_path / "b") == backup
    assert damaged(tmp_path / "b", backup) == []


def test_what_a_writer_has_committed_is_copied_and_what_it_is_at_is_not(
    data: Path, tmp_path: Path
) -> None:
    writer = database(data / "bus" / "bus.db", rows=5)  # in its WAL, and not in the file yet
    writer.execute("BEGIN IMMEDIATE; INSERT INTO t VALUES (99)")
    back_up(data, data / "bus", tmp_path / "b")
    writer.execute("COMMIT")
    writer.close()
    restore(tmp_path / "b", tmp_path / "new")
    assert rows(tmp_path / "new" / "bus" / "bus.db") == 6


def test_a_log_elsewhere_is_restored_into_the_folder_and_kafkas_is_not_ours(
    data: Path, tmp_path: Path
) -> None:
    database(tmp_path / "elsewhere" / "bus.db", rows=3).close()
    assert back_up(data, tmp_path / "elsewhere", tmp_path / "b").has_log
    restore(tmp_path / "b", tmp_path / "new")
    assert rows(tmp_path / "new" / "bus" / "bus.db") == 3
    of_kafka = back_up(data, None, tmp_path / "k")
    assert not of_kafka.has_log
    assert not any(name.startswith("bus/") for name in of_kafka.files)


def test_what_another_try_left_behind_is_in_nobodys_way(data: Path, tmp_path: Path) -> None:
    (tmp_path / "b.partial" / "stores").mkdir(parents=True)
    (tmp_path / "b.partial" / "stores" / "old.db").write_bytes(b"half")
    back_up(data, None, tmp_path / "b")
    assert not (tmp_path / "b" / "stores" / "old.db").exists()
    assert not (tmp_path / "b.partial").exists()


def test_nothing_is_overwritten_and_nothing_is_no_backup(data: Path, tmp_path: Path) -> None:
    back_up(data, None, tmp_path / "b")
    with pytest.raises(Misconfigured, match="something already"):
        restore(tmp_path / "b", data)
    (tmp_path / "empty").mkdir()
    for folder in ("empty", "nowhere"):
        with pytest.raises(Misconfigured):
            back_up(tmp_path / folder, None, tmp_path / "c")
    restore(tmp_path / "b", tmp_path / "empty")
    assert (tmp_path / "empty" / "lanes" / "y" / "manifest.json").read_text() == "{}"


def test_a_name_in_a_manifest_cannot_lead_out_of_the_folder(data: Path, tmp_path: Path) -> None:
    back_up(data, None, tmp_path / "b")
    told = json.loads((tmp_path / "b" / MANIFEST).read_text())
    (tmp_path / "secret").write_text("s")
    told["files"]["../secret"] = told["files"].pop("lanes/y/manifest.json")
    (tmp_path / "b" / MANIFEST).write_text(json.dumps(told))
    with pytest.raises(Misconfigured, match=r"\.\./secret"):
        restore(tmp_path / "b", tmp_path / "new")
