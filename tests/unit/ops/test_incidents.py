"""Incidents that take hours or machines, told by lines as workers write them, and what names each.

Those that real workers show in seconds are in tests/e2e/test_incidents.py.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from newsmill.ops.render import render_summary
from newsmill.ops.summary import ALARMS, summarise
from running import newsmill
from unit.ops.journal import Journal, Process

MINUTE = 60_000


def beat(journal: Journal, worker: Process, minutes: float, **fields: object) -> None:
    """Heartbeats each half minute."""
    for _ in range(int(minutes * 2)):
        journal.now_ms += 30_000
        worker.say("worker.heartbeat", uptime_s=journal.now_ms / 1000, **fields)


def steps(journal: Journal, worker: Process, topic: str, offsets: range, **fields: object) -> None:
    for offset in offsets:
        journal.now_ms += 1_000
        worker.record("published", topic, 0, offset=offset, took_ms=5, **fields)
        worker.say("step.commit", positions={f"{topic}/0": offset + 1}, records=1, took_ms=9)


def begun(journal: Journal, service: str, topic: str, slot: int = 0, at: int = 0) -> Process:
    worker = journal.process(service, slot)
    worker.say("partition.assigned", positions={f"{topic}/0": at})
    return worker


def a_stuck_partition(journal: Journal) -> None:
    worker = begun(journal, "extractor", "pages")
    steps(journal, worker, "pages", range(5))
    why = "record version 9 is newer than this worker"
    worker.say("partition.held", "warning", topic="pages", partition=0, offset=5, why=why)
    beat(journal, worker, 1)


def a_slow_store(journal: Journal) -> None:
    enricher = begun(journal, "enricher", "articles")
    archiver = begun(journal, "archiver", "enriched")
    for turn in range(40):
        steps(journal, enricher, "articles", range(turn * 10, turn * 10 + 10))
        steps(journal, archiver, "enriched", range(turn, turn + 1))
        archiver.say("worker.heartbeat", uptime_s=journal.now_ms / 1000, rss_mb=50.0)


def a_full_disk(journal: Journal) -> None:
    worker = begun(journal, "producer", "feeds.state")
    worker.say("disk.low", "error", free_bytes=1_000_000, limit=500_000_000)
    worker.say("bus.full", "error", why="no space left on device", after_s=5)


def a_memory_leak(journal: Journal) -> None:
    worker = begun(journal, "extractor", "pages")
    for megabytes in range(60, 400, 2):
        beat(journal, worker, 0.5, rss_mb=float(megabytes))


def a_clock_jump(journal: Journal) -> None:
    worker = begun(journal, "fetcher", "entries")
    beat(journal, worker, 2)
    uptime_s = journal.now_ms / 1000
    journal.now_ms += 3_600_000
    worker.say("worker.heartbeat", uptime_s=uptime_s + 30)


def our_own_network_down(journal: Journal) -> None:
    worker = begun(journal, "fetcher", "entries")
    worker.say("network.down", "error", why="12 domains in a row gave no answer")
    beat(journal, worker, 1)


def a_crash_loop(journal: Journal) -> None:
    for _ in range(5):
        worker = begun(journal, "enricher", "articles", slot=1)
        worker.say("worker.heartbeat", uptime_s=1.0)
        journal.now_ms += 10_000
    beat(journal, begun(journal, "enricher", "articles", slot=1), 1)


def a_poison_loop(journal: Journal) -> None:
    worker = begun(journal, "extractor", "pages")
    for offset in range(4):
        worker.record(
            "dead", "pages", 0, offset=offset, reason="child_died", page_id="5" * 32,
            detail="killed by signal 9",
        )  # fmt: skip
        worker.say("step.commit", positions={"pages/0": offset + 1}, records=1, took_ms=9)


def a_feed_that_lost_entries(journal: Journal) -> None:
    worker = begun(journal, "producer", "feeds.state")
    feed = {"feed": "http://quick.example/feed", "site": "quick.example"}
    for _ in range(2):
        worker.say(
            "feed.poll", status=200, outcome="published", entries=20, fresh=20, seen=0,
            next_s=3600.0, **feed,
        )  # fmt: skip
        journal.now_ms += 10 * MINUTE
    worker.say("feed.change", "warning", what="overtaken", detail="none is among its 20", **feed)


@pytest.mark.parametrize(
    ("incident", "line"),
    [
        (a_stuck_partition, "extractor: pages/0 is held since 2026-03-01 08:00:05: record"),
        (a_slow_store, "archiver: falls behind: more comes than it finishes; 360 wait"),
        (a_full_disk, "the disk was short, and no new work was taken"),
        (a_memory_leak, "extractor-0: its memory grew by"),
        (a_clock_jump, "fetcher-0: its clock jumped forward by 59 min"),
        (our_own_network_down, "fetcher: our own network was away"),
        (a_crash_loop, "enricher-1: crashed or was killed: 5 times"),
        (a_poison_loop, f"page {'5' * 32} died 4 times: extractor: child_died"),
        (a_feed_that_lost_entries, "1 feed lost entries"),
    ],
)  # fmt: skip
def test_the_summary_names_it(incident: Callable[[Journal], None], line: str) -> None:
    journal = Journal()
    incident(journal)
    told = render_summary(summarise(journal.lines))
    assert line in told


def extracted(
    journal: Journal, worker: Process, offsets: range, *, well: bool, took_ms: float
) -> None:
    for offset in offsets:
        journal.now_ms += 20_000
        worker.record(
            "published", "pages", 0, offset=offset, site="gazette.example",
            page_id=f"{offset:032x}",
            tier="sheet" if well else "trafilatura", chars=3_000 if well else 700,
            missing=[] if well else ["authors", "published"], took_ms=took_ms + offset % 7,
        )  # fmt: skip
        worker.say("step.commit", positions={"pages/0": offset + 1}, records=1, took_ms=9)
        worker.say("worker.heartbeat", uptime_s=journal.now_ms / 1000, rss_mb=70.0)


def a_site_redesign(journal: Journal) -> None:
    worker = begun(journal, "extractor", "pages")
    extracted(journal, worker, range(40), well=True, took_ms=5)
    extracted(journal, worker, range(40, 60), well=False, took_ms=5)


def a_worse_deploy(journal: Journal) -> None:
    extracted(journal, begun(journal, "extractor", "pages"), range(60), well=True, took_ms=5)
    after = journal.process("extractor", ver="1")
    after.say("partition.assigned", positions={"pages/0": 60})
    extracted(journal, after, range(60, 120), well=True, took_ms=15)


def a_silent_worker(journal: Journal) -> None:
    beat(journal, begun(journal, "extractor", "pages"), 2)
    beat(journal, begun(journal, "enricher", "articles"), 4)


@pytest.mark.parametrize(
    ("incident", "command", "code", "line"),
    [
        (a_site_redesign, "sites", 0, "gazette.example: length 3,000 → 700 characters since 2026"),
        (a_site_redesign, "sites", 0, f"newsmill ops trace {40:032x}"),
        (a_worse_deploy, "compare --deploy", 1, "WORSE   extractor: "),
        (a_silent_worker, "check", 1, "extractor: nobody speaks since 2026-03-01 08:02:00"),
    ],
)  # fmt: skip
def test_the_command_names_it(incident, command: str, code: int, line: str, tmp_path) -> None:
    journal = Journal()
    incident(journal)
    (tmp_path / "worker.jsonl").write_bytes(b"\n".join(journal.lines) + b"\n")
    done = newsmill("ops", *command.split(), tmp_path)
    told = done.stdout.decode()
    assert line in told, told + done.stderr.decode()
    assert done.returncode == code, told


@pytest.mark.parametrize("event", sorted(ALARMS))
def test_every_alarm_has_its_words(event: str) -> None:
    journal = Journal()
    begun(journal, "fetcher", "entries").say(event, "warning")
    assert "1 time" in render_summary(summarise(journal.lines))
