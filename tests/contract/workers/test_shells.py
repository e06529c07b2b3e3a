"""The shells of the workers on a real bus: what they remember, and what they must not do twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from contract.loops.driving import Loop, Refusing, connect, everything, publish, waiting
from contract.workers.test_supervisor import article
from newsmill.archiver.sqlite import SqliteStore
from newsmill.archiver.worker import Archiving
from newsmill.bus.base import Bus, BusFull, Change, Output, Place, Record
from newsmill.cli import forget
from newsmill.enricher.worker import Enriching
from newsmill.errors import BadRecord, TryLater
from newsmill.fetcher.core.frontier import restored
from newsmill.fetcher.worker import Fetcher
from newsmill.newsroom import FEEDS as SAMPLE_FEEDS
from newsmill.newsroom import Newsroom
from newsmill.process.denied import Following
from newsmill.process.settings import Settings
from newsmill.process.tend import STEP_KEY
from newsmill.process.tender import Finished
from newsmill.producer.worker import Producer
from newsmill.records import Denial, Entry, Feed, encode
from newsmill.topics import ARTICLES, DEAD, ENRICHED, ENTRIES, FEEDS, FEEDS_STATE, FRONTIER, PAGES
from newsmill.urls import domain_of, identity
from running import wait_for


def articles(opened: Bus, numbers: Iterable[int]) -> None:
    publish(opened, ARTICLES, [article(number) for number in numbers], routing="one page")


# -- enricher


def test_the_enricher_drops_a_re_fetch_that_changed_nothing_whoever_saw_the_first(
    tmp_path: Path,
) -> None:
    with connect(tmp_path) as opened:
        for name in ("one", "two"):
            articles(opened, range(20))
            loop = Loop(tmp_path, name)
            with loop.drain(Enriching(loop.log), group="enricher", topic=ARTICLES):
                wait_for(lambda: not waiting(opened, "enricher"))
        outcomes = Counter(line["outcome"] for line in loop.lines("record"))
        assert outcomes == {"duplicate": 20}
        assert len(everything(opened, ENRICHED)) == 20


def test_what_the_enricher_remembers_survives_a_step_that_was_put_off(tmp_path: Path) -> None:
    with connect(tmp_path) as opened:
        articles(opened, [*range(10), *range(10)])
        loop = Loop(tmp_path, "one")
        full = BusFull("cap")
        with loop.drain(
            Enriching(loop.log), group="enricher", topic=ARTICLES, wrap=lambda m: Refusing(m, full)
        ):
            wait_for(lambda: not waiting(opened, "enricher"))
        assert len(everything(opened, ENRICHED)) == 10
        assert not everything(opened, DEAD)


def test_an_article_too_large_with_its_annotations_does_not_count_as_seen(tmp_path: Path) -> None:
    with connect(tmp_path) as opened:
        loop = Loop(tmp_path, "one")
        enriching = Enriching(loop.log)
        with loop:
            member = loop.bus.join("enricher", [ARTICLES])
            member.poll(0.0)
            enriching.assigned(Place("articles", 0), member)
            fields = orjson.loads(article(1)) | {"unknown": "x" * ENRICHED.max_bytes}
            record = Record("articles", 0, 0, 1, b"k", orjson.dumps(fields), (), 0)
            for _ in range(2):
                with pytest.raises(BadRecord, match="record_too_large"):
                    enriching.step(record)
        assert opened


# -- archiver


def test_a_store_that_was_lost_is_filled_again_from_the_log(tmp_path: Path) -> None:
    with connect(tmp_path) as opened:
        publish(opened, ENRICHED, [article(number) for number in range(60)])
        for name in ("first.db", "second.db"):
            loop = Loop(tmp_path, name)
            store = SqliteStore(tmp_path / name)
            archiving = Archiving(store, opened.identity, loop.log)
            with loop.drain(archiving, group="archiver.sqlite", topic=ENRICHED):
                wait_for(lambda loop=loop: len(loop.lines("record")) >= 60)
                wait_for(lambda: not waiting(opened, "archiver.sqlite"))
            assert loop.error is None
            seen = [(line["partition"], line["offset"]) for line in loop.lines("record")]
            assert len(seen) == len(set(seen)) == 60
            again = SqliteStore(tmp_path / name)
            assert sum(again.positions(opened.identity).values()) == 60
            again.close()


# -- fetcher


class Told:
    """Entries of a small site on loopback, as the fetcher's settings reach it."""

    def __init__(self, newsroom: Newsroom, data: Path) -> None:
        self.settings = Settings(
            data=data, resolve=tuple(newsroom.resolve), spacing_s=0.0, heartbeat_s=0.2,
            min_interval_s=0.5, first_poll_days=0.0, once=True,
        )  # fmt: skip


