"""Logs are read from wherever they lie, in the order of time, and no file breaks the reading."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import orjson
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from newsmill.errors import Misconfigured
from newsmill.ops import read
from newsmill.ops.lines import parse
from newsmill.ops.merge import merged
from newsmill.ops.read import Logs
from newsmill.ops.summary import summarise
from unit.ops.journal import Journal


def at(second: int, name: str = "") -> bytes:
    return f'{{"ts":"2026-03-01T08:00:{second:02d}.000Z","name":"{name}"}}'.encode()


def put(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def test_files_are_merged_by_time(tmp_path) -> None:
    put(tmp_path / "a-0.jsonl", at(1), at(4), at(5))
    put(tmp_path / "b-0.jsonl", at(2), at(3), at(6))

    assert list(Logs([tmp_path])) == [at(second) for second in range(1, 7)]


def test_rotated_and_packed_parts_are_one_file_oldest_first(tmp_path) -> None:
    put(tmp_path / "a-0.jsonl", at(4))
    put(tmp_path / "a-0.jsonl.1", at(3))
    (tmp_path / "a-0.jsonl.2.gz").write_bytes(gzip.compress(at(2) + b"\n"))
    (tmp_path / "a-0.jsonl.10.zst").write_bytes(zstandard.compress(at(1) + b"\n"))
    put(tmp_path / "notes.txt", b"not a log")

    assert list(Logs([tmp_path])) == [at(second) for second in range(1, 5)]


def test_a_folder_of_lanes_stands_for_the_logs_of_all(tmp_path) -> None:
    for second, lane in enumerate(("check", "weekly"), 1):
        (tmp_path / lane).mkdir()
        put(tmp_path / lane / "a-0.jsonl", at(second))

    assert list(Logs([tmp_path])) == [at(1), at(2)]

    put(tmp_path / "a-0.jsonl", at(3))
    assert list(Logs([tmp_path])) == [at(3)]


def test_a_file_keeps_its_order_when_its_clock_goes_back(tmp_path) -> None:
    put(tmp_path / "a.jsonl", at(5), at(2), at(7))
    put(tmp_path / "b.jsonl", at(4), at(6))

    assert list(Logs([tmp_path])) == [at(4), at(5), at(2), at(6), at(7)]


def test_logs_can_be_gone_through_again(tmp_path) -> None:
    logs = Logs([put(tmp_path / "a.jsonl", at(1), at(2))])
    assert list(logs) == list(logs)


def test_a_file_that_grows_is_read_as_far_as_it_was(tmp_path) -> None:
    path = put(tmp_path / "a.jsonl", at(1))
    lines = iter(Logs([path]))
    with path.open("ab") as file:
        file.write(at(2) + b"\n")
    assert list(lines) == [at(1)]


def test_a_rotation_after_the_start_hides_nothing(tmp_path) -> None:
    path = put(tmp_path / "a.jsonl", at(1))
    other = put(tmp_path / "b.jsonl", at(2))
    lines = iter(Logs([path, other]))
    path.rename(tmp_path / "a.jsonl.1")
    put(path, at(3))
    assert list(lines) == [at(1), at(2)]


def test_a_packed_file_that_is_cut_gives_what_it_has_and_is_named(tmp_path) -> None:
    lines = [at(n % 60, str(n * n)) for n in range(5000)]
    whole = gzip.compress(b"\n".join(lines) + b"\n")
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(whole[: len(whole) // 2])

    logs = Logs([path])
    found = list(logs)

    assert found[:1000] == lines[:1000]
    assert "a.jsonl.gz" in logs.problems[0]
    assert summarise(logs).problems


def test_a_frame_that_is_cut_is_named(tmp_path) -> None:
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(zstandard.compress(at(1) + b"\n") + zstandard.compress(at(2) * 999)[:-9])

    logs = Logs([path])

    assert next(iter(list(logs))) == at(1)
    assert "cut" in logs.problems[0]


def test_what_is_no_packed_file_is_named_and_the_rest_is_read(tmp_path) -> None:
    (tmp_path / "a.jsonl.zst").write_bytes(b"nonsense")
    put(tmp_path / "b.jsonl", at(1))
    logs = Logs([tmp_path])
    assert list(logs) == [at(1)]
    assert len(logs.problems) == 1


def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(read, "BLOCK", 1000)
    monkeypatch.setattr(read, "MAX_LINE", 5000)
    (tmp_path / "a.jsonl").write_bytes(b"x" * 100_000 + b"\n" + at(1))

    found = list(Logs([tmp_path]))

    assert found[-1] == at(1)
    assert max(map(len, found)) <= 6000


def test_standard_input_is_read_for_a_dash_and_for_nothing(monkeypatch) -> None:
    for paths in (["-"], []):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(at(1) + b"\n" + at(2))))
        logs = Logs(paths)
        assert logs.once
        assert list(logs) == [at(1), at(2)]


def test_a_path_that_is_not_there_or_a_folder_without_logs_is_said(tmp_path) -> None:
    with pytest.raises(Misconfigured, match=r"nowhere.*no such"):
        Logs([tmp_path / "nowhere"])
    with pytest.raises(Misconfigured, match="no log files"):
        Logs([tmp_path])


def test_torn_foreign_and_wrapped_lines_are_told_apart() -> None:
    journal = Journal()
    worker = journal.process("extractor")
    worker.say("partition.assigned", positions={"pages/0": 0})
    start, assigned = journal.lines
    lines = [
        b"extractor-1  | " + start,
        b'{"ts":"2026-03-01T08:00:01.000Z","lev' + assigned,
        assigned[:40],
        b"Traceback (most recent call last):",
        b'{"ts":"2026-03-01T08:00:00Z","level":"info","msg":"another program"}',
        b'{"ts":1,"event":[]}',
        b"\xff\xfe\x00",
        b"",
    ]

    summary = summarise(lines)

    assert (summary.lines, summary.foreign) == (2, 5)


@given(st.lists(st.lists(st.tuples(st.integers(0, 59), st.booleans()), max_size=8), max_size=5))
def test_merging_loses_nothing_and_keeps_the_order_of_each_stream(streams) -> None:
    made = [
        [
            b"torn" if is_torn else at(second, f"{s}.{n}")
            for n, (second, is_torn) in enumerate(stream)
        ]
        for s, stream in enumerate(streams)
    ]

    found = list(merged([iter(stream) for stream in made]))

    assert sorted(found) == sorted(line for stream in made for line in stream)
    for number, stream in enumerate(made):
        mine = [line for line in found if f'"name":"{number}.'.encode() in line]
        assert mine == [line for line in stream if line != b"torn"]


@given(st.lists(st.lists(st.integers(0, 59)).map(sorted), min_size=1, max_size=5))
def test_merging_ordered_streams_gives_one_ordered_stream(streams) -> None:
    found = list(merged([iter([at(second) for second in stream]) for stream in streams]))
    assert found == sorted(found)


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 59), st.sampled_from(["ours", "torn", "pod", "docker"]))),
        max_size=4,
    )
)
def test_many_lines_at_a_time_are_the_same_lines_as_one_by_one(tmp_path_factory, files) -> None:
    folder = tmp_path_factory.mktemp("logs")
    for number, lines in enumerate(files):
        put(folder / f"a-{number}.jsonl", *(written(second, how) for second, how in lines))
    if not files:
        return
    logs = Logs([folder])

    at_once = [line for batch in logs.batches() for line in batch]
    one_by_one = [line for raw in logs if (line := parse(raw)) is not None]

    assert sorted(at_once, key=str) == sorted(one_by_one, key=str)
    assert logs.foreign == sum(how == "torn" for lines in files for _, how in lines)
    times = [line.ts for line in at_once]
    if all(lines == sorted(lines, key=lambda each: each[0]) for lines in files):
        assert times == sorted(times)


def written(second: int, how: str) -> bytes:
    line = {
        "ts": f"2026-03-01T08:00:{second:02d}.000Z", "level": "info", "event": "record",
        "service": "extractor", "run": "r", "seq": second,
    }  # fmt: skip
    raw = orjson.dumps(line)
    if how == "torn":
        return raw[: second + 5]
    if how == "pod":
        return b"[pod/extractor-0] 2026-03-01T08:00:01Z stderr F " + raw
    return (
        orjson.dumps({"log": raw.decode() + "\n", "stream": "stderr"}) if how == "docker" else raw
    )


def test_a_part_that_ends_in_the_middle_of_a_line_does_not_spoil_the_next(tmp_path) -> None:
    (tmp_path / "a.jsonl.1").write_bytes(written(1, "ours") + b"\n" + written(2, "ours")[:40])
    put(tmp_path / "a.jsonl", written(3, "ours"))
    logs = Logs([tmp_path])

    assert [line.seq for batch in logs.batches() for line in batch] == [1, 3]
    assert logs.foreign == 1
