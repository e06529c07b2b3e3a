"""Kill -9 of workers in the middle of the sample run: the same set at the end, nothing twice."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter

import pytest

from newsmill.newsroom import EXPECTED
from running import enriched, export, log_lines, newsmill, start, wait_for

KILLS = int(os.environ.get("TEST_KILLS", "3"))  # 20 make the full proof
ROLES = ("producer", "fetcher", "extractor", "enricher", "archiver")

pytestmark = [pytest.mark.timeout(60 + 40 * KILLS), pytest.mark.xdist_group("kills")]


def _pid(logs, role):
    """The newest process of a role, by its own start line."""
    pids = [x["pid"] for x in log_lines(logs) if x["event"] == "worker.start" and x["role"] == role]
    return pids[-1] if pids else None


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_killed_worker_loses_nothing_and_doubles_nothing(tmp_path, seed):
    chance = random.Random(seed)
    role = ROLES[seed % len(ROLES)]
    data = tmp_path / "data"
    process = start("run", "--data", data, "--spacing", "0.1", log=tmp_path / "err")
    try:
        wait_for(lambda: (data / "logs").exists() and _pid(data / "logs", role))
        time.sleep(chance.uniform(0.0, 3.0))
        killed = _pid(data / "logs", role)
        os.kill(killed, signal.SIGKILL)
        assert process.wait(80) == 0, (tmp_path / "err").read_text()[-2000:]
    finally:
        process.kill()
        process.wait()
    assert _pid(data / "logs", role) != killed, "it was started again"
    articles = {one.canonical_url for one in EXPECTED if one.kind == "article"}
    assert Counter(a["canonical_url"] for a in export(data)) == Counter(articles)
    assert enriched(data) == Counter(set(enriched(data)))
    summary = newsmill("ops", "summary", "--data", data, "--json")
    assert json.loads(summary.stdout)["balanced"], newsmill("ops", "summary", "--data", data).stdout
