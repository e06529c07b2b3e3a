"""A pool of real children, and every way in which a task can misbehave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing import forkserver
from pathlib import Path

import pytest

from newsmill.process.children import Children, Failure
from newsmill.process.profile import CHILD_START, CHILD_STOP
from running import wait_for

HANDLER = "contract.loops.tasks:handle"


@pytest.fixture
def pool() -> Iterator[Children]:
    children = Children(HANDLER, count=2, timeout_s=3.0, memory_mb=300)
    yield children
    children.close()


def ask(pool: Children, *tasks: str, within_s: float = 15.0) -> dict[str, list[bytes] | Failure]:
    """Each task to a child as there is room; the answers by task."""
    answers: dict[str, list[bytes] | Failure] = {}
    waiting = list(tasks)
    end = time.monotonic() + within_s
    while len(answers) < len(tasks):
        assert time.monotonic() < end, f"no answer to {set(tasks) - set(answers)}"
        while waiting and pool.free:
            task = waiting.pop(0)
            pool.start(task, [task.encode()])
        answers.update(pool.done(0.1))
    return answers


def pids(pool: Children) -> list[int]:
    return [child.process.pid for child in (*pool._idle, *pool._busy.values())]


def is_gone(pid: int) -> bool:
    """Whether it ended, and is no zombie either."""
    return not Path(f"/proc/{pid}").exists()


def is_dead(pid: int) -> bool:
    """Whether it ended; its zombie may be the business of whoever adopted it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def open_fds() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ("bomb", "memory"),
        ("segfault", "crash"),
        ("exit", "crash"),
        ("deep", "memory"),
        ("bad", "unparsable"),
        ("bug", "bug"),
        ("too large", "crash"),
    ],
)
def test_a_bad_task_costs_itself_and_its_neighbours_nothing(
    pool: Children, task: str, reason: str
) -> None:
    answers = ask(pool, "one", task, "two", "three")
    failure = answers.pop(task)
    assert isinstance(failure, Failure)
    assert failure.error.reason == reason
    assert answers == {name: [b"done", name.encode()] for name in ("one", "two", "three")}
    assert pool.free == 2


def test_a_bug_in_a_child_comes_with_its_traceback(pool: Children) -> None:
    failure = ask(pool, "bug")["bug"]
    assert isinstance(failure, Failure)
    assert "ValueError: a slip of ours" in failure.trace


def test_a_hanging_child_is_killed_in_time_while_others_go_on() -> None:
    told: list[str] = []
    pool = Children(
        HANDLER, count=2, timeout_s=1.5, on_killed=lambda reason, *_: told.append(reason)
    )
    before = pids(pool)
    started = time.monotonic()
    answers = ask(pool, "hang", "one", "two")
    took = time.monotonic() - started
    failure = answers["hang"]
    assert isinstance(failure, Failure)
    assert failure.error.reason == "timeout"
    assert answers["two"] == [b"done", b"two"]
    assert took < 4
    assert told == ["timeout"]
    after = pids(pool)
    assert len(after) == 2
    assert all(is_gone(pid) for pid in set(before) - set(after))
    pool.close()


def test_a_child_killed_from_outside_is_a_crash_and_is_replaced(pool: Children) -> None:
    pool.start("hang", [b"hang"])
    (busy,) = pool._busy.values()
    os.kill(busy.process.pid or 0, signal.SIGKILL)
    ((_, failure),) = pool.done(5.0)
    assert isinstance(failure, Failure)
    assert failure.error.reason == "crash"
    assert pool.free == 2
    assert ask(pool, "one")["one"] == [b"done", b"one"]


def test_an_idle_child_that_died_costs_one_answer(pool: Children) -> None:
    for pid in pids(pool):
        os.kill(pid, signal.SIGKILL)
    first = ask(pool, "one", "two")
    assert all(isinstance(answer, Failure) for answer in first.values())
    assert ask(pool, "three")["three"] == [b"done", b"three"]


def test_a_stopped_child_is_killed_in_time() -> None:
    pool = Children(HANDLER, count=1, timeout_s=0.5)
    failure = ask(pool, "stop in the middle")["stop in the middle"]
    assert isinstance(failure, Failure)
    assert failure.error.reason == "timeout"
    assert ask(pool, "one")["one"] == [b"done", b"one"]
    pool.close()


def test_a_child_that_is_stopped_while_it_is_given_a_large_page_stops_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("newsmill.process.children.PIPE_DEADLINE_S", 1)
    pool = Children(HANDLER, count=1, timeout_s=5.0)
    os.kill(pids(pool)[0], signal.SIGSTOP)
    started = time.monotonic()
    pool.start("page", [b"page", b"x" * (4 << 20)])
    ((_, failure),) = pool.done(5.0)
    assert time.monotonic() - started < 4
    assert isinstance(failure, Failure)
    assert failure.error.reason == "crash"
    pool.close()


