"""Extraction children killed at random, at work and idle: no page is lost, nothing is left over."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contract.loops.driving import Loop, connect, everything, waiting
from contract.loops.test_children import is_gone, open_fds, pids
from newsmill.bus.base import Bus
from newsmill.extractor.worker import HANDLER, Extraction
from newsmill.process.children import Children
from newsmill.process.pages import page_output
from newsmill.records import Page
from newsmill.topics import ARTICLES, DEAD
from newsmill.urls import identity
from running import wait_for

KILLS = 100
PARAGRAPH = "<p>The harbour board met on Tuesday and put the vote on the ferry line off again.</p>"
BODY = f"<html><title>A story</title><article>{PARAGRAPH * 30}</article>".encode()


def publish(opened: Bus, numbers: range) -> None:
    member = opened.join("publisher", [])
    outputs = []
    for number in numbers:
        url = f"http://a.example/{number}"
        page = Page(page_id=identity(url), url=url, fetched="2026-01-01T00:00:00Z")
        outputs.append(page_output(page, BODY.replace(b"A story", b"Story %d" % number)))
    member.commit(outputs, [], {})
    member.leave()


@contextmanager
def killing(pool: Children, seen: set[int]) -> Iterator[list[int]]:
    """Kill children at random, busy and idle ones, KILLS in all."""
    chance, killed, stop = random.Random(7), [], threading.Event()

    def kill() -> None:
        while len(killed) < KILLS and not stop.is_set():
            time.sleep(chance.uniform(0.01, 0.08))
            living = [pid for pid in pids(pool) if pid not in killed]
            seen.update(living)
            if living:
                killed.append(chance.choice(living))
                os.kill(killed[-1], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield killed
    finally:
        stop.set()
        killer.join(10)


def test_a_hundred_killed_children_lose_no_page_and_leave_no_process_and_no_descriptor(
    tmp_path: Path,
) -> None:
    pool = Children(HANDLER, count=2)
    seen = set(pids(pool))
    with connect(tmp_path) as opened:
        loop = Loop(tmp_path, "one")
        with loop.drain(Extraction(pool)):
            publish(opened, range(10))
            count = 10
            wait_for(lambda: not waiting(opened, "extractor"))
            before = open_fds()
            with killing(pool, seen) as killed:
                while len(killed) < KILLS:
                    publish(opened, range(count, count + 10))
                    count += 10
                    wait_for(lambda: not waiting(opened, "extractor"))
            publish(opened, range(count, count + 10))
            count += 10
            wait_for(lambda: not waiting(opened, "extractor"))
            assert open_fds() <= before + 1  # the bell of the dead letters
            living = pids(pool)
        assert loop.error is None
        letters = everything(opened, DEAD)
        made = Counter(record.key for record in everything(opened, ARTICLES))
        died = Counter(record.key for record in letters)
        every = [identity(f"http://a.example/{number}").encode() for number in range(count)]
        assert made + died == Counter(every)
        reasons = {(x.header("dead-reason"), x.header("dead-attempts")) for x in letters}
        assert reasons <= {(b"crash", b"2")}
        assert 2 * len(letters) <= len(killed), "a page dies of two kills, and not of one"
    assert len(living) == 2
    wait_for(lambda: all(map(is_gone, seen)), 5)
