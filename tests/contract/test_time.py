"""What the code may ask of time: a wall clock for dates and names alone, and no endless wait."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

SERVICES = Path(__file__).parents[2] / "services" / "newsmill"

WALL_CLOCKS = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "date.today"}
USES_OF_THEM = {
    "archiver/warc.py": "names its files",
    "bus/file/reading.py": "dates what is set aside",
    "bus/file/writer.py": "dates records, for people and for the order in which they are dropped",
    "fetcher/worker.py": "due times outlive the process; clamped when they are read back",
    "process/backup.py": "names and dates a backup",
    "process/lanes.py": "tells how old a record is",
    "process/telemetry.py": "dates log lines",
    "process/web.py": "``fetched``",
    "producer/worker.py": "due times outlive the process; clamped when they are read back",
    "producer/sources/warc.py": "whether a file of our own archive is still being written",
    "web/client.py": "a Retry-After that names a date",
}


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SERVICES.rglob("*.py")):
        yield path.relative_to(SERVICES).as_posix(), ast.parse(path.read_text())


def test_wall_clocks_are_asked_only_where_a_wrong_one_does_no_harm() -> None:
    found = {
        name
        for name, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in WALL_CLOCKS
        if not name.startswith("cli/")  # what people ask for, once
    }
    assert found <= set(USES_OF_THEM), "say there what a wrong clock does to it"


# Calls of the standard library that wait, by their names: whether one of them has an end.
Ends = Callable[[ast.Call], bool]


def _argument(name: str, at: int) -> Ends:
    def has(call: ast.Call) -> bool:
        return len(call.args) > at or any(word.arg == name for word in call.keywords)

    return has


def _says(*words: str) -> Ends:
    return lambda call: any(word in ast.unparse(call) for word in words)


WAITS: dict[str, Ends] = {
    "wait": _argument("timeout", 0),
    "join": _argument("timeout", 0),
    "acquire": _argument("timeout", 0),
    "communicate": _argument("timeout", 1),
    "select.select": _argument("timeout", 3),
    "subprocess.run": _argument("timeout", 99),
    "subprocess.check_output": _argument("timeout", 99),
    "create_connection": _argument("timeout", 1),
    "urlopen": _argument("timeout", 2),
    "psycopg.connect": _argument("connect_timeout", 99),
    "Session.connect": _argument("connect_timeout", 99),
    "flock": _says("LOCK_NB", "LOCK_UN"),
    "lockf": _says("LOCK_NB", "LOCK_UN"),
    "waitpid": _says("WNOHANG"),
}
WITHOUT_END = {
    ("bus/file/presence.py", "os.waitpid(pid, 0)"): "of a process that was killed just before",
    ("cli/reprocess.py", "process.wait()"): "the command is that process; signals are handed on",
    ("newsroom/server.py", "self._thread.join()"): "a loop that was told to stop",
    ("web/thread.py", "self._ready.wait()"): "set by its thread, whatever becomes of that",
    ("web/thread.py", "self._stop.wait()"): "the life of the client itself",
}


def test_every_call_that_waits_has_an_end() -> None:
    found = set()
    for name, tree in trees():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            ends = WAITS.get(ast.unparse(node.func)) or WAITS.get(node.func.attr)
            if ends is not None and not ends(node):
                found.add((name, ast.unparse(node)))
    assert found <= set(WITHOUT_END), "a wait without a deadline"
