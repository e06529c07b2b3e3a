"""A short run of the proof on each transport: a person runs it for hours with ``make chaos``."""

from __future__ import annotations

import pytest

from brokers import collect_sockets, ladder, refuse
from chaos.faults import OF_FILE, OF_KAFKA, schedule
from chaos.run import run

SEED = 5


@pytest.mark.timeout(240)
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # kafka-python's
@pytest.mark.parametrize(
    ("kind", "seconds"),
    [
        pytest.param("file", 25.0, marks=pytest.mark.xdist_group("chaos file")),
        pytest.param("kafka", 40.0, marks=pytest.mark.xdist_group("chaos kafka")),
    ],
)
def test_whatever_dies_nothing_is_lost_or_doubled(kind, seconds, tmp_path):
    try:
        figures, words = run(kind, seconds, SEED, tmp_path)
    except ladder.NoBroker as error:
        refuse(str(error))
    finally:
        collect_sockets()
    assert figures["exact"], f"{figures}\n{words}"
    assert figures["out"] > 1000
    assert len(figures["faults"]) >= 3


@pytest.mark.parametrize("is_kafka", [False, True])
def test_a_seed_gives_the_same_schedule(is_kafka):
    one, other = schedule(7, is_kafka), schedule(7, is_kafka)
    names = OF_KAFKA if is_kafka else OF_FILE
    events = [next(one) for _ in range(2 * len(names))]
    assert events == [next(other) for _ in range(2 * len(names))]
    assert {event.name for event in events} == set(names)
