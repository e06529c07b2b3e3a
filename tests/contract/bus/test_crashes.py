"""Kill -9 at any instant: every step is whole or absent, N records in are exactly N out."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter

import pytest

from contract.bus.driving import SINK, SOURCE, TALLY, everything, numbered, publish

COUNT = 60
POINTS = ("commit.begin", "commit.written", "commit.done")


def assert_exactly_once(bus, count=COUNT):
    source, sink = everything(bus, SOURCE), everything(bus, SINK)
    assert [(r.partition, r.value) for r in sink] == [(r.partition, r.value) for r in source]
    assert dict(bus.read_state(TALLY)) == dict.fromkeys(numbered(count), b"1")
    assert sum(each.waiting for each in bus.lag(["copier"])) == 0


def assert_whole(bus):
    """What is there now is the work of whole steps: outputs, state and positions tell the same."""
    sink = Counter(r.value for r in everything(bus, SINK))
    assert {key: b"%d" % n for key, n in sink.items()} == dict(bus.read_state(TALLY))
    left = sum(each.waiting for each in bus.lag(["copier"]))
    assert sum(sink.values()) + left == COUNT


@pytest.mark.parametrize("point", POINTS)
def test_a_member_killed_at_a_point_of_its_step_leaves_it_whole_or_absent(bus, children, point):
    publish(bus, numbered(COUNT))
    child = children.start(crash_at=f"{point}:3")
    said = child.until_its_end("committed")
    assert child.wait() == -signal.SIGKILL
    assert_whole(bus)
    before = sum(each["records"] for each in said)
    there = len(everything(bus, SINK))
    assert before > 0
    assert there > before if point == "commit.done" else there == before
    child = children.start(until=COUNT)
    assert child.wait() == 0
    assert_exactly_once(bus)


def test_two_members_killed_at_random_moments_lose_and_double_nothing(bus, children):
    chance = random.Random(20)
    publish(bus, numbered(COUNT))
    for _ in range(5):
        pair = [children.start(until=COUNT, pause_s=0.02) for _ in range(2)]
        pair[0].wait_for("joined")
        time.sleep(chance.uniform(0, 0.25))
        for child in pair:
            child.signal(signal.SIGKILL)
            child.wait()
        assert_whole(bus)
    children.finish(2, until=COUNT)
    assert_exactly_once(bus)


def test_a_restart_goes_on_where_it_was(bus, children):
    publish(bus, numbered(COUNT))
    child = children.start(pause_s=0.02)
    for _ in range(3):
        child.wait_for("committed")
    child.signal(signal.SIGTERM)
    assert child.wait() == 0
    assert_whole(bus)
    assert children.start(until=COUNT).wait() == 0
    assert_exactly_once(bus)
