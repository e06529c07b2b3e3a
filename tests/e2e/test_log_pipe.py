"""A log that nobody reads: real processes whose standard error is a full pipe."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from contract.loops.driving import connect, publish, url_of, waiting
from contract.workers.test_supervisor import article
from newsmill.bus.base import Bus
from newsmill.topics import ARTICLES, ENRICHED
from running import NEWSMILL, environment, log_lines, newsmill, stop, wait_for

pytestmark = pytest.mark.timeout(120)

N = 400  # records, each with a line of some 500 bytes
PIPE_BYTES = 4096  # the smallest that there is


@contextmanager
def unread(*words: object, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command whose standard error is a pipe that has a reader, who reads nothing."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    process = subprocess.Popen(
        [*NEWSMILL, *map(str, words)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=writer,
        env=environment(**settings),
    )
    os.close(writer)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        os.close(reader)


def is_through(opened: Bus, group: str) -> bool:
    return bool(opened.lag([group])) and not waiting(opened, group)


def lines(folder: Path, event: str, service: str) -> list[dict[str, Any]]:
    found = log_lines(folder / "logs")
    return [line for line in found if line["event"] == event and line["service"] == service]


def test_a_worker_whose_log_nobody_reads_goes_on_counts_what_is_lost_and_keeps_its_file(
    tmp_path: Path,
) -> None:
    settings = {"data": str(tmp_path), "bus": url_of(tmp_path), "heartbeat_s": "0.3"}
    with connect(tmp_path) as opened:
        publish(opened, ARTICLES, [article(number) for number in range(N)])
        with unread("work", "enricher", **settings) as process:
            wait_for(lambda: is_through(opened, "enricher"))
            wait_for(lambda: lines(tmp_path, "worker.heartbeat", "enricher")[-1].get("lost"))
            assert stop(process) == 0
        assert sum(1 for n in range(ENRICHED.partitions) for _ in opened.scan(ENRICHED, n)) == N
    records = lines(tmp_path, "record", "enricher")
    offsets = {(line["partition"], line["offset"]) for line in records}
    assert len(offsets) == len(records) == N
    (last,) = lines(tmp_path, "worker.stop", "enricher")
    assert last["lost"] > N / 2


def test_a_run_whose_log_nobody_reads_tends_its_workers_and_ends_when_it_is_told_to(
    tmp_path: Path,
) -> None:
    feeds = tmp_path / "feeds.txt"
    feeds.write_text("http://127.0.0.1:9/feed\n")
    settings = {
        "data": str(tmp_path / "data"), "bus": url_of(tmp_path), "heartbeat_s": "0.3",
        "allow_private": "true", "contact": "me@site.example",
    }  # fmt: skip
    with connect(tmp_path) as opened:
        publish(opened, ARTICLES, [article(number) for number in range(N)])
        with unread("run", "--feeds", feeds, **settings) as run:
            wait_for(lambda: is_through(opened, "enricher"))
            wait_for(lambda: is_through(opened, "archiver.sqlite"))
            # It still looks after them: one that dies is started again.
            (first,) = lines(tmp_path / "data", "worker.start", "enricher")
            os.kill(first["pid"], 9)
            wait_for(lambda: len(lines(tmp_path / "data", "worker.start", "enricher")) == 2)
            assert stop(run, 40) == 0
    (done,) = lines(tmp_path / "data", "run.done", "run")
    assert done["lost"] > N / 2
    told = newsmill("ops", "summary", "--json", "--data", tmp_path / "data")
    stages = {stage["stage"]: stage for stage in orjson.loads(told.stdout)["stages"]}
    assert stages["archiver"]["outcomes"]["published"] == N
