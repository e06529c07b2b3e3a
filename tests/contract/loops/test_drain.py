"""The drain loop over a real bus: exactly once, in order, and nothing burnt while it waits."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from contract.loops.driving import (
    BURST,
    Loop,
    Refusing,
    connect,
    copied,
    everything,
    publish,
    waiting,
)
from newsmill.bus.base import Burst, BusFull, Fenced, Mark, Output, Place, Record
from newsmill.errors import BadRecord, TryLater
from newsmill.process.life import FuseBlown
from newsmill.process.steps import Result
from newsmill.process.work import Inline
from newsmill.topics import ARTICLES, DEAD, PAGES, partition_of
from running import wait_for


def values(count: int) -> list[bytes]:
    return [b"%05d" % number for number in range(count)]


def copies(opened: Any) -> Counter[bytes]:
    return Counter(record.value or b"" for record in everything(opened, ARTICLES))


def test_every_record_comes_out_once_and_in_order(tmp_path: Path) -> None:
    with connect(tmp_path) as opened:
        publish(opened, PAGES, values(500))
        with Loop(tmp_path, "one").drain(Inline("extractor", copied)) as loop:
            wait_for(lambda: not waiting(opened, "extractor"), 15)
        assert loop.error is None
        for number in range(PAGES.partitions):
            source = [record.value for record in opened.scan(PAGES, number)]
            assert [record.value for record in opened.scan(ARTICLES, number)] == source


def test_each_record_has_its_line_before_the_commit_that_covers_it(tmp_path: Path) -> None:
    with connect(tmp_path) as opened:
        publish(opened, PAGES, values(60))
        with Loop(tmp_path, "one").drain(Inline("extractor", copied)) as loop:
            wait_for(lambda: not waiting(opened, "extractor"))
        seen: set[tuple[str, int]] = set()
        covered = 0
        for line in loop.lines():
            if line["event"] == "record":
                seen.add((f"{line['topic']}/{line['partition']}", line["offset"]))
            elif line["event"] == "step.commit":
                covered += line["records"]
                for place, position in line["positions"].items():
                    assert all((place, offset) in seen for offset in range(position))
        assert covered == len(seen) == 60


def test_a_held_record_holds_its_partition_alone_and_says_so_once_a_hold(tmp_path: Path) -> None:
    late = threading.Event()

    def step(record: Record) -> Result:
        if record.value == b"00000" and not late.is_set():
            raise TryLater("the world is not ready", 0.4)
        return copied(record)

    with connect(tmp_path) as opened:
        publish(opened, PAGES, values(1), routing="held")
        publish(opened, PAGES, values(200)[1:])
        with Loop(tmp_path, "one").drain(Inline("extractor", step)) as loop:
            held = next(r.partition for r in everything(opened, PAGES) if r.value == b"00000")
            theirs = sum(r.partition != held for r in everything(opened, PAGES))
            wait_for(lambda: sum(copies(opened).values()) == theirs)
            before = time.thread_time(), time.process_time()
            time.sleep(0.9)
            assert time.process_time() - before[1] < 0.2, "it burns while it waits"
            assert sum(copies(opened).values()) == theirs
            told = len(loop.lines("partition.held"))
            assert 2 <= told <= 6
            assert loop.lines("worker.heartbeat")[-1]["held"] == 1
            assert loop.lines("worker.heartbeat")[-1]["idle"] is False
            late.set()
            wait_for(lambda: not waiting(opened, "extractor"))
        assert copies(opened) == Counter(values(200))


def test_an_idle_loop_uses_next_to_no_processor(tmp_path: Path) -> None:
    with connect(tmp_path), Loop(tmp_path, "one").drain(Inline("extractor", copied)) as loop:
        wait_for(lambda: loop.lines("worker.heartbeat"))
        before = time.process_time()
        time.sleep(0.6)
        assert time.process_time() - before < 0.06
        assert loop.lines("worker.heartbeat")[-1]["idle"] is True


class Store(Inline):
    """A stage whose store is not ready for a while; it notes what it was asked to seal."""

    def __init__(self, ready: threading.Event) -> None:
        super().__init__("extractor", copied)
        self._ready = ready
        self.asked = 0

    def seal(self, records: Mapping[Place, list[Result]], marks: Mapping[Place, Mark]) -> None:
        self.asked += 1
        if not self._ready.is_set():
            raise TryLater("store: disk full", 0.3)


def test_a_store_that_is_not_ready_delays_the_step_and_membership_goes_on(tmp_path: Path) -> None:
    ready = threading.Event()
    store = Store(ready)
    with connect(tmp_path) as opened:
        publish(opened, PAGES, values(100))
        with Loop(tmp_path, "one").drain(store) as loop:
            wait_for(lambda: loop.lines("partition.held"))
            before = time.process_time()
            time.sleep(1.2)  # longer than the lease
            assert time.process_time() - before < 0.3, "it burns while it waits"
            assert store.asked < 10
            assert loop.lines("worker.heartbeat")[-1]["held"] >= 1
            with Loop(tmp_path, "two").drain(Inline("extractor", copied)) as other:
                wait_for(lambda: other.lines("partition.assigned"))
                assert loop.is_running
                assert not loop.lines("step.fenced")
                ready.set()
                wait_for(lambda: not waiting(opened, "extractor"))
        assert copies(opened) == Counter(values(100))
        written = Counter((x["partition"], x["offset"]) for x in loop.lines("record"))
        assert set(written.values()) == {1}, "a step that is tried again repeats no line"


def test_a_fenced_step_loses_nothing_of_the_partitions_that_stayed_ours(tmp_path: Path) -> None:
    with connect(tmp_path) as opened:
        publish(opened, PAGES, values(150))
        fenced = Fenced("extractor: some belong to another member")
        loop = Loop(tmp_path, "one")
        with loop.drain(Inline("extractor", copied), wrap=lambda m: Refusing(m, fenced)):
            wait_for(lambda: not waiting(opened, "extractor"))
        assert loop.error is None
        assert len(loop.lines("step.fenced")) == 1
        assert copies(opened) == Counter(values(150))


def test_fenced_twice_in_a_row_ends_the_worker(tmp_path: Path) -> None:
    with connect(tmp_path) as opened:
        publish(opened, PAGES, values(10))
        loop = Loop(tmp_path, "one")
        errors = (Fenced("first"), Fenced("second"))
        with loop.drain(Inline("extractor", copied), wrap=lambda m: Refusing(m, *errors)):
            wait_for(lambda: not loop.is_running)
        assert str(loop.error) == "second"
        assert not copies(opened)


def test_a_full_bus_puts_the_step_off_and_loses_nothing(tmp_path: Path) -> None:
    with connect(tmp_path) as opened:
        publish(opened, PAGES, values(150))
        loop = Loop(tmp_path, "one")
        with loop.drain(Inline("extractor", copied), wrap=lambda m: Refusing(m, BusFull("cap"))):
            wait_for(lambda: not waiting(opened, "extractor"))
        assert [line["after_s"] for line in loop.lines("bus.full")] == [0.4]
        assert copies(opened) == Counter(values(150))
        written = Counter((x["partition"], x["offset"]) for x in loop.lines("record"))
        assert set(written.values()) == {1}


def test_an_output_that_is_too_large_is_a_dead_letter_with_its_input(tmp_path: Path) -> None:
    def step(record: Record) -> Result:
        if record.value != b"00003":
            return copied(record)
        huge = Output(topic=ARTICLES, key=b"k", value=b"x" * (ARTICLES.max_bytes + 1), routing="k")
        return Result(outcome="published", outputs=(huge,))

    with connect(tmp_path) as opened:
        publish(opened, PAGES, values(10))
        with Loop(tmp_path, "one").drain(Inline("extractor", step)) as loop:
            wait_for(lambda: not waiting(opened, "extractor"))
        (letter,) = everything(opened, DEAD)
        assert letter.value == b"00003"
        assert letter.header("dead-reason") == b"record_too_large"
        assert len(copies(opened)) == 9
        outcomes = Counter(line["outcome"] for line in loop.lines("record"))
        assert outcomes == {"published": 9, "dead": 1}


def test_a_bug_on_one_record_is_a_dead_letter_with_its_traceback(tmp_path: Path) -> None:
    def step(record: Record) -> Result:
        return copied(record) if record.value != b"00002" else 1 / 0  # type: ignore[return-value]

    with connect(tmp_path) as opened:
        publish(opened, PAGES, values(5))
        with Loop(tmp_path, "one").drain(Inline("extractor", step)):
            wait_for(lambda: not waiting(opened, "extractor"))
        (letter,) = everything(opened, DEAD)
        assert letter.header("dead-reason") == b"bug"
        assert b"ZeroDivisionError" in (letter.header("dead-traceback") or b"")
        assert len(copies(opened)) == 4


def test_a_worker_that_dead_letters_too_large_a_share_stops(tmp_path: Path) -> None:
    def step(record: Record) -> Result:
        raise BadRecord("not_html", "a bad deploy")

    with connect(tmp_path) as opened:
        publish(opened, PAGES, values(600))
        loop = Loop(tmp_path, "one")
        with loop.drain(Inline("extractor", step)):
            wait_for(lambda: not loop.is_running)
        assert isinstance(loop.error, FuseBlown)
        assert loop.lines("fuse.blown")
        assert 200 <= len(everything(opened, DEAD)) < 600
        assert len(everything(opened, DEAD)) == 600 - waiting(opened, "extractor")


class Slow(Inline):
    """Answers a record of a slow kind only when told; takes many at once, as children do."""

    def __init__(self, go: threading.Event, room: int = 10) -> None:
        super().__init__("extractor", copied)
        self._go = go
        self._room = room
        self._with_us: list[Record] = []
        self.dropped: list[Place] = []

    @property
    def free(self) -> int:
        return self._room - len(self._with_us)

    def start(self, record: Record) -> None:
        self._with_us.append(record)

    def done(self, timeout_s: float) -> Iterable[tuple[Record, Result | TryLater]]:
        ready = [
            r
            for r in self._with_us
            if self._go.is_set() or not (r.value or b"").startswith(b"slow")
        ]
        self._with_us = [record for record in self._with_us if record not in ready]
        if not ready:
            time.sleep(min(timeout_s, 0.02))
        return [(record, copied(record)) for record in reversed(ready)]

    def lost(self, place: Place) -> None:
        self.dropped.append(place)


def test_a_slow_record_delays_its_partition_and_its_outputs_keep_their_order(
    tmp_path: Path,
) -> None:
    go = threading.Event()
    with connect(tmp_path) as opened:
        publish(opened, PAGES, [b"slow", *values(50)], routing="one place")
        publish(opened, PAGES, values(100)[50:], routing="another place")
        with Loop(tmp_path, "one").drain(Slow(go)) as loop:
            wait_for(lambda: len(copies(opened)) == 50)
            commits = len(loop.lines("step.commit"))
            assert commits <= 10, "what is done behind a slow record makes no step of others due"
            go.set()
            wait_for(lambda: not waiting(opened, "extractor"))
        for number in range(PAGES.partitions):
            source = [record.value for record in opened.scan(PAGES, number)]
            assert [record.value for record in opened.scan(ARTICLES, number)] == source


def test_work_of_a_partition_that_moved_is_dropped_and_done_by_its_new_owner(
    tmp_path: Path,
) -> None:
    go = threading.Event()
    go_on = threading.Event()
    go_on.set()
    slow = [b"slow %03d" % number for number in range(80)]
    with connect(tmp_path) as opened:
        publish(opened, PAGES, slow)
        work = Slow(go)
        with Loop(tmp_path, "one").drain(work) as first:
            wait_for(lambda: first.lines("partition.assigned"))
            with Loop(tmp_path, "two").drain(Slow(go_on)) as second:
                wait_for(lambda: first.lines("partition.lost"))
                assert work.dropped
                go.set()
                wait_for(lambda: not waiting(opened, "extractor"))
                assert copies(opened) == Counter(slow)
                assert second.lines("step.commit")
            publish(opened, PAGES, values(20))
            wait_for(lambda: not waiting(opened, "extractor"))
            assert first.lines("worker.heartbeat")[-1]["in_flight"] >= 0
        assert first.error is None
        assert copies(opened) == Counter(slow) + Counter(values(20))


def test_work_of_a_partition_that_moved_gives_its_room_back(tmp_path: Path) -> None:
    go, go_on = threading.Event(), threading.Event()
    go_on.set()
    work = Slow(go, room=1)
    with connect(tmp_path) as opened, Loop(tmp_path, "one").drain(work) as first:
        wait_for(lambda: first.lines("partition.assigned"))
        with Loop(tmp_path, "two").drain(Slow(go_on)):
            wait_for(lambda: work.dropped)
        wait_for(lambda: len(first.lines("partition.assigned")) > 1)
        moves = work.dropped[0].partition
        routing = next(
            str(number)
            for number in range(1000)
            if partition_of(str(number), PAGES.partitions) == moves
        )
        publish(opened, PAGES, [b"slow"], routing=routing)
        wait_for(lambda: work.free == 0)
        before = len(work.dropped)
        with Loop(tmp_path, "two").drain(Slow(go_on)):
            wait_for(lambda: len(work.dropped) > before)
            assert Place(PAGES.name, moves) in work.dropped[before:]
            publish(opened, PAGES, values(100))
            go.set()
            wait_for(lambda: not waiting(opened, "extractor"))
        assert copies(opened) == Counter([b"slow", *values(100)])


def test_a_stop_finishes_what_is_with_the_work_and_commits_it(tmp_path: Path) -> None:
    go = threading.Event()
    with connect(tmp_path) as opened:
        publish(opened, PAGES, [b"slow one"])
        loop = Loop(tmp_path, "one").drain(Slow(go), burst=Burst(1000, 1 << 30, 60.0))
        wait_for(lambda: loop.lines("worker.heartbeat") and loop.life.ready)
        wait_for(lambda: loop.lines("worker.heartbeat")[-1]["in_flight"] == 1)
        threading.Timer(0.4, go.set).start()
        started = time.monotonic()
        loop.stop()
        assert time.monotonic() - started < 5
        assert copies(opened) == Counter([b"slow one"])


def test_a_step_stays_within_the_bytes_of_a_burst(tmp_path: Path) -> None:
    large = [b"%02d" % number + b"x" * 100_000 for number in range(30)]
    with connect(tmp_path) as opened:
        publish(opened, PAGES, large)
        burst = Burst(records=1000, bytes=300_000, wait_s=0.5)
        with Loop(tmp_path, "one").drain(Inline("extractor", copied), burst=burst) as loop:
            wait_for(lambda: not waiting(opened, "extractor"))
        assert max(line["bytes"] for line in loop.lines("step.commit")) <= 400_100
        assert copies(opened) == Counter(large)


@pytest.mark.parametrize("burst", [BURST, Burst(1, 1, 0.0)])
def test_any_burst_gives_the_same_records(tmp_path: Path, burst: Burst) -> None:
    with connect(tmp_path) as opened:
        publish(opened, PAGES, values(40))
        with Loop(tmp_path, "one").drain(Inline("extractor", copied), burst=burst):
            wait_for(lambda: not waiting(opened, "extractor"))
        assert copies(opened) == Counter(values(40))
