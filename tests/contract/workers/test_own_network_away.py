"""Producer and fetcher while our own network is away: no poll, no attempt and no back-off lost."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from contract.loops.driving import Loop, connect, everything, waiting
from contract.workers.test_shells import entries, entry
from loopback import Web, article, feed
from newsmill.bus.base import Bus, Output
from newsmill.fetcher.core.frontier import restored
from newsmill.fetcher.worker import Fetcher
from newsmill.process.settings import Settings
from newsmill.process.tend import STEP_KEY
from newsmill.producer.core import decode_state
from newsmill.producer.worker import Producer
from newsmill.records import Feed, encode
from newsmill.topics import DEAD, ENTRIES, FEEDS, FEEDS_STATE, FRONTIER, PAGES
from newsmill.web import steady
from running import wait_for

SITES = [f"site{n}.example" for n in range(8)]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steady, "FIRST_PROBE_S", 0.2)
    monkeypatch.setattr(steady, "LONGEST_PROBE_S", 0.4)


def settings(web: Web, data: Path) -> Settings:
    return Settings(
        data=data, resolve=(web.resolve,), spacing_s=0.0, min_interval_s=0.3,
        first_poll_days=0.0, fetch_timeout_s=3.0, heartbeat_s=0.2,
    )  # fmt: skip


def count(loop: Loop, event: str) -> int:
    return len(loop.lines(event))


def test_the_fetcher_pauses_and_spends_no_attempt(tmp_path: Path) -> None:
    with Web(a=article("A"), b=article("B")) as web, connect(tmp_path) as opened:
        loop = Loop(tmp_path, "fetcher")
        with loop.tend(Fetcher(settings(web, tmp_path), loop.log), ENTRIES):
            entries(opened, [entry(f"http://{site}/a") for site in SITES])
            wait_for(lambda: len(everything(opened, PAGES)) == len(SITES))
            web.stop()
            entries(opened, [entry(f"http://{site}/b") for site in SITES])
            wait_for(lambda: count(loop, "network.down"))
            wait_for(lambda: any(beat["held"] for beat in loop.lines("worker.heartbeat")))
            time.sleep(1.5)
            found = [
                restored(0, key, value)[0]
                for key, value in opened.read_state(FRONTIER)
                if key != STEP_KEY
            ]
            assert [item.attempts for item in found] == [0] * len(SITES)
            assert not loop.lines("host.backoff")
            web.start()
            wait_for(lambda: len(everything(opened, PAGES)) == 2 * len(SITES), 15)
        assert loop.error is None
        outcomes = [line["outcome"] for line in loop.lines("record")]
        assert outcomes == ["published"] * 2 * len(SITES)
        assert (count(loop, "network.down"), count(loop, "network.up")) == (1, 1)
        assert not everything(opened, DEAD)
        assert not waiting(opened, "fetcher")


def follow(opened: Bus, urls: list[str]) -> None:
    member = opened.join("publisher", [])
    values = [(url.encode(), encode(Feed(url=url, interval_s=1))) for url in urls]
    member.commit([Output(topic=FEEDS, key=k, value=v) for k, v in values], [], {})
    member.leave()


def test_the_producer_pauses_and_punishes_no_feed(tmp_path: Path) -> None:
    with Web(feed=feed("http://site0.example/a")) as web, connect(tmp_path) as opened:
        urls = [f"http://{site}/feed" for site in SITES]
        follow(opened, urls)

        def states() -> dict[str, int]:
            found = [(k, v) for k, v in opened.read_state(FEEDS_STATE) if k != STEP_KEY]
            return {key.decode(): decode_state(value).failures for key, value in found}

        def polls() -> int:
            found = [(k, v) for k, v in opened.read_state(FEEDS_STATE) if k != STEP_KEY]
            return min((decode_state(value).polls for _, value in found), default=0)

        loop = Loop(tmp_path, "producer")
        producer = Producer(settings(web, tmp_path), loop.bus.follow(FEEDS), loop.log)
        with loop.tend(producer, FEEDS_STATE, group="producer"):
            wait_for(lambda: len(states()) == len(SITES))
            web.stop()
            wait_for(lambda: count(loop, "network.down"))
            time.sleep(1.5)
            assert states() == dict.fromkeys(urls, 0)
            before = polls()
            web.start()
            wait_for(lambda: count(loop, "network.up"))
            wait_for(lambda: polls() > before + 1)
            assert states() == dict.fromkeys(urls, 0)
        assert loop.error is None
        assert not [line for line in loop.lines("feed.poll") if line["outcome"] == "refused"]
