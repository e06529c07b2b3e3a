"""The oracles of the real load see what they are for, and nothing where nothing is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chaos.load import WRONG
from chaos.pages import ROUND, offer, output
from chaos.real import Real
from chaos.run import is_exact
from chaos.strays import through_bus
from chaos.tags import HEADER, TaggedBus
from newsmill import bus
from newsmill.archiver.core.fold import row_of
from newsmill.archiver.sqlite import SqliteStore
from newsmill.bus.base import Bus, Fenced, Mark, Output, Place, Record
from newsmill.enricher.worker import enrich
from newsmill.errors import BadRecord
from newsmill.extractor.child import handle
from newsmill.process.steps import rejected
from newsmill.records import Article, decode
from newsmill.topics import ARTICLES, ENRICHED, PAGES

Spoil = Callable[[list[Output]], list[Output]]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Bus]:
    opened = bus.connect(f"file:{tmp_path / 'bus'}", "live")
    opened.create()
    (tmp_path / "refused").mkdir()
    yield opened
    opened.close()


def carry(log: Bus, folder: Path, spoil: Spoil = lambda outputs: outputs) -> None:
    """A round of pages through every stage, by the workers' own functions, in one process."""
    member = TaggedBus(log, folder / "refused" / "carrier").join("carrier", [])
    log.join("feeder", []).commit([output(offer(n)) for n in range(ROUND)], [], {})
    articles = [made for record in read(log, PAGES) for made in extracted(record)]
    member.commit(articles, [], {})
    enriched: list[Output] = []
    last: dict[str, str] = {}
    for record in read(log, ARTICLES):
        article = decode(Article, record.value)
        if last.get(article.page_id) == article.revision:
            continue
        last[article.page_id] = article.revision
        value, _ = enrich(record.value or b"", article)
        enriched.append(
            Output(topic=ENRICHED, key=article.id.encode(), routing=article.id, value=value)
        )
    member.commit(spoil(enriched), [], {})
    rows = [row_of(each.value or b"") for each in enriched]
    with SqliteStore(folder / "stores" / "live.db") as store:
        store.write(rows, log.identity, {}, {Place("enriched", 0): len(rows)})


def extracted(record: Record) -> list[Output]:
    header = record.header("page")
    try:
        if header is None:
            raise BadRecord("decode", "no page header")
        value, _ = handle([header, record.value or b""])
    except BadRecord as error:
        return list(rejected(record, "extractor", error).outputs)
    return [Output(topic=ARTICLES, key=record.key, partition=record.partition, value=value)]


def read(log: Bus, topic) -> list[Record]:
    return [record for place in range(topic.partitions) for record in log.scan(topic, place)]


def wrong(log: Bus, folder: Path) -> list[str]:
    told = Real({"sqlite": "sqlite"}).verdict(log, ROUND, folder)
    return [name for name in WRONG if told[name]]


def test_a_round_that_went_well_is_exact(log, tmp_path):
    carry(log, tmp_path)
    told = Real({"sqlite": "sqlite"}).verdict(log, ROUND, tmp_path)
    assert not [name for name in WRONG if told[name]]
    assert (told["in"], told["out"], told["dead"]) == (99, 98, 1)
    assert told["stores"]["sqlite"] == {"pages": 96, "articles": 95, "wrong": 0}


def another_time(one: Output) -> Output:
    return replace(one, value=(one.value or b"").replace(b"2026", b"2027"))


@pytest.mark.parametrize(
    ("spoil", "red"),
    [
        pytest.param(lambda made: made[1:], ["lost"], id="lost"),
        pytest.param(lambda made: [*made, made[-1]], ["duplicate"], id="twice"),
        pytest.param(
            lambda made: [another_time(made[0]), *made[1:]],
            ["lost", "unknown"],
            id="another",
        ),
    ],
)
def test_what_is_wrong_with_a_topic_is_seen(log, tmp_path, spoil, red):
    carry(log, tmp_path, spoil)
    assert [name for name in wrong(log, tmp_path) if name != "out_of_order"] == red


def test_another_order_is_seen(log, tmp_path):
    carry(log, tmp_path, lambda made: made[::-1])
    assert wrong(log, tmp_path) == ["out_of_order"]


def test_a_part_of_an_attempt_is_seen(log, tmp_path):
    carry(log, tmp_path)
    member = log.join("torn", [])
    stray = Output(topic=ARTICLES, key=b"", value=b"x", headers=((HEADER, b"t-1/2"),), partition=0)
    member.commit([stray], [], {})
    assert "aborted_visible" in wrong(log, tmp_path)


def test_an_attempt_that_was_refused_and_is_there_is_seen(log, tmp_path):
    carry(log, tmp_path)
    visible = next(v for name, v in read(log, ENRICHED)[0].headers if name == HEADER)
    (tmp_path / "refused" / "carrier").write_bytes(visible)
    assert wrong(log, tmp_path) == ["aborted_visible"]


def test_a_row_that_is_not_the_newest_is_seen(log, tmp_path):
    carry(log, tmp_path)
    with SqliteStore(tmp_path / "stores" / "live.db") as store:
        later = (read(log, ENRICHED)[0].value or b"").replace(b"2026-01-01", b"2027-01-01")
        at = Place("enriched", 0)
        store.write([row_of(later)], log.identity, store.positions(log.identity), {at: 10**6})
    told = Real({"sqlite": "sqlite"}).verdict(log, ROUND, tmp_path)
    assert told["stores"]["sqlite"]["wrong"]


def test_a_stray_without_its_dead_letter_is_lost(log, tmp_path):
    carry(log, tmp_path)
    through_bus(log, 3)
    assert wrong(log, tmp_path) == ["lost"]


def test_what_a_member_was_refused_is_written_down(log, tmp_path):
    marks = tmp_path / "refused" / "zombie"
    zombie = TaggedBus(log, marks).join("extractor", [PAGES], slot=0)
    zombie.poll(0.1)
    log.join("extractor", [PAGES], slot=0)
    at = Place("pages", 0)
    with pytest.raises(Fenced):
        zombie.commit([], [], {at: Mark(0, zombie.assignment.get(at, Mark(0, 1)).epoch)})
    assert marks.read_text().strip().endswith("/0")


def test_a_run_with_too_few_faults_proves_nothing():
    figures = dict.fromkeys((*WRONG, "in", "out", "dead", "waiting", "hanging_s"), 0)
    figures |= {"positions_back": 0, "balance_exit": 0, "watched": True, "seconds": 60.0}
    assert is_exact(figures | {"faults": {"kill": 3, "pause": 2, "cut": 1}})
    assert not is_exact(figures | {"faults": {"kill": 3, "pause": 2}})
    assert not is_exact(figures | {"faults": {"kill": 2, "pause": 1, "cut": 1}})
