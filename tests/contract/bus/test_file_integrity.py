"""What the embedded log survives: cuts at any byte, flipped bytes, commits that fail half-way."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from contract.bus.driving import SINK, SOURCE, TALLY, everything, marks, numbered, publish, take
from contract.bus.test_crashes import COUNT, POINTS, assert_exactly_once, assert_whole
from contract.bus.transports import file_url
from newsmill.bus import connect
from newsmill.bus.base import Bus, BusFull, BusUnknown, Change, Member, Output
from newsmill.bus.file import FileBus, database
from newsmill.bus.file.database import FORMAT, MIGRATIONS
from newsmill.errors import Misconfigured


def opened(folder: Path) -> closing[FileBus]:
    return closing(FileBus(file_url(folder).removeprefix("file:"), "newsmill", "live"))


def file_of(folder: Path) -> Path:
    return folder / "bus" / "bus.db"


def assert_sound(folder: Path) -> None:
    with closing(apsw.Connection(str(file_of(folder)))) as db:
        assert db.pragma("integrity_check") == "ok"


# -- kills


@pytest.mark.parametrize("point", POINTS)
def test_the_file_is_sound_after_a_member_was_killed(
    tmp_path: Path, children: Any, point: str
) -> None:
    with closing(connect(file_url(tmp_path), "live")) as bus:
        publish(bus, numbered(COUNT))
        for _ in range(3):
            child = children.start(crash_at=f"{point}:2")
            child.until_its_end("committed")
            assert child.wait() == -signal.SIGKILL
            assert_whole(bus)
        assert_sound(tmp_path)
        assert children.start(until=COUNT).wait() == 0
        assert_exactly_once(bus)
    assert_sound(tmp_path)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return file_url(tmp_path)


# -- a write-ahead log that ends anywhere

STEPS = 2
SMALL_PAGE = 512  # bytes: the smallest there is, so that every byte of a step can be a cut


def test_a_log_cut_at_every_byte_of_its_last_steps_opens_to_whole_steps(tmp_path: Path) -> None:
    start_with_small_pages(tmp_path)
    with opened(tmp_path) as bus:
        reader = bus.join("copier", [SOURCE])
        publish(bus, [b"start"], routing="one")
        publish(bus, [b"first"], SINK, routing="one")  # so that the topics are made
        records = take(reader, 1)
        assert not list(reader.restore(TALLY, records[0].partition))
        wal = file_of(tmp_path).with_name("bus.db-wal")
        before = wal.stat().st_size
        [(place, mark)] = marks(reader, records).items()
        for number in range(STEPS):
            value = b"step-%d" % number
            reader.commit(
                [Output(topic=SINK, key=b"k", value=value, partition=0)],
                [Change(TALLY, place.partition, b"steps", b"%d" % (number + 1))],
                {place: mark},
            )
        base = tmp_path / "base"
        # By another process: closing the file here would drop the locks that SQLite holds on it.
        subprocess.run(["cp", "-r", tmp_path / "bus", base], check=True)
    cut = base / "bus.db-wal"
    end = cut.stat().st_size
    assert (end - before) % (24 + SMALL_PAGE) == 0
    seen = []
    for at in range(end, before - 1, -1):
        os.truncate(cut, at)
        seen.append(steps_in(base / "bus.db"))
    assert seen == sorted(seen, reverse=True)
    assert {*seen} == {*range(STEPS + 1)}


def start_with_small_pages(folder: Path) -> None:
    """An empty file whose pages are small: the bus makes its tables in it as in any empty one."""
    file_of(folder).parent.mkdir()
    with closing(apsw.Connection(str(file_of(folder)))) as db:
        db.pragma("page_size", SMALL_PAGE)
        db.pragma("auto_vacuum", 2)
        db.pragma("journal_mode", "wal")


def steps_in(path: Path) -> int:
    """How many steps the file holds; outputs, state and the member's count must agree.

    The write-ahead log is left as it is, so that it can be cut once more.
    """
    with closing(apsw.Connection(str(path))) as db:
        db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        db.pragma("locking_mode", "exclusive")  # no file of shared memory, which takes the time
        outputs = db.execute("SELECT count(*) FROM log WHERE CAST(val AS TEXT) LIKE 'step-%'").get
        state = db.execute("SELECT val FROM state WHERE key = CAST('steps' AS BLOB)").get
        counted = db.execute("SELECT max(steps) FROM members").get
        assert db.pragma("integrity_check") == "ok"
    assert outputs == int(state or 0) == counted
    return int(outputs)


# -- a byte that the disk changed


def test_a_byte_flipped_on_disk_is_found_when_it_is_read_and_never_delivered(
    tmp_path: Path,
) -> None:
    values = [b"value-%02d-" % number + b"x" * 200 for number in range(20)]
    with opened(tmp_path) as bus:
        publish(bus, values, routing="one")
    file = file_of(tmp_path)
    content = bytearray(file.read_bytes())
    at = content.rindex(b"value-07-")
    content[at + 100] ^= 1
    file.write_bytes(content)
    assert_sound(tmp_path)  # which is why every record has a checksum of its own
    with opened(tmp_path) as bus:
        told: list[Any] = []
        bus.on_notice = lambda what, facts: told.append((what, facts["offset"]))
        reader = bus.join("readers", [SOURCE])
        came = [record.value for record in take(reader, 19)]
        assert len(came) == 19
        assert set(values) - set(came) == {values[7]} or values[7] not in came
        assert told == [("damaged", 7)]
        assert bus.quarantined() == 1


# -- a COMMIT that fails


@pytest.fixture
def hooks() -> Iterator[list[Any]]:
    """What is done to every connection that is opened during the test."""
    before = list(apsw.connection_hooks)
    yield apsw.connection_hooks
    apsw.connection_hooks[:] = before


def failing_after(db: apsw.Connection) -> None:
    """Every COMMIT of the connection fails after it has happened."""
    db.set_wal_hook(lambda *_: apsw.SQLITE_IOERR)


def member_of(bus: Bus, hooks: list[Any], hook: Any) -> Member:
    """A member whose connection, until it is opened anew, is as the hook makes it."""
    publish(bus, [b"first"], SINK, routing="r")  # so that the topic is made
    connections: list[apsw.Connection] = []
    hooks.append(connections.append)
    member = bus.join("tool", [])
    hooks.pop()
    hook(connections[-1])
    return member


def steps_of(bus: Bus) -> list[bytes | None]:
    return [record.value for record in everything(bus, SINK) if record.key == b"k"]


def step(number: int) -> list[Output]:
    return [Output(topic=SINK, key=b"k", value=b"%d" % number, partition=0)]


def test_a_commit_that_failed_after_it_happened_is_no_failure(
    tmp_path: Path, hooks: list[Any]
) -> None:
    with opened(tmp_path) as bus:
        member = member_of(bus, hooks, failing_after)
        for number in range(3):  # the second on a connection that was opened anew
            member.commit(step(number), [], {})
        assert steps_of(bus) == [b"0", b"1", b"2"]
    assert_sound(tmp_path)


def test_a_commit_whose_end_cannot_be_read_back_is_unknown_and_ends_the_process(
    tmp_path: Path, hooks: list[Any]
) -> None:
    def refuse(db: apsw.Connection) -> None:
        raise apsw.IOError("the disk is gone")

    with opened(tmp_path) as bus:
        member = member_of(bus, hooks, failing_after)
        hooks.append(refuse)
        with pytest.raises(BusUnknown, match="the disk is gone"):
            member.commit(step(0), [], {})
        hooks.pop()
    with opened(tmp_path) as bus:
        assert steps_of(bus) == [b"0"]


class Failing(apsw.VFS):
    """A file system whose writes to the write-ahead log fail, as long as it is told to."""

    def __init__(self) -> None:
        self.left = 0  # writes that still succeed
        self.fails = False
        self.failed = 0
        super().__init__("failing", "")

    def xOpen(self, name: Any, flags: list[int]) -> Any:  # apsw's own name
        return FailingFile(self, name, flags)


class FailingFile(apsw.VFSFile):
    def __init__(self, vfs: Failing, name: Any, flags: list[int]) -> None:
        self._vfs = vfs
        self._is_wal = bool(flags[0] & apsw.SQLITE_OPEN_WAL)
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # apsw's own name
        if self._is_wal and self._vfs.fails:
            if self._vfs.left <= 0:
                self._vfs.failed += 1
                raise apsw.IOError("injected")
            self._vfs.left -= 1
        super().xWrite(data, offset)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Failing]:
    vfs = Failing()
    made = apsw.Connection
    monkeypatch.setattr(database.apsw, "Connection", lambda path: made(path, vfs="failing"))
    yield vfs
    monkeypatch.undo()
    vfs.unregister()


@pytest.mark.parametrize("left", range(6))
def test_a_write_that_fails_at_any_moment_leaves_the_step_out_and_the_next_one_works(
    tmp_path: Path, failing: Failing, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as bus:
        member = bus.join("tool", [])
        member.commit(step(0), [], {})
        failing.fails, failing.left = True, left
        done = until_it_fails(member)
        failing.fails = False
        assert failing.failed > 0
        assert steps_of(bus) == [b"%d" % number for number in range(done)]
        member.commit(step(done), [], {})
        assert len(steps_of(bus)) == done + 1
    monkeypatch.undo()
    assert_sound(tmp_path)


def until_it_fails(member: Member) -> int:
    """How many steps there are when the next one is refused."""
    for number in range(1, 9):
        try:
            member.commit(step(number), [], {})
        except BusFull:
            return number
    raise AssertionError("no write failed")


def test_a_process_stopped_while_it_opens_the_log_stops_no_other_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as bus:
        publish(bus, numbered(3))
    monkeypatch.setattr(database, "PATIENCE_S", 0.3)
    with (tmp_path / "bus" / "opening.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BusFull, match=r"opening\.lock: another process kept it locked"):
            opened(tmp_path).thing.close()
    with opened(tmp_path) as bus:
        assert len(everything(bus, SOURCE)) == 3


# -- formats


def test_an_older_format_is_brought_to_the_present_one_and_then_refused_by_the_older(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as bus:
        publish(bus, numbered(10))
    with monkeypatch.context() as newer:
        newer.setattr(database, "MIGRATIONS", (*MIGRATIONS, "ALTER TABLE log ADD more BLOB"))
        with opened(tmp_path) as bus:
            assert sorted(r.value for r in everything(bus, SOURCE)) == numbered(10)
            publish(bus, numbered(5, start=10))
    with pytest.raises(Misconfigured, match=f"on-disk format {FORMAT + 1}; this newsmill reads"):
        opened(tmp_path).thing.close()


def test_a_migration_that_fails_leaves_the_format_that_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as bus:
        publish(bus, numbered(10))
    with monkeypatch.context() as broken:
        broken.setattr(database, "MIGRATIONS", (*MIGRATIONS, "ALTER TABLE log ADD x; SELECT y"))
        with pytest.raises(apsw.SQLError):
            opened(tmp_path).thing.close()
    with opened(tmp_path) as bus:
        assert len(everything(bus, SOURCE)) == 10