def test_a_large_answer_passes(pool: Children) -> None:
    answer = ask(pool, "large")["large"]
    assert isinstance(answer, list)
    assert len(answer[0]) == 20 << 20


def test_children_write_to_neither_standard_stream(
    pool: Children, capfd: pytest.CaptureFixture[str]
) -> None:
    assert ask(pool, "talk")["talk"] == [b"done", b"talk"]
    assert capfd.readouterr() == ("", "")


def test_children_are_recycled_and_leak_neither_descriptors_nor_processes() -> None:
    pool = Children(HANDLER, count=1, recycle_after=3)
    seen = set(pids(pool))
    ask(pool, *(f"warm {number}" for number in range(3)))
    before = open_fds()
    for round_ in range(4):
        answers = ask(pool, *(f"{round_} {number}" for number in range(3)))
        assert not any(isinstance(answer, Failure) for answer in answers.values())
        seen |= set(pids(pool))
    assert isinstance(ask(pool, "exit")["exit"], Failure)
    assert open_fds() == before
    assert len(seen) == 5
    living = pids(pool)
    assert all(is_gone(pid) for pid in seen - set(living))
    pool.close()
    wait_for(lambda: all(map(is_gone, living)), 3)


def test_closing_ends_busy_and_stopped_children_soon() -> None:
    pool = Children(HANDLER, count=3)
    everyone = pids(pool)
    pool.start("hang", [b"hang"])
    os.kill(pids(pool)[0], signal.SIGSTOP)
    started = time.monotonic()
    pool.close()
    assert time.monotonic() - started < 5
    wait_for(lambda: all(map(is_gone, everyone)), 3)


def test_the_death_of_the_fork_server_costs_only_what_was_with_its_children(
    pool: Children,
) -> None:
    ask(pool, "first", "second")
    pool.start("hang", [b"hang"])
    os.kill(forkserver._forkserver._forkserver_pid, signal.SIGKILL)
    ((_, failure),) = pool.done(5.0)
    assert isinstance(failure, Failure)
    assert failure.error.reason == "crash"
    answers = ask(pool, "one", "two", "three")
    assert isinstance(ask(pool, "four")["four"], list), answers


def test_a_fork_server_that_was_stopped_is_replaced_in_time(
    pool: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsmill.process.children.FORK_S", 2.0)
    ask(pool, "first", "second")
    stopped = forkserver._forkserver._forkserver_pid
    os.kill(stopped, signal.SIGSTOP)
    for pid in pids(pool):
        os.kill(pid, signal.SIGKILL)
    started = time.monotonic()
    answers = ask(pool, "one", "two")
    assert all(isinstance(answer, Failure) for answer in answers.values())
    assert isinstance(ask(pool, "three")["three"], list)
    assert time.monotonic() - started < 20
    wait_for(lambda: is_gone(stopped), 5)


PARENT = """
import sys, time
from newsmill.process.children import Children
if __name__ == "__main__":
    pool = Children("contract.loops.tasks:handle", count=2)
    pool.start("hang", [b"hang"])
    print(*[c.process.pid for c in (*pool._idle, *pool._busy.values())], flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("after_s", [0.0, 0.5])
def test_children_die_with_their_parent_even_by_kill_9_and_even_while_busy(
    tmp_path: Path, after_s: float
) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    parent = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, env=environment
    )
    assert parent.stdout is not None
    with parent.stdout:
        children = [int(word) for word in parent.stdout.readline().split()]
    assert len(children) == 2
    assert not any(map(is_dead, children))
    time.sleep(after_s)  # at first they are not yet at work
    parent.kill()
    parent.wait()
    wait_for(lambda: all(map(is_dead, children)), 3)


def test_children_write_profiles_of_their_own_when_told_to(tmp_path: Path) -> None:
    pool = Children(HANDLER, count=2, profiles=tmp_path)
    try:
        pool.signal(CHILD_START)  # at once: one that is only starting up takes it when it can
        answers = ask(pool, "spin", "spin too")
        assert answers == {task: [b"done", task.encode()] for task in ("spin", "spin too")}
        for _ in range(2):  # the second one is of no harm
            pool.signal(CHILD_STOP)
        wait_for(lambda: len(list(tmp_path.glob("profile-*.folded"))) == 2)
        assert all("tasks._spin " in path.read_text() for path in tmp_path.glob("*.folded"))
    finally:
        pool.close()
