"""The caps of the embedded log and a full disk: what stops, what goes on, what is dropped."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from contract.bus.driving import SINK, SOURCE, copies, everything, marks, take
from contract.bus.transports import file_url
from newsmill.bus.base import BusFull, OutOfRange, Output
from newsmill.bus.file import FileBus, options
from newsmill.bus.file.retention import BALLAST
from newsmill.topics import PAGES, TOPICS

CAP = 100_000
CAPPED = replace(SOURCE, name="capped", retain_bytes=CAP)
CAPPED_SINK = replace(SINK, name="capped.sink", retain_bytes=CAP)
KB = b"x" * 1000


@contextmanager
def opened(folder: Path, **options: object) -> Iterator[FileBus]:
    spec = file_url(folder, synchronous="normal", **options).removeprefix("file:")
    with closing(FileBus(spec, "newsmill", "live")) as bus:
        yield bus


def fill(member, count, topic=CAPPED, start=0):
    """Publish so many records of 1 KB, ten a step."""
    for first in range(start, start + count, 10):
        member.commit(
            [
                Output(topic=topic, key=b"%d" % n, value=KB, partition=n % 4)
                for n in range(first, first + 10)
            ],
            [],
            {},
        )


def held(bus, topic=CAPPED):
    return next(each.bytes for each in bus.describe() if each.topic == topic.name)


def test_a_topic_that_nobody_reads_drops_its_oldest_past_the_cap(tmp_path):
    with opened(tmp_path) as bus:
        fill(bus.join("tool", []), 300)
        assert held(bus) <= CAP
        keys = sorted(int(record.key) for record in everything(bus, CAPPED))
        assert keys[-1] == 299
        assert keys[0] > 150
        assert len(keys) > 50


def test_what_a_group_has_not_read_is_kept_and_the_source_stops(tmp_path):
    with opened(tmp_path) as bus:
        reader, tool = bus.join("readers", [CAPPED]), bus.join("tool", [])
        with pytest.raises(BusFull, match=r"capped is at its cap of 100000 bytes; .*readers"):
            fill(tool, 300)
        there = len(everything(bus, CAPPED))
        assert 60 < there <= 100
        records = take(reader, there)
        assert len(records) == there
        with pytest.raises(BusFull):
            fill(tool, 10, start=500)
        reader.commit([], [], marks(reader, records))
        fill(tool, 20, start=500)
        assert held(bus) <= CAP
        assert sorted(int(r.key) for r in take(reader, 20)) == list(range(500, 520))


def test_a_step_that_drains_goes_on_in_the_headroom_and_ends_at_its_end(tmp_path):
    with opened(tmp_path) as bus:
        bus.join("late", [CAPPED_SINK])
        fill(bus.join("tool", []), 300, SOURCE)
        member = bus.join("copier", [SOURCE])
        written = 0

        def drain():
            nonlocal written
            while records := member.poll(0.1, max_records=10):
                outputs = [replace(each, topic=CAPPED_SINK) for each in copies(records)]
                member.commit(outputs, [], marks(member, records))
                written += len(records)

        with pytest.raises(BusFull, match=r"capped\.sink is at its cap of 200000 bytes"):
            drain()
        assert written > 150
        assert len(everything(bus, CAPPED_SINK)) == written
        with pytest.raises(BusFull, match="at its cap of 100000"):
            fill(bus.join("tool", []), 10, CAPPED_SINK)


def test_an_abandoned_group_no_longer_keeps_anything_once_dropped(tmp_path):
    with opened(tmp_path) as bus:
        bus.join("abandoned", [CAPPED]).leave()
        tool = bus.join("tool", [])
        with pytest.raises(BusFull, match="abandoned"):
            fill(tool, 300)
        bus.drop_group("abandoned")
        fill(tool, 300)
        assert held(bus) <= CAP


def test_where_unread_records_may_be_dropped_their_group_is_told(tmp_path):
    with opened(tmp_path, unread="drop") as bus:
        reader, tool = bus.join("readers", [CAPPED]), bus.join("tool", [])
        reader.poll(0)
        fill(tool, 300)
        assert held(bus) <= CAP
        with pytest.raises(OutOfRange, match=r"group readers is at 0 of capped/\d; the log holds"):
            reader.poll(1)


def test_what_all_groups_have_passed_stays_while_there_is_room(tmp_path):
    with opened(tmp_path) as bus:
        reader, tool = bus.join("readers", [CAPPED]), bus.join("tool", [])
        fill(tool, 50)
        records = take(reader, 50)
        reader.commit([], [], marks(reader, records))
        fill(tool, 10)
        assert len(everything(bus, CAPPED)) == 60


def test_a_cap_of_the_whole_bus_is_divided_as_the_topics_are(tmp_path):
    found = options.parse(f"{tmp_path}?cap_bytes=1000000")
    caps = {topic.name: found.cap_of(topic) for topic in TOPICS}
    assert sum(cap or 0 for cap in caps.values()) <= 1_000_000
    assert caps["pages"] == pytest.approx(caps["enriched"] * 2, abs=2)
    assert caps["feeds"] is caps["frontier"] is None
    assert options.parse(str(tmp_path)).cap_of(PAGES) == PAGES.retain_bytes


def test_a_disk_that_is_short_stops_sources_but_not_what_drains(tmp_path):
    with opened(tmp_path) as bus:
        fill(bus.join("tool", []), 20, SOURCE)
    with opened(tmp_path, min_free_bytes=1 << 60) as bus:
        with pytest.raises(BusFull, match="bytes free"):
            fill(bus.join("tool", []), 10, SOURCE)
        member = bus.join("copier", [SOURCE])
        records = take(member, 20)
        member.commit(copies(records), [], marks(member, records))
        assert len(everything(bus, SINK)) == 20


def test_a_full_disk_refuses_the_step_whole_and_the_same_step_works_when_there_is_room(tmp_path):
    """SQLite's own page limit stands for the disk: it gives the same error at the same place."""
    with opened(tmp_path) as bus:
        reader, tool = bus.join("readers", [SOURCE]), bus.join("tool", [])
        reader.poll(0)
        connection = tool._db.conn
        limit = connection.pragma("max_page_count", connection.pragma("page_count") + 20)
        with pytest.raises(BusFull):
            fill(tool, 300, SOURCE)
        there = everything(bus, SOURCE)
        assert len(there) % 10 == 0
        assert 0 < len(there) < 300
        connection.pragma("max_page_count", limit + 10_000)
        fill(tool, 10, SOURCE, start=900)
        assert len(take(reader, len(there) + 10)) == len(there) + 10


