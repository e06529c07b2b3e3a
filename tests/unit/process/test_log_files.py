"""Log files are rotated, belong to one process each, and survive what happens to disks."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import orjson
import pytest

from newsmill.process import sinks
from newsmill.process.sinks import RotatedFile
from newsmill.process.telemetry import Telemetry


@pytest.fixture
def null():
    with Path(os.devnull).open("wb") as file:
        yield file.fileno()


def whats(path: Path) -> list[str]:
    return [orjson.loads(line)["what"] for line in path.read_bytes().splitlines()]


def test_a_file_is_named_by_role_and_slot_and_stays_in_its_folder(tmp_path, null) -> None:
    log = Telemetry("../extractor", fd=null)
    log.at_slot(4, tmp_path / "logs")
    log.event("feed.change", what="x")
    log.close()

    assert [path.name for path in (tmp_path / "logs").iterdir()] == ["-extractor-4.jsonl"]


def test_rotation_keeps_whole_lines_in_order_and_few_files(tmp_path, null, monkeypatch) -> None:
    monkeypatch.setattr(sinks, "ROTATE_BYTES", 1000)
    log = Telemetry("fetcher", fd=null, directory=tmp_path)
    for number in range(60):
        log.event("feed.change", what=str(number))
    log.close()

    parts = [tmp_path / f"fetcher-0.jsonl.{n}" for n in range(sinks.KEEP_FILES, 0, -1)]
    assert all(path.stat().st_size <= 1000 for path in parts)
    found = [what for path in [*parts, tmp_path / "fetcher-0.jsonl"] for what in whats(path)]
    assert found == [str(number) for number in range(60 - len(found), 60)]
    assert len(list(tmp_path.iterdir())) == sinks.KEEP_FILES + 1


def test_two_processes_of_one_name_never_share_a_file(tmp_path, null, monkeypatch) -> None:
    monkeypatch.setattr(sinks, "ROTATE_BYTES", 2000)
    first = Telemetry("fetcher", fd=null, directory=tmp_path)
    second = Telemetry("fetcher", fd=null, directory=tmp_path)
    for _ in range(20):
        first.event("feed.change", what="first")
        second.event("feed.change", what="second")
    first.close()
    second.close()

    by_name = {path.name: set(whats(path)) for path in tmp_path.iterdir()}
    assert by_name.pop("fetcher-0.jsonl") == {"first"}
    assert by_name["fetcher-0_2.jsonl"] == {"second"}
    assert all(len(who) == 1 for who in by_name.values())


def test_a_torn_end_is_closed_before_the_next_line(tmp_path) -> None:
    (tmp_path / "fetcher-0.jsonl").write_bytes(b'{"whole":1}\n{"ts":"2026')

    file = RotatedFile(tmp_path, "fetcher-0")
    file.write([b'{"next":1}\n'])
    file.close()

    assert (tmp_path / "fetcher-0.jsonl").read_bytes().splitlines()[1:] == [
        b'{"ts":"2026', b'{"next":1}',
    ]  # fmt: skip


def test_a_full_disk_costs_lines_and_the_next_ones_come_through(tmp_path, monkeypatch) -> None:
    file = RotatedFile(tmp_path, "fetcher-0")
    file.write([b"one\n"])
    real, room = os.write, [2]

    def full(fd: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "no space left")
        room[0] -= 1
        return real(fd, bytes(data)[:1])

    monkeypatch.setattr(os, "write", full)
    file.write([b"two\n", b"three\n"])
    monkeypatch.setattr(os, "write", real)
    file.write([b"four\n"])
    file.close()

    assert file.lost == 2
    assert (tmp_path / "fetcher-0.jsonl").read_bytes() == b"one\ntw\nfour\n"


def test_a_folder_that_cannot_be_made_costs_lines_only(tmp_path, null) -> None:
    (tmp_path / "logs").write_text("a file")
    log = Telemetry("fetcher", fd=null, directory=tmp_path / "logs")
    log.event("feed.change", what="x")
    log.close()
    assert log.lost == 1