@pytest.fixture(scope="module")
def newsroom() -> Any:
    with Newsroom() as newsroom:
        yield newsroom


def entry(url: str, title: str = "", version: int = 1) -> bytes:
    return encode(Entry(v=version, url=url, page_id=identity(url), title=title))


def entries(opened: Bus, values: Iterable[bytes]) -> None:
    member = opened.join("publisher", [])
    outputs = []
    for value in values:
        url = orjson.loads(value)["url"]
        key = identity(url).encode()
        outputs.append(Output(topic=ENTRIES, key=key, value=value, routing=domain_of(url)))
    member.commit(outputs, [], {})
    member.leave()


def frontier(opened: Bus) -> list[tuple[bytes, bytes]]:
    return [(key, value) for key, value in opened.read_state(FRONTIER) if key != STEP_KEY]


def test_every_entry_of_the_fetcher_has_one_outcome(tmp_path: Path, newsroom: Newsroom) -> None:
    told = Told(newsroom, tmp_path)
    host = "http://www.harbour-ledger.example"
    values = [entry(f"{host}/robots.txt"), entry(f"{host}/no-such-page"), b"not json"]
    with connect(tmp_path) as opened:
        publish(opened, ENTRIES, values[2:])
        entries(opened, [*values[:2], *values[:2]])
        loop = Loop(tmp_path, "one")
        with loop.tend(Fetcher(told.settings, loop.log), ENTRIES):
            wait_for(lambda: not waiting(opened, "fetcher") and not frontier(opened))
        assert loop.error is None
        offsets = Counter((x["partition"], x["offset"]) for x in loop.lines("record"))
        assert len(offsets) == 5
        assert set(offsets.values()) == {1}
        assert sum(line.get("taken", 0) for line in loop.lines("step.commit")) == 5
        assert len(everything(opened, PAGES)) in (1, 2)


def test_a_newer_entry_of_a_page_in_flight_waits_in_the_state_beside_the_older(
    tmp_path: Path,
) -> None:
    url = "http://127.0.0.1:9/page"
    with connect(tmp_path), Loop(tmp_path, "one") as loop:
        fetcher = Fetcher(Settings(data=tmp_path, allow_private=True), loop.log)
        place = Place("entries", 0)
        fetcher.assigned(place, [])
        records = [
            Record("entries", 0, n, n + 1, b"k", entry(url, f"title {n}"), (), 0) for n in range(3)
        ]
        first = fetcher.intake(records[0])
        fetcher.start_due()
        second = fetcher.intake(records[1])
        third = fetcher.intake(records[2])
        assert first is not None
        assert second is not None
        assert third is not None
        assert (second.outcome, third.outcome) == ("published", "duplicate")
        change = second.state[0]
        assert isinstance(change, Change)
        older, _ = restored(0, change.key, change.value or b"")
        assert older.offset == 0
        assert older.newer is not None
        assert older.newer.offset == 1
        with pytest.raises(TryLater):
            fetcher.intake(Record("entries", 0, 9, 10, b"k", entry(url, version=2), (), 0))
        fetcher.close()


