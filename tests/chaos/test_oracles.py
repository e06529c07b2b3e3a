"""The oracles see what they are for: each fault in the data, made on purpose, turns them red."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from chaos.light import Light
from chaos.reader import Reader
from newsmill import bus
from newsmill.bus.base import Bus, Output
from newsmill.topics import ARTICLES, ENRICHED, PAGES, Topic


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Bus]:
    opened = bus.connect(f"file:{tmp_path / 'bus'}", "live")
    opened.create()
    yield opened
    opened.close()


def write(log: Bus, topic: Topic, rows: list[tuple[int, str, str]]) -> None:
    member = log.join("writer", [])
    outputs = [
        Output(
            topic=topic,
            key=b"%032d" % n,
            value=orjson.dumps({"n": n, "made": made, "of": of}),
            partition=0,
        )
        for n, made, of in rows
    ]
    member.commit(outputs, [], {})
    member.leave()


def three(log: Bus) -> None:
    write(log, PAGES, [(n, f"f{n}", "") for n in range(3)])
    write(log, ARTICLES, [(n, f"a{n}", f"f{n}") for n in range(3)])


def test_a_run_without_a_fault_is_exact(log):
    three(log)
    write(log, ENRICHED, [(n, f"e{n}", f"a{n}") for n in range(3)])
    told = Light().verdict(log, 3, Path())
    assert (told.pop("in"), told.pop("out")) == (3, 3)
    assert not any(told.values())


@pytest.mark.parametrize(
    ("rows", "red"),
    [
        pytest.param([(0, "e0", "a0"), (2, "e2", "a2")], "lost", id="lost"),
        pytest.param([(n, f"e{n}", f"a{n}") for n in (0, 1, 1, 2)], "duplicate", id="twice"),
        pytest.param(
            [(0, "e0", "a0"), (1, "e1", "undone"), (2, "e2", "a2")], "aborted_visible", id="undone"
        ),
        pytest.param([(n, f"e{n}", f"a{n}") for n in (1, 0, 2)], "out_of_order", id="order"),
        pytest.param([(n, f"e{n}", f"a{min(n, 2)}") for n in range(4)], "unknown", id="unknown"),
    ],
)
def test_each_fault_in_the_data_is_seen_and_no_other(log, rows, red):
    three(log)
    write(log, ENRICHED, rows)
    told = Light().verdict(log, 3, Path())
    names = ("lost", "duplicate", "aborted_visible", "out_of_order", "unknown")
    assert [name for name in names if told[name]] == [red]


def test_the_reader_beside_the_run_sees_what_did_not_stay(log, tmp_path):
    three(log)
    reader = Reader()
    for _ in range(ARTICLES.partitions):
        reader.look(log)
    assert (reader.seen, reader.differences(log)) == (3, 0)
    other = bus.connect(f"file:{tmp_path / 'other'}", "live")
    other.create()
    write(other, ARTICLES, [(n, f"a{n}", f"f{n}") for n in (0, 2, 1)])
    assert reader.differences(other) == 1
    other.close()
