"""The raw archive, its writer killed inside a step and after it: every page once, none in half."""

from __future__ import annotations

import signal
from pathlib import Path

from contract.loops.driving import connect, url_of, waiting
from newsmill.bus.base import Output
from newsmill.process.pages import page_output
from newsmill.process.settings import Settings
from newsmill.records import Page
from newsmill.urls import identity
from running import start, stop, wait_for
from unit.archiver.test_warc import replayed

N = 200
POINTS = ("store.written", "after_commit")


def page(number: int) -> Output:
    url = f"http://a.example/{number}"
    page = Page(page_id=identity(url), url=url, status=200, fetched="2026-01-01T00:00:00Z")
    return page_output(page, b"<p>story %d</p>" % number)


def test_a_writer_that_was_killed_archives_each_page_once(tmp_path: Path) -> None:
    with connect(tmp_path) as opened:
        member = opened.join("publisher", [])
        member.commit([page(number) for number in range(N)], [], {})
        member.leave()
        settings = {"data": str(tmp_path), "bus": url_of(tmp_path), "store": "warc"}
        log = tmp_path / "stderr"
        for point in POINTS:
            process = start("work", "archiver", log=log, crash_at=f"{point}:2", **settings)
            assert process.wait(30) == -signal.SIGKILL, log.read_text()
        starts = log.read_text().count('"worker.start"')
        process = start("work", "archiver", log=log, **settings)
        wait_for(lambda: log.read_text().count('"worker.start"') > starts)
        wait_for(lambda: not waiting(opened, "archiver.warc"))
        assert stop(process) == 0
    bodies = [body for _, body in replayed(Settings(data=tmp_path).archive_path)]
    assert sorted(bodies) == sorted(b"<p>story %d</p>" % number for number in range(N))
