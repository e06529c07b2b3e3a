"""A live run with a replay beside it, in one data folder and on one bus: they share nothing."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

from e2e.workers import enriched
from newsmill import bus
from newsmill.newsroom import PAGES
from newsmill.process.tend import STEP_KEY
from newsmill.topics import FEEDS_STATE, FRONTIER, REVISIONS, STREAMS
from running import newsmill, start

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("run")]
TIMES = ("fetched", "published", "modified")  # the newsroom is as old as its run


def left_by(data):
    """What a run left on its bus, but for its own times: records, positions and state."""
    with closing(bus.connect(f"file:{data / 'bus'}", "live")) as opened:
        return {
            "records": sorted(map(timeless, enriched(f"file:{data / 'bus'}", "live"))),
            "positions": {(lag.group, lag.place): lag.position for lag in opened.lag()},
            "lengths": {one.topic: one.records for one in opened.describe() if is_stream(one)},
            "revisions": state(opened, REVISIONS),
            "frontier": state(opened, FRONTIER),
            "feeds": sorted(key for key, _ in opened.read_state(FEEDS_STATE)),
        }


def timeless(record):
    fields = json.loads(record)
    return json.dumps({k: v for k, v in fields.items() if k not in TIMES and k != "provenance"})


def is_stream(described):
    return described.topic in {topic.name for topic in STREAMS}


def state(opened, topic):
    return sorted((key, value) for key, value in opened.read_state(topic) if key != STEP_KEY)


def test_live_is_as_it_would_be_without_the_replay(ran, pages, tmp_path):
    alone, _ = ran
    data = tmp_path / "data"
    live = start("run", "--data", data, log=tmp_path / "err")
    past = newsmill("replay", pages, "--lane", "past", "--data", data)
    assert past.returncode == live.wait(90) == 0, (tmp_path / "err").read_text()[-2000:]
    assert left_by(data) == left_by(alone)
    made = json.loads((data / "lanes" / "past" / "manifest.json").read_bytes())
    assert made["output"]["records"] == PAGES
