"""Verifies the manifest of a replay twice: over the set as it was, and with one page of it changed.

The first must say yes. The second must say no, and name the record of the changed page and a field
of it: a set of which only a letter is another is not taken for the same.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from newsmill.producer.sources.members import parts
from newsmill.urls import identity, normalise

_TARGET = re.compile(rb"^WARC-Target-URI: *<?([^\r\n>]+)", re.M)
_PARAGRAPH = re.compile(rb"<p\b[^<>]*>([^<]{80,2000})\.</p>")
_PAGE = b"\r\nHTTP/1.1 200 "


@dataclass(frozen=True, slots=True)
class Verified:
    """What ``manifest verify`` said."""

    exit_code: int
    took_s: float
    told: dict[str, Any]

    @property
    def is_green(self) -> bool:
        """Whether it said yes."""
        return self.exit_code == 0 and bool(self.told["same"])


@dataclass(frozen=True, slots=True)
class Change:
    """The page that was changed."""

    url: str
    file: str
    was: str
    now: str

    def is_named_by(self, verified: Verified) -> bool:
        """Whether a verdict is no, and names this page's record and its text."""
        first = verified.told.get("first") or {}
        is_named = first.get("page_id") == identity(normalise(self.url))
        return verified.exit_code == 1 and is_named and "text" in first.get("fields", ())


def verify(manifest: Path, folder: Path, workers: int, *sources: str) -> Verified:
    """Run ``manifest verify`` with a data folder of its own, which is removed."""
    words = ("--json", "--data", str(folder), "--workers", str(workers), "--log-level", "warning")
    command = (sys.executable, "-m", "newsmill", "manifest", "verify", str(manifest), *sources)
    begun = time.monotonic()
    with folder.with_suffix(".log").open("wb") as log:
        done = subprocess.run([*command, *words], stdout=subprocess.PIPE, stderr=log, check=False)
    took_s = time.monotonic() - begun
    shutil.rmtree(folder, ignore_errors=True)
    if not done.stdout:
        raise RuntimeError(f"verify ended with {done.returncode}; see {log.name}")
    return Verified(done.returncode, took_s, json.loads(done.stdout))


def changed(source: Path, target: Path) -> Change:
    """A copy of the set in which one page, of its middle file, has one mark another."""
    target.mkdir(parents=True)
    files = sorted(source.glob("*.warc.gz"))
    chosen = files[len(files) // 2]
    for file in files:
        if file != chosen:
            (target / file.name).symlink_to(file.absolute())
    packed = chosen.read_bytes()
    for start, end in _members(chosen):
        record = gzip.decompress(packed[start:end])
        found = max(_PARAGRAPH.finditer(record), key=lambda one: len(one[1]), default=None)
        if found is None or _PAGE not in record or (url := _TARGET.search(record)) is None:
            continue
        mark = found.end(1)
        other = gzip.compress(record[:mark] + b"!" + record[mark + 1 :], 6, mtime=0)
        (target / chosen.name).write_bytes(packed[:start] + other + packed[end:])
        words = found[1][-40:].decode("utf-8", "replace")
        return Change(url[1].decode(), chosen.name, f"…{words}.", f"…{words}!")
    raise RuntimeError(f"{chosen}: no page with a paragraph to be changed")


def _members(file: Path) -> list[tuple[int, int]]:
    """Where the members of the file's second half begin and end."""
    with file.open("rb") as opened:
        starts = list(dict.fromkeys(part.member for part in parts(opened, 0)))
    starts.append(file.stat().st_size)
    return list(islice(pairwise(starts), len(starts) // 2, None))
