"""A short run of the proof on each transport: a person runs it for hours with ``make chaos``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from brokers import refuse

SEED = 5
TESTS = Path(__file__).parents[1]


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("kind", "seconds"),
    [
        pytest.param("file", 30, marks=pytest.mark.xdist_group("chaos file")),
        pytest.param("kafka", 45, marks=pytest.mark.xdist_group("chaos kafka")),
    ],
)
def test_whatever_dies_nothing_is_lost_or_doubled(kind, seconds):
    told = ["--bus", kind, "--seconds", str(seconds), "--seed", str(SEED)]
    done = subprocess.run(
        [sys.executable, "-m", "chaos.run", *told],
        cwd=TESTS, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode == 2:
        refuse(done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout)
    assert figures["out"] > 200
    assert len(figures["faults"]) >= 3
