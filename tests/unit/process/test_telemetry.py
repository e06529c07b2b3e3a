"""A log call never raises, never blocks for ever, and writes nothing that it must not."""

from __future__ import annotations

import datetime
import os
import threading
import time
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsmill.process import sinks
from newsmill.process.telemetry import MAX_VALUE, Telemetry, clean, for_people

FORGERS = ["\n", "\r", "\x1b[31m", "\x9b", "\u2028", "\u202e", "\u2066", "\ufeff", "\x00", "\ud800"]


@pytest.fixture
def pipe():
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)
    os.close(writer)


def written(reader: int) -> list[dict]:
    os.set_blocking(reader, False)
    data = b""
    while True:
        try:
            block = os.read(reader, 1 << 16)
        except BlockingIOError:
            break
        if not block:
            break
        data += block
    return [orjson.loads(line) for line in data.splitlines()]


def lines_of(path: Path) -> list[dict]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_a_line_begins_with_time_level_and_event_and_carries_the_process(pipe) -> None:
    log = Telemetry("fetcher", lane="check", slot=3, fd=pipe[1])

    log.event("host.backoff", site="news.example", after_s=1.23456, status=503, why=None)

    (line,) = written(pipe[0])
    assert list(line)[:3] == ["ts", "level", "event"]
    assert datetime.datetime.fromisoformat(line["ts"]).tzinfo is datetime.UTC
    assert (line["service"], line["lane"], line["slot"], line["seq"]) == ("fetcher", "check", 3, 1)
    assert (line["level"], line["after_s"], line["status"]) == ("warning", 1.235, 503)
    assert "why" not in line


def test_added_lines_wait_for_a_flush_and_keep_their_order(pipe) -> None:
    log = Telemetry("extractor", fd=pipe[1])
    log.add("record", stage="extractor", outcome="published")
    assert written(pipe[0]) == []

    log.event("step.commit", records=1)

    assert [(line["event"], line["seq"]) for line in written(pipe[0])] == [
        ("record", 1), ("step.commit", 2),
    ]  # fmt: skip


def test_debug_lines_appear_only_while_debug_is_on_and_leave_no_gap(pipe) -> None:
    log = Telemetry("archiver", fd=pipe[1])
    for _ in range(3):
        log.event("store.commit", store="sqlite")
        log.toggle_debug()

    assert [line["seq"] for line in written(pipe[0])] == [1]


