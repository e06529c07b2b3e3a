"""Random operations of several members against a model: N distinct in, exactly N distinct out."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from contextlib import closing

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from contract.bus.driving import (
    SINK,
    SOURCE,
    TALLY,
    copies,
    counted,
    everything,
    marks,
    publish,
)
from newsmill.bus import connect
from newsmill.bus.base import Fenced

LIMIT = 4  # members at once


class Copying(RuleBasedStateMachine):
    """Copiers that come, go, die, restart in their slot, commit prefixes late and out of turn."""

    fresh: object = None  # gives the URL of a bus of its own

    @initialize()
    def begin(self):
        self.url = type(self).fresh()
        self.watcher = connect(self.url, "live")
        self.members = []
        self.published = 0

    def teardown(self):
        if not hasattr(self, "watcher"):
            return
        for worker in self.members:
            worker.bus.close()
        with closing(self.watcher):
            self.finish()

    def finish(self):
        """One more copier does what is left; then everything must have come out once, in order."""
        with closing(connect(self.url, "live")) as bus:
            last = Worker(bus, None)
            for _ in range(200):
                last.poll(50, 0.05)
                last.commit(10**9)
                if not any(each.waiting for each in bus.lag(["copier"])):
                    break
            last.member.leave()
        source, sink = everything(self.watcher, SOURCE), everything(self.watcher, SINK)
        assert len(source) == self.published
        assert [(r.partition, r.value) for r in sink] == [(r.partition, r.value) for r in source]
        counts = Counter(record.key for record in source)
        assert dict(self.watcher.read_state(TALLY)) == {k: b"%d" % n for k, n in counts.items()}

    @rule(count=st.integers(1, 12))
    def publish(self, count):
        names = range(self.published, self.published + count)
        publish(self.watcher, [b"%d" % (number % 7) for number in names])
        self.published += count

    @precondition(lambda self: len(self.members) < LIMIT)
    @rule()
    def join(self):
        self.members.append(Worker(connect(self.url, "live"), None))

    @precondition(lambda self: self.members)
    @rule(data=st.data())
    def replace(self, data):
        """Somebody starts in a slot that is held: the holder is fenced, and polls in vain."""
        old = data.draw(st.sampled_from(self.members))
        self.members.append(Worker(connect(self.url, "live"), old.member.slot))

    @precondition(lambda self: self.members)
    @rule(data=st.data(), count=st.integers(1, 20))
    def poll(self, data, count):
        self.use(data.draw(st.sampled_from(self.members)), lambda worker: worker.poll(count))

    @precondition(lambda self: self.members)
    @rule(data=st.data(), count=st.integers(0, 15))
    def commit(self, data, count):
        self.use(data.draw(st.sampled_from(self.members)), lambda worker: worker.commit(count))

    @precondition(lambda self: self.members)
    @rule(seconds=st.sampled_from([0.06, 0.06, 0.3]))
    def pause(self, seconds):
        """Long enough to look at the group again, or for the lease of whoever is silent."""
        time.sleep(seconds)
        for worker in [*self.members]:
            self.use(worker, lambda worker: worker.poll(3))

    @precondition(lambda self: self.members)
    @rule(data=st.data(), politely=st.booleans())
    def end(self, data, politely):
        worker = data.draw(st.sampled_from(self.members))
        if politely:
            worker.member.leave()
        worker.bus.close()
        self.members.remove(worker)

    def use(self, worker, action):
        try:
            action(worker)
        except Fenced:
            worker.bus.close()
            self.members.remove(worker)


class Worker:
    """A copier in this process: what it was delivered waits until a commit takes a prefix of it."""

    def __init__(self, bus, slot):
        self.bus = bus
        self.member = bus.join("copier", [SOURCE], slot=slot)
        self.waiting = defaultdict(list)
        self.memory = Counter()
        self.epochs = {}

    def poll(self, count, timeout_s=0.0):
        records = self.member.poll(timeout_s, max_records=count)
        self.follow()
        for record in records:
            self.waiting[record.place].append(record)

    def follow(self):
        """Drop all that belongs to partitions or epochs that went."""
        owned = {place: mark.epoch for place, mark in self.member.assignment.items()}
        for place in {*owned, *self.epochs}:
            if owned.get(place) != self.epochs.get(place):
                self.waiting.pop(place, None)
        if owned != self.epochs:
            self.memory = Counter()
            for place in owned:
                for key, value in self.member.restore(TALLY, place.partition):
                    self.memory[key] += int(value)
            self.epochs = owned

    def commit(self, count):
        """A prefix of every partition in turn, up to ``count`` records in all."""
        done = [r for waiting in self.waiting.values() for r in waiting][:count]
        if not done:
            return
        try:
            self.member.commit(
                copies(done), counted(self.member, done, self.memory), marks(self.member, done)
            )
        except Fenced:
            self.follow()
            if not self.member.assignment:
                raise
            return
        self.memory.update(record.key for record in done)
        for record in done:
            self.waiting[record.place].remove(record)


def test_whatever_members_do_every_record_is_copied_once_and_in_order(transport, tmp_path):
    made = iter(range(10**6))

    def fresh():
        folder = tmp_path / str(next(made))
        folder.mkdir()
        return transport.brisk(folder)

    machine = type("Copying", (Copying,), {"fresh": staticmethod(fresh)})
    run = settings(
        max_examples=transport.examples,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    machine.TestCase.settings = run
    machine.TestCase().runTest()
