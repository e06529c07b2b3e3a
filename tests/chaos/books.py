"""The books of a run: whether the logs explain every record, by what ``newsmill ops`` says of them.

A worker writes its lines twice, to standard error and to a file of its own. One of the two may have
been refused lines (a pipe that nobody read, a disk that was full), so both are laid together first:
a line is known by its process and its number.
"""

from __future__ import annotations

import subprocess
from collections import defaultdict
from pathlib import Path

import orjson

from running import NEWSMILL, environment

SINKS = ("logs", "stderr")


def lay_together(folder: Path) -> Path:
    """One file of lines for each process, each line once, in the order in which it wrote them."""
    lines: defaultdict[str, dict[int, bytes]] = defaultdict(dict)
    for file in sorted(file for sink in SINKS for file in (folder / sink).glob("*.jsonl*")):
        for line in file.read_bytes().splitlines(keepends=True):
            try:
                held = orjson.loads(line)
                lines[held["run"]].setdefault(held["seq"], line)
            except (orjson.JSONDecodeError, KeyError, TypeError):  # cut by a kill, or a traceback
                continue
    books = folder / "books"
    books.mkdir()
    for run, told in lines.items():
        (books / f"{run}.jsonl").write_bytes(b"".join(told[number] for number in sorted(told)))
    return books


def balance(folder: Path) -> tuple[int, str]:
    """The exit code of ``ops summary``, 0 where every record is explained; and what it says."""
    done = subprocess.run(
        [*NEWSMILL, "ops", "summary", str(lay_together(folder))],
        capture_output=True, text=True, env=environment(), check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def pages_hit(folder: Path) -> int:
    """How many pages lost the child that was at work on them, by lines laid together before."""
    return sum(
        b'"child.killed"' in line and b"the child died" in line
        for file in (folder / "books").glob("*.jsonl")
        for line in file.read_bytes().splitlines()
    )
