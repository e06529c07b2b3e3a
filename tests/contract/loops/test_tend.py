"""The tend loop over a real bus: what was taken in and what was worked on, each once."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from contract.loops.driving import Loop, Refusing, connect, everything, publish, waiting
from newsmill.bus.base import Burst, BusFull, Change, Fenced, Output, Place, Record
from newsmill.errors import BadRecord, TryLater
from newsmill.process.life import FuseBlown
from newsmill.process.steps import Result
from newsmill.process.tend import STEP_KEY
from newsmill.process.tender import Finished
from newsmill.topics import DEAD, ENTRIES, FRONTIER, PAGES, Topic
from running import wait_for


class Desk:
    """A small tender: entries wait in the state, and each becomes a page when it is its turn."""

    stage: Final = "fetcher"
    state: Topic = FRONTIER

    def __init__(self, *, room: int = 1000, large: bool = False) -> None:
        self.late = threading.Event()
        self.go = threading.Event()
        self.go.set()
        self.room = room
        self.restored: Counter[bytes] = Counter()
        self._large = large
        self._items: dict[Place, dict[bytes, bytes]] = {}
        self._due: deque[tuple[Place, bytes]] = deque()
        self._ending = 0

    def assigned(self, place: Place, restored: Iterable[tuple[bytes, bytes]]) -> None:
        self._items[place] = dict(restored)
        self.restored.update(list(self._items[place]))
        self._due.extend((place, key) for key in self._items[place])

    def lost(self, place: Place) -> None:
        del self._items[place]

    def takes(self, place: Place) -> bool:
        return sum(map(len, self._items.values())) < self.room

    def intake(self, record: Record) -> Result | None:
        value = record.value or b""
        if value.startswith(b"future") and not self.late.is_set():
            raise TryLater("a record of version 2", 0.3)
        if value.startswith(b"bad"):
            raise BadRecord("decode", "no entry")
        if value.startswith(b"bug"):
            raise ValueError("a slip")
        self._items[record.place][record.key] = value
        self._due.append((record.place, record.key))
        change = Change(FRONTIER, record.partition, record.key, value)
        return Result(outcome="published", state=(change,))

    def start_due(self) -> None:
        """Nothing to start: all is due at once."""

    def done(self, timeout_s: float) -> list[Finished]:
        finished = []
        while self._due and self.go.is_set():
            place, key = self._due.popleft()
            value = self._items.get(place, {}).get(key)
            if value is None:
                continue
            value = b"x" * (PAGES.max_bytes + 1) if self._large else value
            output = Output(topic=PAGES, key=key, value=value, routing=repr(key))
            result = Result(outcome="published", outputs=(output,), facts={"offset": 1})
            finished.append(Finished(place=place, results=(result,), token=key))
            self._ending += 1
        return finished

    def changes(self, finished: Finished) -> tuple[Change, ...]:
        return (Change(FRONTIER, finished.place.partition, finished.token, None),)

    def committed(self, finished: Finished) -> None:
        self._ending -= 1
        del self._items[finished.place][finished.token]

    @property
    def in_flight(self) -> int:
        return self._ending

    def vitals(self) -> dict[str, Any]:
        return {"idle": not any(self._items.values())}

    def close(self) -> None:
        """Nothing to let go of."""


def entries(count: int, start: int = 0) -> list[bytes]:
    return [b"entry %05d" % number for number in range(start, start + count)]


def pages(opened: Any) -> Counter[bytes]:
    return Counter(record.value or b"" for record in everything(opened, PAGES))


def kept(opened: Any) -> list[bytes]:
    return [key for key, _ in opened.read_state(FRONTIER) if key != STEP_KEY]


def is_through(opened: Any) -> bool:
    return not waiting(opened, "fetcher") and not kept(opened)


def test_every_entry_becomes_a_page_once_and_leaves_the_state(tmp_path: Path) -> None:
    with connect(tmp_path) as opened:
        publish(opened, ENTRIES, entries(300))
        with Loop(tmp_path, "one").tend(Desk(), ENTRIES) as loop:
            wait_for(lambda: is_through(opened))
        assert loop.error is None
        assert pages(opened) == Counter(entries(300))
        assert sum(line.get("taken", 0) for line in loop.lines("step.commit")) == 300


def test_what_was_taken_in_is_worked_on_by_the_next_owner(tmp_path: Path) -> None:
    with connect(tmp_path) as opened:
        publish(opened, ENTRIES, entries(50))
        lazy = Desk()
        lazy.go.clear()
        with Loop(tmp_path, "one").tend(lazy, ENTRIES):
            wait_for(lambda: len(kept(opened)) == 50)
        next_one = Desk()
        with Loop(tmp_path, "two").tend(next_one, ENTRIES):
            wait_for(lambda: is_through(opened))
        assert next_one.restored == Counter(entries(50))
        assert pages(opened) == Counter(entries(50))


def test_an_entry_of_the_future_holds_its_partition_alone(tmp_path: Path) -> None:
    with connect(tmp_path) as opened:
        publish(opened, ENTRIES, [b"future entry", b"entry behind it"], routing="held")
        publish(opened, ENTRIES, entries(50))
        held = next(r.partition for r in everything(opened, ENTRIES) if r.value == b"future entry")
        theirs = sum(r.partition != held for r in everything(opened, ENTRIES))
        desk = Desk()
        with Loop(tmp_path, "one").tend(desk, ENTRIES) as loop:
            wait_for(lambda: sum(pages(opened).values()) >= theirs)
            before = time.process_time()
            time.sleep(1.0)
            assert time.process_time() - before < 0.25, "it burns while it waits"
            assert 2 <= len(loop.lines("partition.held")) <= 6
            assert loop.lines("worker.heartbeat")[-1]["held"] == 1
            assert loop.lines("worker.heartbeat")[-1]["idle"] is False
            assert pages(opened)[b"entry behind it"] == 0
            desk.late.set()
            wait_for(lambda: is_through(opened))
        assert pages(opened) == Counter([b"future entry", b"entry behind it", *entries(50)])


def test_a_bad_entry_and_a_bug_are_dead_letters_in_the_step_that_takes_them_in(
    tmp_path: Path,
) -> None:
    with connect(tmp_path) as opened:
        publish(opened, ENTRIES, [b"bad one", b"bug one", *entries(5)])
        with Loop(tmp_path, "one").tend(Desk(), ENTRIES) as loop:
            wait_for(lambda: is_through(opened))
        reasons = Counter(r.header("dead-reason") for r in everything(opened, DEAD))
        assert reasons == {b"decode": 1, b"bug": 1}
        assert pages(opened) == Counter(entries(5))
        assert sum(line["records"] for line in loop.lines("step.commit")) == 7


def test_a_tender_whose_own_faults_kill_too_many_records_stops(tmp_path: Path) -> None:
    with connect(tmp_path) as opened:
        publish(opened, ENTRIES, [b"bug %d" % number for number in range(600)])
        loop = Loop(tmp_path, "one")
        with loop.tend(Desk(), ENTRIES):
            wait_for(lambda: not loop.is_running)
        assert isinstance(loop.error, FuseBlown)
        dead = len(everything(opened, DEAD))
        assert 200 <= dead == 600 - waiting(opened, "fetcher")


def test_a_tender_without_room_leaves_records_where_they_are(tmp_path: Path) -> None:
    with connect(tmp_path) as opened:
        publish(opened, ENTRIES, entries(100))
        desk = Desk(room=10)
        desk.go.clear()
        with Loop(tmp_path, "one").tend(desk, ENTRIES) as loop:
            wait_for(lambda: len(kept(opened)) == 10)
            time.sleep(0.3)
            assert len(kept(opened)) == 10
            assert waiting(opened, "fetcher") == 90
            desk.go.set()
            wait_for(lambda: is_through(opened))
        assert loop.error is None
        assert pages(opened) == Counter(entries(100))


def test_a_fenced_step_loses_no_entry_of_the_partitions_that_stayed_ours(tmp_path: Path) -> None:
    with connect(tmp_path) as opened:
        publish(opened, ENTRIES, entries(100))
        loop = Loop(tmp_path, "one")
        with loop.tend(Desk(), ENTRIES, wrap=lambda m: Refusing(m, Fenced("some are not ours"))):
            wait_for(lambda: is_through(opened))
        assert loop.error is None
        assert pages(opened) == Counter(entries(100))


def test_a_full_bus_stops_intake_burns_nothing_and_loses_nothing(tmp_path: Path) -> None:
    with connect(tmp_path) as opened:
        publish(opened, ENTRIES, entries(100))
        loop = Loop(tmp_path, "one")
        with loop.tend(Desk(), ENTRIES, wrap=lambda m: Refusing(m, BusFull("cap"))):
            wait_for(lambda: loop.lines("bus.full"))
            before = time.process_time()
            time.sleep(0.3)
            assert time.process_time() - before < 0.15, "it burns while it waits"
            assert loop.lines("worker.heartbeat")[-1]["held"]
            wait_for(lambda: is_through(opened))
        assert pages(opened) == Counter(entries(100))


def test_an_output_that_is_too_large_is_a_dead_letter_and_stops_nothing(tmp_path: Path) -> None:
    with connect(tmp_path) as opened:
        publish(opened, ENTRIES, entries(1))
        with Loop(tmp_path, "one").tend(Desk(large=True), ENTRIES) as loop:
            wait_for(lambda: is_through(opened))
        assert loop.error is None
        (letter,) = everything(opened, DEAD)
        assert letter.header("dead-reason") == b"record_too_large"
        assert letter.header("dead-topic") == b"pages"
        assert not pages(opened)


def test_entries_that_move_with_their_partition_become_pages_once(tmp_path: Path) -> None:
    with connect(tmp_path) as opened:
        publish(opened, ENTRIES, entries(200))
        slow = Desk()
        slow.go.clear()
        with Loop(tmp_path, "one").tend(slow, ENTRIES) as first:
            wait_for(lambda: len(kept(opened)) == 200)
            with Loop(tmp_path, "two").tend(Desk(), ENTRIES):
                wait_for(lambda: first.lines("partition.lost"))
                slow.go.set()
                wait_for(lambda: is_through(opened))
            publish(opened, ENTRIES, entries(50, 200))
            wait_for(lambda: is_through(opened))
        assert first.error is None
        assert pages(opened) == Counter(entries(250))


def test_an_idle_loop_uses_next_to_no_processor(tmp_path: Path) -> None:
    with connect(tmp_path), Loop(tmp_path, "one").tend(Desk(), ENTRIES) as loop:
        wait_for(lambda: loop.lines("worker.heartbeat"))
        before = time.process_time()
        time.sleep(0.6)
        assert time.process_time() - before < 0.06


def test_a_step_stays_within_the_bytes_of_a_burst(tmp_path: Path) -> None:
    large = [b"%02d" % number + b"x" * 100_000 for number in range(20)]
    with connect(tmp_path) as opened:
        publish(opened, ENTRIES, large)
        burst = Burst(records=1000, bytes=300_000, wait_s=0.3)
        with Loop(tmp_path, "one").tend(Desk(), ENTRIES, burst=burst) as loop:
            wait_for(lambda: is_through(opened))
        assert max(line["bytes"] for line in loop.lines("step.commit")) <= 400_100
        assert pages(opened) == Counter(large)


def test_a_stop_commits_what_was_taken_in(tmp_path: Path) -> None:
    with connect(tmp_path) as opened:
        publish(opened, ENTRIES, entries(20))
        desk = Desk()
        desk.go.clear()
        loop = Loop(tmp_path, "one").tend(desk, ENTRIES, burst=Burst(1000, 1 << 30, 60.0))
        wait_for(lambda: loop.life.ready and len(desk._due) == 20)
        loop.stop()
        assert len(kept(opened)) == 20
        assert not waiting(opened, "fetcher")
