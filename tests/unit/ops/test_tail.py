"""Following logs as they are written: rotation, cuts, files that come, and a stream."""

from __future__ import annotations

import os

import pytest

from newsmill.errors import Misconfigured
from newsmill.ops.tail import Tail


def test_lines_come_once_and_only_when_they_are_whole(tmp_path):
    log = tmp_path / "a.jsonl"
    log.write_bytes(b"one\ntw")
    tail = Tail([tmp_path])
    assert list(tail.lines()) == [b"one"]
    with log.open("ab") as file:
        file.write(b"o\nthree\n")
    assert list(tail.lines()) == [b"two", b"three"]
    assert list(tail.lines()) == []
    tail.close()


def test_a_rotated_file_is_read_to_its_end_and_its_successor_from_its_start(tmp_path):
    log = tmp_path / "a.jsonl"
    log.write_bytes(b"1\n")
    tail = Tail([tmp_path])
    assert list(tail.lines()) == [b"1"]
    with log.open("ab") as file:
        file.write(b"2\n")
    log.rename(tmp_path / "a.jsonl.1")
    log.write_bytes(b"3\n")
    assert list(tail.lines()) + list(tail.lines()) == [b"2", b"3"]
    tail.close()


def test_a_file_cut_short_is_begun_again(tmp_path):
    log = tmp_path / "a.log"
    log.write_bytes(b"1\n2\n")
    tail = Tail([log])
    assert list(tail.lines()) == [b"1", b"2"]
    log.write_bytes(b"3\n")
    assert [*tail.lines(), *tail.lines()] == [b"3"]
    tail.close()


def test_files_and_lanes_that_come_are_taken_up(tmp_path):
    tail = Tail([tmp_path])
    assert list(tail.lines()) == []
    (tmp_path / "lane").mkdir()
    (tmp_path / "lane" / "b.jsonl").write_bytes(b"x\n")
    (tmp_path / "notes.txt").write_bytes(b"not a log\n")
    assert list(tail.lines()) == [b"x"]
    tail.close()


def test_of_a_long_past_only_the_end_is_read_from_a_whole_line(tmp_path):
    log = tmp_path / "a.jsonl"
    log.write_bytes(b"".join(b"%06d\n" % number for number in range(1000)))
    tail = Tail([log], from_start_bytes=24)
    assert list(tail.lines()) == [b"000997", b"000998", b"000999"]
    tail.close()


def test_a_stream_is_read_as_far_as_it_came(tmp_path):
    reads, writes = os.pipe()
    tail = Tail([], reads)
    assert list(tail.lines()) == []
    os.write(writes, b"a\nb")
    assert list(tail.lines()) == [b"a"]
    os.write(writes, b"\n")
    os.close(writes)
    assert list(tail.lines()) == [b"b"]
    assert not tail.is_streaming
    os.close(reads)


def test_a_path_that_is_not_there_is_said(tmp_path):
    with pytest.raises(Misconfigured, match="no such file"):
        Tail([tmp_path / "nowhere"])
