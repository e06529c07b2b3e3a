"""A real worker on a real bus is killed at every point of its loop; the logs still count right."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import newsmill
from newsmill import bus
from newsmill.bus.base import Output
from newsmill.ops.read import Logs
from newsmill.ops.summary import summarise
from newsmill.topics import ARTICLES, DEAD, PAGES

POINTS = ("after_poll", "after_step", "after_lines", "after_seal", "after_commit", "")
RECORDS = 60


def work(data: Path, point: str) -> int:
    environment = os.environ | {"PYTHONPATH": str(Path(newsmill.__file__).parents[1])}
    environment["NEWSMILL_CRASH_AT"] = f"{point}:2"
    command = [sys.executable, str(Path(__file__).with_name("drain_process.py")), str(data)]
    return subprocess.run(
        command, env=environment, stderr=subprocess.DEVNULL, timeout=30, check=False
    ).returncode


def test_counts_are_exact_wherever_the_worker_was_killed(tmp_path: Path) -> None:
    opened = bus.connect(f"file:{tmp_path / 'bus'}", "live")
    opened.create()
    values = [
        ("dead" if n % 7 == 0 else "refuse" if n % 5 == 0 else "page") for n in range(RECORDS)
    ]
    writer = opened.join("fetcher", [])
    writer.commit(
        [
            Output(topic=PAGES, key=f"{n}".encode(), value=f"{value} {n}".encode(), routing=f"{n}")
            for n, value in enumerate(values)
        ],
        [],
        {},
    )
    writer.leave()

    codes = [work(tmp_path, point) for point in POINTS]

    assert codes == [-signal.SIGKILL] * 5 + [0]
    summary = summarise(Logs([tmp_path / "logs"]))
    (stage,) = summary.stages
    truth = Counter({"page": "published", "refuse": "refused", "dead": "dead"}[v] for v in values)
    assert stage.outcomes == truth
    assert (stage.taken_in, stage.waiting, summary.unexplained(stage)) == (RECORDS, 0, 0)
    assert len(summary.crashed) == 5
    written = {topic: count(opened, topic) for topic in (ARTICLES, DEAD)}
    assert written == {ARTICLES: truth["published"], DEAD: truth["dead"]}
    opened.close()


def count(opened: bus.base.Bus, topic) -> int:
    return sum(1 for number in range(topic.partitions) for _ in opened.scan(topic, number))
