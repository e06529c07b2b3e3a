"""The schedule of a seed: the same each time, and enough of every fault in the minutes of a run."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from itertools import takewhile

import pytest

from chaos.answers import CLASSES
from chaos.fleet import is_running
from chaos.schedule import OF_FILE, OF_KAFKA, Event, schedule
from kafka_clients import wait_until

RUN_S = 370.0


def of_run(seed: int, is_kafka: bool) -> list[Event]:
    """The events that are due in a run."""
    passed_s = 0.0

    def is_in_time(event: Event) -> bool:
        nonlocal passed_s
        passed_s += event.after_s
        return passed_s < RUN_S

    return list(takewhile(is_in_time, schedule(seed, is_kafka)))


@pytest.mark.parametrize("is_kafka", [False, True])
def test_a_seed_gives_the_same_schedule(is_kafka):
    one, other = schedule(7, is_kafka), schedule(7, is_kafka)
    names = OF_KAFKA if is_kafka else OF_FILE
    events = [next(one) for _ in range(2 * len(names))]
    assert events == [next(other) for _ in range(2 * len(names))]
    assert {event.name for event in events} == set(names)


@pytest.mark.parametrize("is_kafka", [False, True])
def test_children_are_killed_in_several_events_of_every_run(is_kafka):
    for seed in range(40):
        names = Counter(event.name for event in of_run(seed, is_kafka))
        assert names["child_killed"] >= 4


def test_every_class_of_wrong_answers_comes_more_than_once_in_every_run():
    for seed in range(40):
        names = Counter(event.name for event in of_run(seed, is_kafka=True))
        assert min(names[f"produce_error:{kind}"] for kind in (*CLASSES, "unanswered")) >= 2


def test_a_child_without_a_page_is_not_in_the_middle_of_one():
    busy = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True)\nwhile True: pass"], stdout=-1
    )
    idle = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True)\ninput()"], stdin=-1, stdout=-1
    )
    with busy, idle:
        for process in (busy, idle):
            assert process.stdout is not None
            process.stdout.readline()
        try:
            assert is_running(busy.pid)
            wait_until(lambda: not is_running(idle.pid))
        finally:
            busy.kill()
            idle.kill()
    assert not is_running(busy.pid)