class Odd:
    """Something that cannot even be printed."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


class OddError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "value",
    [
        Odd(), OddError(), ValueError("bad\nthing"), b"\xff\x00", Path("/a\nb"), {1, 2}, 1 << 80,
        -(1 << 70), float("nan"), float("inf"), {"k\n": {"deep": {"er": {"and": {"so": "on"}}}}},
        {1: 2, None: 3, Odd(): 4}, ["a" * 9999] * 3, object, lambda: 0,
        datetime.datetime.now(datetime.UTC), "\ud800\udfff", True,
    ],
)  # fmt: skip
def test_odd_values_never_raise_and_stay_one_line(pipe, value) -> None:
    log = Telemetry("extractor", fd=pipe[1])

    log.event("feed.change", detail=value, what="x")

    (line,) = written(pipe[0])
    assert line["what"] == "x"


def test_a_value_that_holds_itself_ends(pipe) -> None:
    ring: list = []
    ring.append(ring)
    Telemetry("extractor", fd=pipe[1]).event("feed.change", detail=ring)
    assert len(written(pipe[0])) == 1


def test_a_fact_cannot_take_the_place_of_what_names_the_process(pipe) -> None:
    log = Telemetry("extractor", fd=pipe[1])
    log.event("record", stage="extractor", outcome="dead", service="producer", seq=99, run="x")

    (line,) = written(pipe[0])
    assert (line["service"], line["seq"], line["run"]) == ("extractor", 1, log.run)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=2000) | st.lists(st.sampled_from([*FORGERS, "a", "://", "@"])).map("".join))
def test_no_string_forges_a_line_a_colour_or_a_direction(value: str) -> None:
    found = clean(value)
    assert found.isprintable() or not any(forger in found for forger in FORGERS)
    assert "\n" not in found
    assert "\x1b" not in found
    assert len(found) <= MAX_VALUE * 6 + 20
    found.encode()


def test_what_a_person_reads_cannot_be_forged_either(pipe) -> None:
    log = Telemetry("extractor", fd=pipe[1], human=True)

    log.event("feed.change", detail='x\x1b[2J\n08:00:00 fetcher all is well" level=info')

    text = os.read(pipe[0], 9999)
    assert text.count(b"\n") == 1
    assert text.count(b"\x1b") == 2  # its own colour, on and off
    assert b'detail="' in text


def test_a_line_of_another_program_is_shown_as_it_is() -> None:
    assert for_people(b"not json\n") == b"not json\n"
    assert for_people(b"[1]\n") == b"[1]\n"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@news.example/a", "https://***@news.example/a"),
        ("https://u:p@ss@news.example/a", "https://***@news.example/a"),
        ("https://news.example/?api_key=abc&b=1", "https://news.example/?api_key=***&b=1"),
        ("https://news.example/#access_token=abc", "https://news.example/#access_token=***"),
        ("https://news.example/a?X-Amz-Signature=abc;x=1", "https://news.example/a?X-Amz-Signature=***;x=1"),
        ("PASSWORD=abc and more", "PASSWORD=*** and more"),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("got set-cookie: a=b; c", "got set-cookie: ***"),
        ("https://news.example/a?page=2&id=7", "https://news.example/a?page=2&id=7"),
        ("https://news.example/@author/story", "https://news.example/@author/story"),
    ],
)  # fmt: skip
def test_secrets_are_masked(url: str, shown: str) -> None:
    assert clean(url) == shown


def test_secrets_do_not_hide_behind_the_cap() -> None:
    far = "https://news.example/?" + "a" * 480 + "&token=" + "s3cret" * 400
    assert "s3cret" not in clean(far)
    assert "s3cret" not in clean("https://user:" + "s3cret" * 2000 + "@news.example/")
    assert clean("x" * 600).endswith("…+88")


def test_cleaning_is_quick_for_hostile_strings() -> None:
    started = time.perf_counter()
    for value in ("&key" * 50_000, "://" * 70_000, "a=" * 100_000, "token" * 40_000, "@" * 200_000):
        clean(value)
    assert time.perf_counter() - started < 1.0


def test_a_reader_that_stops_costs_lines_once_waits_once_and_is_told(pipe, monkeypatch) -> None:
    monkeypatch.setattr(sinks, "WRITE_DEADLINE_S", 0.2)
    log = Telemetry("extractor", fd=pipe[1])
    while not log.lost:
        log.event("feed.change", detail="x" * 500)
    started = time.monotonic()
    for _ in range(50):
        log.event("feed.change", detail="y" * 500)
    assert time.monotonic() - started < 0.2

    before = written(pipe[0])
    log.event("feed.change", detail="again")

    after = written(pipe[0])
    assert [line["event"] for line in after] == ["feed.change", "log.lost"]
    assert after[1]["lost"] == log.lost >= 51
    assert len(before) + log.lost + 2 == after[1]["seq"]


def test_a_line_longer_than_a_pipe_takes_at_once_is_ended_before_the_next(
    pipe, monkeypatch
) -> None:
    monkeypatch.setattr(sinks, "WRITE_DEADLINE_S", 0.05)
    log = Telemetry("extractor", fd=pipe[1])
    while not log.lost:
        log.event("step.commit", positions={f"pages/{n}": n for n in range(3000)})
    cut = os.read(pipe[0], 1 << 20)
    log.event("worker.stop", why="end")

    tail = cut + os.read(pipe[0], 1 << 20)
    assert [orjson.loads(line)["event"] for line in tail.splitlines()[-2:]] == [
        "worker.stop", "log.lost",
    ]  # fmt: skip


def test_a_reader_that_is_gone_or_a_descriptor_that_is_closed_stops_nobody(tmp_path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    log = Telemetry("extractor", fd=writer, directory=tmp_path)
    log.event("feed.change", what="x")
    os.close(writer)
    log.event("feed.change", what="y")
    log.close()

    assert log.lost == 2
    assert [line["what"] for line in lines_of(tmp_path / "extractor-0.jsonl")] == ["x", "y"]


def test_lines_of_threads_never_mix_and_are_numbered_without_a_gap(tmp_path) -> None:
    with Path(os.devnull).open("wb") as null:
        log = Telemetry("fetcher", fd=null.fileno(), directory=tmp_path)

        def speak() -> None:
            for _ in range(200):
                log.event("feed.change", what="x" * 400)

        threads = [threading.Thread(target=speak) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        log.close()

    assert [line["seq"] for line in lines_of(tmp_path / "fetcher-0.jsonl")] == list(range(1, 801))