def test_pages_that_wait_for_room_in_the_log_are_bounded_in_bytes(
    tmp_path: Path, newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsmill.fetcher.worker.MOST_WAITING_BYTES", 1)
    told = Told(newsroom, tmp_path)
    hosts = ("www.harbour-ledger.example", "www.slow-press.example")
    with connect(tmp_path), Loop(tmp_path, "one") as loop:
        fetcher = Fetcher(told.settings, loop.log)
        fetcher.assigned(Place("entries", 0), [])
        for number, host in enumerate(hosts):
            value = entry(f"http://{host}/")
            fetcher.intake(Record("entries", 0, number, number + 1, b"k", value, (), 0))
            fetcher.start_due()
            if not number:
                ended: list[Any] = []
                wait_for(lambda ended=ended: ended.extend(fetcher.done(0.05)) or ended)
                assert ended[0].results[0].outputs
        assert fetcher.in_flight == 1, "the second is not asked for while the first waits"
        fetcher.committed(ended[0])
        fetcher.start_due()
        assert fetcher.in_flight == 1
        fetcher.close()


# -- producer


def test_the_producer_polls_the_sample_feeds_and_passes_a_feed_that_it_cannot_read(
    tmp_path: Path, newsroom: Newsroom
) -> None:
    told = Told(newsroom, tmp_path)
    with connect(tmp_path) as opened:
        feeds = [Feed(url=url) for url in SAMPLE_FEEDS]
        member = opened.join("publisher", [])
        outputs = [Output(topic=FEEDS, key=feed.url.encode(), value=encode(feed)) for feed in feeds]
        future = Output(topic=FEEDS, key=b"http://future.example/", value=b'{"v":2,"url":"x"}')
        member.commit([future, *outputs], [], {})
        member.leave()
        loop = Loop(tmp_path, "one")
        producer = Producer(told.settings, loop.bus.follow(FEEDS), loop.log)
        with loop.tend(producer, FEEDS_STATE, group="producer"):
            wait_for(
                lambda: (
                    (beats := loop.lines("worker.heartbeat"))
                    and beats[-1].get("idle")
                    and beats[-1].get("polled", 0) >= len(feeds)
                )
            )
            found = len(everything(opened, ENTRIES))
            again = len(loop.lines("step.commit"))
            time.sleep(0.2)
        assert loop.error is None
        assert found > 20
        assert again
        unreadable = [x for x in loop.lines("feed.change") if x["what"] == "unreadable"]
        assert [line["feed"] for line in unreadable] == ["http://future.example/"]
        keys = Counter(record.key for record in everything(opened, ENTRIES))
        versions = Counter(record.value for record in everything(opened, ENTRIES))
        assert max(versions.values()) == 1, "the same entry is published once"
        assert keys


def test_a_feed_that_moved_away_and_back_is_polled_once_a_moment(tmp_path: Path) -> None:
    with connect(tmp_path), Loop(tmp_path, "one") as loop:
        settings = Settings(data=tmp_path, allow_private=True, contact="me@site.example")
        producer = Producer(settings, loop.bus.follow(FEEDS), loop.log)
        url = "http://127.0.0.1:9/feed"
        producer._wanted[url] = Feed(url=url)
        place = Place("feeds.state", 0)
        numbers = range(FEEDS_STATE.partitions)
        for _ in range(3):
            for number in numbers:
                producer.assigned(place._replace(partition=number), [])
            for number in numbers:
                producer.lost(place._replace(partition=number))
        for number in numbers:
            producer.assigned(place._replace(partition=number), [])
        producer.start_due()
        assert producer.in_flight == 1
        producer.close()


def test_a_feed_that_is_put_to_rest_says_so_once(tmp_path: Path) -> None:
    with connect(tmp_path) as opened, Loop(tmp_path, "one") as loop:
        settings = Settings(data=tmp_path, allow_private=True, contact="me@site.example")
        producer = Producer(settings, loop.bus.follow(FEEDS), loop.log)
        url = "http://127.0.0.1:9/feed"
        for number in range(FEEDS_STATE.partitions):
            producer.assigned(Place("feeds.state", number), [])
        member = opened.join("publisher", [])
        for paused in (False, True, True):
            value = encode(Feed(url=url, paused=paused))
            member.commit([Output(topic=FEEDS, key=url.encode(), value=value)], [], {})
            producer._followed = 0.0
            producer.start_due()
        member.leave()
        producer.close()
        loop.log.flush()
        assert [x["feed"] for x in loop.lines("feed.change") if x["what"] == "rests"] == [url]


def test_a_wall_clock_that_jumped_delays_no_feed_past_its_longest_interval(tmp_path: Path) -> None:
    from newsmill.producer.core import FeedState, encode_state

    with connect(tmp_path), Loop(tmp_path, "one") as loop:
        settings = Settings(data=tmp_path, allow_private=True, contact="me@site.example")
        producer = Producer(settings, loop.bus.follow(FEEDS), loop.log)
        url = "http://127.0.0.1:9/feed"
        producer._wanted[url] = Feed(url=url)
        state = FeedState(url=url, next_due=time.time() + 400 * 86400)
        for number in range(FEEDS_STATE.partitions):
            producer.assigned(Place("feeds.state", number), [(url.encode(), encode_state(state))])
        assert producer._polled[url].due - time.monotonic() <= 86_400
        producer.close()


# -- takedowns


def deny(opened: Bus, *keys: str) -> None:
    at = "2026-11-24T12:00:00Z"
    forget.publish(opened, [Denial(key=key, at=at, reason="asked for") for key in keys])


def test_an_archiver_at_work_takes_down_what_is_denied_and_takes_none_of_it_again(
    tmp_path: Path,
) -> None:
    values = [article(number) for number in range(20)]
    gone = orjson.loads(values[3])["id"]
    with connect(tmp_path) as opened:
        publish(opened, ENRICHED, values)
        loop = Loop(tmp_path, "one")
        following = Following(loop.bus, Settings(data=tmp_path))
        store = SqliteStore(tmp_path / "store.db")
        archiving = Archiving(store, opened.identity, loop.log, following=following)
        loop.life.on_turn = archiving.follow
        with loop.drain(archiving, group="archiver.sqlite", topic=ENRICHED):
            wait_for(lambda: not waiting(opened, "archiver.sqlite"))
            with SqliteStore(tmp_path / "store.db", readonly=True) as read:
                assert read.count() == 20
                deny(opened, gone)
                wait_for(lambda: read.count() == 19)  # while nothing comes in
                publish(opened, ENRICHED, values)
                wait_for(lambda: not waiting(opened, "archiver.sqlite"))
                assert read.count() == 19
                assert read.find(gone) is None
                assert read.denial(gone) is not None
        assert loop.error is None
        assert loop.lines("store.forgot")[0]["records"] == 1
        refused = [x for x in loop.lines("record") if x["outcome"] == "refused"]
        assert [x["reason"] for x in refused] == ["denied"]
        assert "asked for" in refused[0]["detail"]


def test_a_fetcher_turns_away_what_is_denied_and_what_waits_already(
    tmp_path: Path, newsroom: Newsroom
) -> None:
    told = Told(newsroom, tmp_path)
    waits = "http://www.harbour-ledger.example/2026/09/09/library-roof/"
    before = "http://tidewire.example/story/grain-index-0910"
    fine = "http://www.harbour-ledger.example/2026/09/11/market-hall-stalls/"
    with connect(tmp_path) as opened:
        deny(opened, "tidewire.example")
        entries(opened, [entry(url) for url in (waits, before, fine)])
        loop = Loop(tmp_path, "one")
        following = Following(loop.bus, told.settings)
        fetcher = Fetcher(told.settings, loop.log, following)
        fetcher.assigned(Place("entries", 0), [])
        following.fresh()
        for record in everything(opened, ENTRIES):
            fetcher.intake(replace(record, partition=0))
        following.denied.take([Record("denied", 0, 9, 10, identity(waits).encode(), b"", (), 0)])
        finished: list[Finished] = []

        def turn() -> bool:
            fetcher.start_due()
            finished.extend(fetcher.done(0.1))
            return len(finished) == 2

        wait_for(turn)
        outcomes = {
            result.facts["url"]: (result.outcome, result.reason)
            for one in finished
            for result in one.results
        }
        assert outcomes == {waits: ("refused", "denied"), fine: ("published", None)}
        fetcher.close()
        loop.stop()
