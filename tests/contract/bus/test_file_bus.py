"""What only the embedded log has: its file and format, options, damaged records, its detector."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.bus.driving import (
    RULES,
    SINK,
    SOURCE,
    TALLY,
    Children,
    everything,
    marks,
    numbered,
    publish,
    settle,
    shares,
    take,
)
from contract.bus.transports import file_url
from newsmill.bus import connect
from newsmill.bus.base import Change, Output
from newsmill.bus.file import FileBus, bells
from newsmill.bus.file.database import FORMAT
from newsmill.bus.share import share
from newsmill.errors import Misconfigured


@contextmanager
def opened(folder: Path, **options: object) -> Iterator[FileBus]:
    spec = file_url(folder, **options).removeprefix("file:")
    with closing(FileBus(spec, "newsmill", "live")) as bus:
        yield bus


def database(folder: Path) -> Path:
    return folder / "bus" / "bus.db"


def altered(folder: Path, sql: str) -> None:
    """Run SQL on a bus that nobody has open."""
    with closing(apsw.Connection(str(database(folder)))) as conn:
        conn.execute(sql)


def test_parent_folders_are_made(tmp_path):
    with opened(tmp_path / "a" / "b") as bus:
        publish(bus, numbered(1))
    assert database(tmp_path / "a" / "b").exists()


def test_a_newer_format_is_refused_in_one_line(tmp_path):
    with opened(tmp_path):
        pass
    altered(tmp_path, f"PRAGMA user_version={FORMAT + 1}")
    with pytest.raises(
        Misconfigured, match=f"on-disk format {FORMAT + 1}; this newsmill reads"
    ) as e:
        connect(file_url(tmp_path), "live")
    assert "\n" not in str(e.value)


def test_a_file_that_is_no_database_is_refused_in_one_line(tmp_path):
    database(tmp_path).parent.mkdir()
    database(tmp_path).write_bytes(b"a diary, not a log\n" * 100)
    with pytest.raises(Misconfigured, match=r"bus\.db is no SQLite database"):
        connect(file_url(tmp_path), "live")
    assert database(tmp_path).read_bytes().startswith(b"a diary")


def test_a_database_of_something_else_is_refused(tmp_path):
    database(tmp_path).parent.mkdir()
    altered(tmp_path, "CREATE TABLE recipes(name)")
    with pytest.raises(Misconfigured, match="but not a newsmill bus"):
        connect(file_url(tmp_path), "live")


def test_a_directory_that_cannot_be_made_is_refused_in_one_line(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(Misconfigured, match=r"bus directory .*taken/bus: Not a directory"):
        connect(file_url(tmp_path / "taken"), "live")


def test_a_directory_that_cannot_be_written_is_refused_in_one_line():
    with pytest.raises(Misconfigured, match="bus directory /proc/newsmill: "):
        connect("file:/proc/newsmill", "live")  # not even by root


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("file:x?sinchronous=full", "unknown option 'sinchronous'; known: ballast_bytes"),
        ("file:x?synchronous=off", "synchronous='off': must be full or normal"),
        ("file:x?cap_bytes=1G", "cap_bytes='1G': must be a number of bytes"),
        ("file:x?lease_s=0", "lease_s='0': must be between"),
        ("file:?lease_s=1", "no directory"),
    ],
)
def test_an_option_that_is_wrong_is_refused_by_name(url, says):
    with pytest.raises(Misconfigured, match=re.escape(says)):
        connect(url, "live")


def test_two_processes_may_make_the_bus_at_once(tmp_path):
    code = (
        "import sys; from newsmill.bus import connect; b = connect(sys.argv[1], 'live'); b.create()"
    )
    path = os.pathsep.join(filter(None, sys.path))
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", code, file_url(tmp_path)],
            env={**os.environ, "PYTHONPATH": path},
        )
        for _ in range(4)
    ]
    assert [maker.wait() for maker in makers] == [0, 0, 0, 0]


HEADERS = st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=50)), max_size=3).map(tuple)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileBus]:
    with opened(tmp_path_factory.mktemp("lasting"), synchronous="normal") as bus:
        yield bus


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(
        st.tuples(
            st.binary(max_size=40), st.none() | st.binary(max_size=200), HEADERS, st.integers(0, 3)
        ),
        min_size=1,
        max_size=8,
    )
)
def test_any_record_comes_back_as_it_went(lasting, rows):
    before = [len(list(lasting.scan(SOURCE, partition))) for partition in range(4)]
    tool = lasting.join("tool", [])
    tool.commit(
        [
            Output(topic=SOURCE, key=key, value=value, headers=headers, partition=partition)
            for key, value, headers, partition in rows
        ],
        [],
        {},
    )
    tool.leave()
    for partition in range(4):
        found = list(lasting.scan(SOURCE, partition))[before[partition] :]
        assert [(r.key, r.value, r.headers) for r in found] == [
            row[:3] for row in rows if row[3] == partition
        ]


def test_a_damaged_record_is_set_aside_and_said_and_its_neighbours_go_on(tmp_path):
    with opened(tmp_path) as bus:
        publish(bus, numbered(5), routing="one")
    altered(tmp_path, "UPDATE log SET val=x'00' WHERE val=CAST('item-0002' AS BLOB)")
    altered(tmp_path, "UPDATE log SET val=x'00' WHERE val=CAST('item-0004' AS BLOB)")
    with opened(tmp_path) as bus:
        told = []
        bus.on_notice = lambda what, facts: told.append((what, facts["offset"]))
        member = bus.join("readers", [SOURCE])
        records = take(member, 3)
        assert [r.value for r in records] == [numbered(5)[n] for n in (0, 1, 3)]
        assert told == [("damaged", 2), ("damaged", 4)]
        assert bus.quarantined() == 2
        member.commit([], [], marks(member, records))
        assert sum(each.waiting for each in bus.lag()) == 0
        publish(bus, [b"next"], routing="one")
        assert [r.value for r in take(member, 1)] == [b"next"]
        assert len(everything(bus, SOURCE)) == 4


def test_damaged_state_is_set_aside_and_said(tmp_path):
    with opened(tmp_path) as bus:
        member = bus.join("copier", [SOURCE])
        member.poll(0)
        place, mark = next(iter(member.assignment.items()))
        changes = [Change(TALLY, place.partition, key, b"v") for key in (b"a", b"b")]
        member.commit([], changes, {place: mark})
    altered(tmp_path, "UPDATE state SET val=x'00' WHERE key=CAST('a' AS BLOB)")
    with opened(tmp_path) as bus:
        told = []
        bus.on_notice = lambda what, facts: told.append((what, facts["key"]))
        member = bus.join("copier", [SOURCE])
        member.poll(0)
        assert list(member.restore(TALLY, place.partition)) == [(b"b", b"v")]
        assert told == [("damaged", "b'a'")]


def test_a_configuration_topic_that_changes_much_stays_small_and_whole(tmp_path):
    with opened(tmp_path, synchronous="normal") as bus:
        tool = bus.join("tool", [])
        follower = bus.follow(RULES)
        for number in range(25):
            tool.commit(
                [Output(topic=RULES, key=b"%d" % n, value=b"%d" % number) for n in range(100)],
                [],
                {},
            )
        assert sum(each.records for each in bus.describe()) <= 1200
        for reader in (follower, bus.follow(RULES)):
            latest = {record.key: record.value for record in reader.poll()}
            assert latest == {b"%d" % n: b"24" for n in range(100)}


@pytest.mark.parametrize("hang", [False, True], ids=["stopped", "hung"])
def test_a_step_that_ends_inside_its_transaction_is_found_and_freed(tmp_path, hang):
    url = file_url(tmp_path, detector="on")
    with ExitStack() as stack:
        bus = stack.enter_context(closing(FileBus(url.removeprefix("file:"), "newsmill", "live")))
        publish(bus, numbered(20))
        watcher = bus.join("watcher", [])
        watcher.poll(0)  # starts the detector
        told = []
        bus.on_notice = lambda what, facts: told.append((what, facts))
        children = stack.enter_context(Children(url))
        child = children.start(stop_at=["commit.written", 2], hang=hang)
        child.wait_for("stopping")
        started = time.monotonic()
        publish(bus, [b"not held up"])
        assert time.monotonic() - started < (4 if hang else 1.5)
        assert child.wait(3) == -signal.SIGKILL
        member = bus.join("copier", [SOURCE])
        settle([member], lambda: shares(member) == [4], 2)
        deadline = time.monotonic() + 3
        while not told and time.monotonic() < deadline:
            watcher.poll(0.2)
        assert told == [("killed", {"pid": child.pid})]
        with pytest.raises(ProcessLookupError):
            os.kill(child.pid, 0)


def test_there_is_one_detector_a_directory_and_it_ends_with_its_starter(tmp_path):
    with opened(tmp_path, detector="on") as bus:
        bus.join("readers", [SOURCE]).poll(0)
        deadline = time.monotonic() + 3
        while not (first := _detectors(tmp_path)) and time.monotonic() < deadline:
            time.sleep(0.02)
        bus.join("others", [SOURCE]).poll(0)
        assert len(first) == 1
        assert _detectors(tmp_path) == first
    assert _detectors(tmp_path) == []


def test_a_bell_wakes_a_waiting_poll_long_before_its_next_look(tmp_path):
    url = file_url(tmp_path, lease_s=3600)  # so that it looks five times a second, no more
    with ExitStack() as stack:
        bus = stack.enter_context(closing(connect(url, "live")))
        publish(bus, numbered(15))
        member = bus.join("readers", [SINK])
        member.poll(0)
        stack.enter_context(Children(url)).start(batch=1, pause_s=0.07)
        waits = []
        deadline = time.monotonic() + 10
        while len(waits) < 15 and time.monotonic() < deadline:
            waits += [time.time() * 1000 - r.timestamp_ms for r in member.poll(1)]
        assert sorted(waits)[len(waits) // 2] < 60


def test_without_inotify_a_waiting_poll_still_sees_what_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(bells, "_LIBC", None)  # as where the system has none
    with opened(tmp_path) as bus:
        member = bus.join("readers", [SOURCE])
        publish(bus, numbered(1))
        assert [r.value for r in take(member, 1)] == numbered(1)
        assert member.poll(0.1) == []


def _detectors(folder: Path) -> list[int]:
    """Running (not zombie) detectors of a bus, by their command lines."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(folder / "bus").encode() in line and b"detector.py" in line:
                found.append(int(entry.name))
    return found


@given(
    sizes=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    members=st.lists(st.integers(1, 9), min_size=1, max_size=6, unique=True),
    data=st.data(),
)
def test_a_share_is_even_stable_and_moves_no_more_than_it_must(sizes, members, data):
    numbers = iter(range(100, 200))
    topics = [([next(numbers) for _ in range(size)], members) for size in sizes]
    everyone = st.none() | st.sampled_from([*members, 77])
    owners = {number: data.draw(everyone) for partitions, _ in topics for number in partitions}
    targets = share(topics, owners)
    assert targets.keys() == owners.keys()
    for partitions, _ in topics:
        counts = [sum(targets[n] == member for n in partitions) for member in members]
        assert max(counts) - min(counts) <= 1
        quota = max(counts)
        for member in members:
            had = [n for n in partitions if owners[n] == member]
            kept = [n for n in had if targets[n] == member]
            assert len(kept) >= min(len(had), quota - 1)
    assert share(topics, targets) == targets
