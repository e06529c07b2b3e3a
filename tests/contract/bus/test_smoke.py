"""``bus smoke``: proves an installation in one command, and leaves nothing behind."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from newsmill.bus import connect
from newsmill.bus.smoke import Counts, smoke

pytestmark = pytest.mark.timeout(120)


def command(url, *words):
    return subprocess.run(
        [sys.executable, "-m", "newsmill", "bus", "smoke", "--bus", url, *words],
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_a_thousand_records_come_through_once_whatever_is_undone_or_killed(url):
    done = command(url, "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    facts = json.loads(done.stdout)
    assert facts["records_in"] == facts["records_out"] == 1000
    assert facts["lost"] == facts["twice"] == facts["aborted_visible"] == facts["disordered"] == 0
    assert facts["steps_undone"] >= 8
    assert (facts["killed"], facts["ok"]) == (1, True)
    left = connect(url, facts["lane"])
    try:
        assert (left.describe(), left.lag()) == ([], [])
    finally:
        left.close()


def test_people_are_told_in_words(tmp_path):
    done = command(f"file:{tmp_path / 'bus'}")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "the bus keeps its promises here"
    assert done.stderr == ""


def test_its_lane_is_dropped_after_a_failure_too(url):
    lanes = []

    def say(text):
        if text.startswith("lane "):
            lanes.append(text.split()[1].rstrip(":"))
        if text == "pages -> articles":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        smoke(url, say, records=200)
    left = connect(url, lanes[0])
    try:
        assert (left.describe(), left.lag()) == ([], [])
    finally:
        left.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"records_out": 999, "lost": 1},
        {"records_out": 1001, "twice": 1},
        {"aborted_visible": 1},
        {"disordered": 1},
        {"steps_undone": 0},
        {"killed": 0},
        {"records_in": 0, "records_out": 0},
    ],
    ids=str,
)
def test_any_count_that_is_wrong_is_a_no(wrong):
    sound = Counts(
        lane="smoke-1",
        records_in=1000,
        records_out=1000,
        lost=0,
        twice=0,
        aborted_visible=0,
        disordered=0,
        steps_undone=9,
        killed=1,
        seconds=1.0,
    )
    assert sound.is_sound
    assert not replace(sound, **wrong).is_sound


def test_a_bus_that_cannot_be_had_is_one_line():
    done = command("kafka://127.0.0.1:1?wait_ms=0")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
