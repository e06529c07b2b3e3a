"""Back-pressure in small: what a full log holds back is neither dropped nor piled up in memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "backpressure.py"


@pytest.mark.slow
def test_a_slow_enricher_and_a_stalled_store_hold_the_source_back_and_drop_nothing(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, PROGRAM, "--minutes", "0.3", "--plot", tmp_path],
        capture_output=True, timeout=58, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr.decode()
    told = json.loads(done.stdout)
    assert told["committed"] == told["stored"] > 5000
    assert told["dropped"] == 0
    assert told["refused_by_the_full_log"] > 0
    # A few seconds are too short to tell breathing from growth: a pile would be far past this.
    assert max(mb for phase in told["growth_mb"].values() for mb in phase.values()) < 25
    plots = sorted(tmp_path.glob("backpressure-*.svg"))
    assert [plot.read_text()[:4] for plot in plots] == ["<svg", "<svg"]
