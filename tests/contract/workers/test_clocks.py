"""Wall clocks that jump forwards and back, or stand still: nothing stalls, nothing comes twice."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from contract.loops.driving import Loop, connect, copied, everything, publish, waiting
from contract.workers.test_shells import Told, frontier
from newsmill.bus.base import Output, Place, Record
from newsmill.errors import TryLater
from newsmill.fetcher.core.frontier import Item, stored
from newsmill.fetcher.worker import LONGEST_WAIT_S, Fetcher
from newsmill.newsroom import FEEDS as SAMPLE_FEEDS
from newsmill.newsroom import Newsroom
from newsmill.process.settings import Settings
from newsmill.process.steps import Result
from newsmill.process.work import Inline
from newsmill.producer.worker import Producer
from newsmill.records import Entry, Feed, encode
from newsmill.topics import ARTICLES, DEAD, ENTRIES, FEEDS, FEEDS_STATE, PAGES
from newsmill.urls import identity
from running import wait_for

YEAR_S = 365 * 86_400.0
NOW = time.time()
URL = "http://paper.example/story"


def _jumps(steps: Iterable[float]) -> Iterator[float]:
    return (NOW + offset for offset in steps)


CLOCKS = {
    "runs ahead": lambda: _jumps(itertools.count(0, 3600.0)),
    "goes back": lambda: _jumps(itertools.count(0, -3600.0)),
    "stands still": lambda: _jumps(itertools.repeat(0.0)),
    "leaps": lambda: _jumps(itertools.cycle((0.0, 10 * YEAR_S, -10 * YEAR_S))),
}


@pytest.fixture(params=list(CLOCKS), name="clock")
def _clock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wall clock that shows whoever looks, anywhere in this process, the next of its moments."""
    moments = CLOCKS[request.param]()
    monkeypatch.setattr(time, "time", lambda: next(moments))
    monkeypatch.setattr(time, "time_ns", lambda: int(next(moments) * 1e9))


@pytest.fixture(scope="module", name="newsroom")
def _newsroom() -> Iterator[Newsroom]:
    with Newsroom() as newsroom:
        yield newsroom


@pytest.mark.usefixtures("clock")
def test_feeds_are_polled_and_pages_fetched_whatever_the_clock_says(
    tmp_path: Path, newsroom: Newsroom
) -> None:
    told = Told(newsroom, tmp_path)
    with connect(tmp_path) as opened:
        feeds = [Feed(url=url) for url in SAMPLE_FEEDS[:3]]
        member = opened.join("publisher", [])
        member.commit(
            [Output(topic=FEEDS, key=feed.url.encode(), value=encode(feed)) for feed in feeds],
            [],
            {},
        )
        member.leave()
        one, other = Loop(tmp_path, "producer"), Loop(tmp_path, "fetcher")
        producer = Producer(told.settings, one.bus.follow(FEEDS), one.log)
        fetcher = Fetcher(told.settings, other.log)
        with (
            one.tend(producer, FEEDS_STATE, group="producer"),
            other.tend(fetcher, ENTRIES),
        ):
            wait_for(lambda: (one.lines("worker.heartbeat") or [{}])[-1].get("polled") == 3)
            wait_for(lambda: everything(opened, ENTRIES))
            wait_for(lambda: not waiting(opened, "fetcher") and not frontier(opened))
        assert (one.error, other.error) == (None, None)
        entries = Counter(record.value for record in everything(opened, ENTRIES))
        assert set(entries.values()) == {1}
        outcomes = Counter(line["outcome"] for line in other.lines("record"))
        assert len(everything(opened, PAGES)) == outcomes["published"] > 0
        assert not one.lines("partition.lost")


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("clock", ["leaps"], indirect=True)
def test_a_held_record_comes_again_in_time_and_membership_goes_on(tmp_path: Path) -> None:
    held: list[int] = []

    def step(record: Record) -> Result:
        if record.value == b"later" and len(held) < 3:
            held.append(1)
            raise TryLater("not yet", 0.3)
        return copied(record)

    with connect(tmp_path) as opened:
        publish(opened, PAGES, [b"later", *(b"%d" % number for number in range(30))])
        loop = Loop(tmp_path, "one")
        started = time.monotonic()
        with loop.drain(Inline("extractor", step)):
            wait_for(lambda: not waiting(opened, "extractor"))
            assert 0.9 <= time.monotonic() - started < 5
            time.sleep(1.5)  # longer than a lease
        assert loop.error is None
        assert len(everything(opened, ARTICLES)) == 31
        assert not everything(opened, DEAD)
        assert not loop.lines("partition.lost")


def test_a_page_that_was_to_wait_until_a_wrong_clock_said_so_waits_a_day_at_most(
    tmp_path: Path,
) -> None:
    with connect(tmp_path), Loop(tmp_path, "one") as loop:
        fetcher = Fetcher(Settings(data=tmp_path, allow_private=True), loop.log)
        item = Item(
            page_id=identity(URL), url=URL, domain="paper.example", partition=0, offset=3,
            entry=encode(Entry(url=URL, page_id=identity(URL))),
        )  # fmt: skip
        in_a_year = stored(item, NOW + YEAR_S)
        fetcher.assigned(Place("entries", 0), [(item.key, in_a_year)])
        waits = fetcher._frontier.get(item.key)
        assert waits is not None
        assert waits.due - time.monotonic() <= LONGEST_WAIT_S
        fetcher.close()
