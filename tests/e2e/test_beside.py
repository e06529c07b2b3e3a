"""A live run with a replay beside it, in one data folder and on one bus: they share nothing."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

from newsmill import bus
from newsmill.newsroom import CORRECTED, PAGES
from newsmill.process.tend import STEP_KEY
from newsmill.topics import ENRICHED, FEEDS_STATE, FRONTIER, REVISIONS, STREAMS
from newsmill.urls import identity
from running import newsmill, start

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("run")]
TIMES = ("fetched", "published", "modified", "provenance")  # the newsroom is as old as its run


def left_by(data):
    """What a run left on its bus, but for its own times: records, positions and state.

    Of the story that is corrected while it is read, a slow run may find the second version alone.
    """
    with closing(bus.connect(f"file:{data / 'bus'}", "live")) as opened:
        places = [(topic, number) for topic in STREAMS for number in range(topic.partitions)]
        keys = {(t.name, n): [record.key for record in opened.scan(t, n)] for t, n in places}
        records = [r.value for n in range(ENRICHED.partitions) for r in opened.scan(ENRICHED, n)]
        return {
            "keys": {place: sorted(set(keys[place])) for place in keys},
            "once": [len(keys[place]) - keys[place].count(STORY) for place in keys],
            "records": sorted(map(timeless, newest_of_each(records))),
            "waiting": {(lag.group, lag.place): lag.waiting for lag in opened.lag()},
            "revisions": state(opened, REVISIONS),
            "frontier": state(opened, FRONTIER),
            "feeds": sorted(key for key, _ in opened.read_state(FEEDS_STATE)),
        }


STORY = identity(CORRECTED).encode()


def newest_of_each(records):
    pages = {}
    for record in map(json.loads, records):
        before = pages.get(record["page_id"])
        if before is None or before["fetched"] < record["fetched"]:
            pages[record["page_id"]] = record
    return pages.values()


def timeless(record):
    return json.dumps({name: value for name, value in record.items() if name not in TIMES})


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