def test_a_full_disk_drops_nothing_whose_reader_may_be_yet_to_come(tmp_path):
    with opened(tmp_path) as bus:
        tool = bus.join("tool", [])
        fill(tool, 10, SOURCE)
        connection = tool._db.conn
        connection.pragma("max_page_count", connection.pragma("page_count") + 20)
        with pytest.raises(BusFull):
            fill(tool, 300, SOURCE)
        there = everything(bus, SOURCE)
        assert len(take(bus.join("late", [SOURCE]), len(there))) == len(there)
        assert {record.offset for record in there if record.partition == 0} >= {0}


def test_the_ballast_is_made_given_up_and_made_again(tmp_path):
    with opened(tmp_path, ballast_bytes=1 << 20) as bus:
        ballast = tmp_path / "bus" / BALLAST
        assert ballast.stat().st_size == 1 << 20
        reader, tool = bus.join("readers", [SOURCE]), bus.join("tool", [])
        reader.poll(0)
        connection = tool._db.conn
        connection.pragma("max_page_count", connection.pragma("page_count") + 20)
        made = ballast.stat().st_ino, ballast.stat().st_ctime_ns
        with pytest.raises(BusFull):
            fill(tool, 300, SOURCE)
        assert (ballast.stat().st_ino, ballast.stat().st_ctime_ns) != made


LIMITED = """
import resource
import sys
from contextlib import closing
from contract.bus.driving import SOURCE, everything
from contract.bus.test_file_room import fill
from newsmill.bus import connect
from newsmill.bus.base import BusFull
with closing(connect(sys.argv[1], "live")) as bus:
    bus.join("readers", [SOURCE])
    tool = bus.join("tool", [])
    fill(tool, 50, SOURCE)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        fill(tool, 1000, SOURCE, start=100)
    except BusFull as full:
        print(len(everything(bus, SOURCE)) % 10, full)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    before = len(everything(bus, SOURCE))
    fill(tool, 10, SOURCE, start=5000)
    print(len(everything(bus, SOURCE)) - before)
"""


def test_a_write_that_the_system_refuses_is_read_back_and_the_bus_goes_on(tmp_path):
    """A limit on the size of files makes writes fail with an I/O error, in COMMIT too."""
    found = subprocess.run(
        [sys.executable, "-c", LIMITED, file_url(tmp_path)],
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = found.stdout.splitlines()
    assert first.startswith("0 ")
    assert "bus.db" in first
    assert second == "10"
