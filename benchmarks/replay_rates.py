"""What a replay costs: CPU from WARC to Parquet by stage, beside bare loops over the same files.

    python benchmarks/replay_rates.py SET --work DIR [--pages 2000] [--peer PYTHON] [--write FILE]

``--peer`` is an interpreter that has news-please: its own path from a WARC record to an article.
Loops take turns page by page in one process; workers are watched from outside. CPU is user and
system time of all processes, less that of a replay of ten records, which is their start-up; pages a
second are of this machine and this hour.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import trafilatura
from fastwarc.warc import ArchiveIterator, WarcRecordType
from process_tree import Tree
from tables import between_marks, table

from newsmill.errors import BadRecord
from newsmill.extractor.core import extract
from newsmill.producer.sources.members import parts
from newsmill.records import Page
from newsmill.urls import identity, normalise

NEWSMILL = (sys.executable, "-m", "newsmill")
LANE = "rates"
STAGES = ("producer", "fetcher", "extractor", "enricher", "archiver", "command")
NAMED = {"command": "the command that watches", "archiver": "archiver (article store, manifest)"}

# Run by another interpreter: what its manual calls from_warc, over the same records.
PEER = """
import json, sys, time, logging
logging.disable(logging.CRITICAL)
from warcio.archiveiterator import ArchiveIterator
from newsplease import NewsPlease
begun, done, failed = time.process_time(), 0, 0
for path in sys.argv[2:]:
    with open(path, "rb") as file:
        for record in ArchiveIterator(file):
            if record.rec_type != "response" or done + failed >= int(sys.argv[1]):
                continue
            if not record.http_headers.get_statuscode().startswith("2"):
                continue
            try:
                NewsPlease.from_warc(record)
                done += 1
            except Exception:  # news-please lets any error of its parts through
                failed += 1
print(json.dumps([time.process_time() - begun, done, failed]))
"""


@dataclass(slots=True)
class Loop:
    """A bare loop: what it does with a page, and what that has cost."""

    name: str
    run: Callable[[bytes, str, str | None], object]
    cpu_s: float = 0.0


def _read_only(body: bytes, url: str, content_type: str | None) -> None:
    """Reading is measured apart, and is part of every loop."""


def _trafilatura(body: bytes, url: str, content_type: str | None) -> object:
    return trafilatura.bare_extraction(body, url=url, with_metadata=True)


def _ours(body: bytes, url: str, content_type: str | None) -> object:
    try:
        url = normalise(url)
        return extract(body, Page(page_id=identity(url), url=url, content_type=content_type))
    except BadRecord:
        return None


def responses(files: list[Path]) -> Iterator[tuple[float, bytes, str, str | None]]:
    """CPU of reading it, body, URL and content type of each page that was found."""
    for path in files:
        with path.open("rb") as file:
            records = ArchiveIterator(file, record_types=WarcRecordType.response)
            begun = time.process_time()
            for record in records:
                body = record.reader.read()
                http = record.http_headers
                cpu_s = time.process_time() - begun
                if http is None or http.status_code == 200:
                    kind = http.get("Content-Type") if http else None
                    yield cpu_s, body, record.headers["WARC-Target-URI"], kind
                begun = time.process_time()


def bare(files: list[Path], pages: int) -> tuple[list[Loop], int]:
    """The loops, and over how many pages they went; reading is in each."""
    loops = [
        Loop("fastwarc, reading alone", _read_only),
        Loop("fastwarc + trafilatura, with metadata", _trafilatura),
        Loop("fastwarc + newsmill's extract()", _ours),
    ]
    for _, body, url, kind in islice(responses(files), 20):
        for loop in loops:
            loop.run(body, url, kind)
    done = 0
    for read_s, body, url, kind in islice(responses(files), pages):
        done += 1
        for loop in loops:
            gc.collect(0)
            begun = time.process_time()
            loop.run(body, url, kind)
            loop.cpu_s += read_s + time.process_time() - begun
    return loops, done


def peer(python: Path, files: list[Path], pages: int) -> tuple[str, float]:
    """news-please over the first pages: its name, with what failed, and CPU seconds a page."""
    command = [str(python), "-c", PEER, str(pages), *map(str, files)]
    told = subprocess.run(command, capture_output=True, check=True).stdout.splitlines()[-1]
    cpu_s, done, failed = json.loads(told)
    return f"news-please, from_warc ({failed} of {done + failed} raised)", cpu_s / (done + failed)


@dataclass(frozen=True, slots=True)
class Replayed:
    """One replay to its end, and its articles as Parquet."""

    cpu_s: dict[str, float]
    took_s: float
    records: int  # read from the source

    @property
    def total(self) -> float:
        """CPU seconds a record."""
        return sum(self.cpu_s.values()) / self.records


def replay(files: list[Path], data: Path, extractors: int) -> Replayed:
    """Replay the files with so many extractors of one child each; raises RuntimeError."""
    words = ("--lane", LANE, "--data", str(data), "--workers", str(extractors))
    log = data.with_suffix(".log")
    tree = Tree((*NEWSMILL, "replay", *map(str, files), *words), log, NEWSMILL_CHILDREN="1")
    tree.wait()
    export = Tree(
        (*NEWSMILL, "export", "--format", "parquet", "-o", str(data / "parquet"), *words[:4]), log
    )
    export.wait()
    if tree.watched.exit_code or export.watched.exit_code:
        raise RuntimeError(f"see {log}")
    cpu_s = dict(tree.watched.cpu_s) | {"Parquet": sum(export.watched.cpu_s.values())}
    lines = log.read_bytes().split(b'"event":"run.done"', 1)[1]
    counts = json.loads(b'{"x":' + lines.split(b'"counts":', 1)[1].split(b"}", 1)[0] + b"}}")["x"]
    records = sum(number for name, number in counts.items() if name.startswith("producer "))
    return Replayed(cpu_s, tree.watched.took_s, records)


def few(source: Path, target: Path) -> Path:
    """The first ten members of a file, as a file."""
    with source.open("rb") as file:
        starts = (part.member for part in parts(file, 0) if part.member)
        end = next(islice(dict.fromkeys(islice(starts, 200)), 10, None))
        file.seek(0)
        target.write_bytes(file.read(end))
    return target


def started(one: Replayed, start: Replayed) -> Replayed:
    """The replay less the start-up of its processes."""
    cpu_s = {
        stage: max(0.0, used - start.cpu_s.get(stage, 0.0)) for stage, used in one.cpu_s.items()
    }
    return Replayed(cpu_s, one.took_s, one.records)


def told(loops: list[tuple[str, float]], one: Replayed, two: Replayed) -> str:
    """The tables, as Markdown."""
    named = dict(loops)
    yardstick = next(value for name, value in loops if "trafilatura" in name)
    ours = next(value for name, value in loops if "extract()" in name)
    rows = [
        [name, f"{1000 * value:.2f}", f"{yardstick / value:.2f}"] for name, value in named.items()
    ]
    rows.append(
        ["newsmill, WARC to Parquet, exactly once", f"{1000 * one.total:.2f}",
         f"{yardstick / one.total:.2f}"]
    )  # fmt: skip
    stages = [
        [NAMED.get(stage, stage), f"{1000 * one.cpu_s.get(stage, 0.0) / one.records:.2f}"]
        for stage in (*STAGES, "Parquet")
    ]
    rate = [
        ["1 extractor", f"{one.records / one.took_s:.0f}"],
        ["2 extractors", f"{two.records / two.took_s:.0f}"],
    ]
    kept = (yardstick / one.total) / (yardstick / ours)
    return "\n\n".join((
        table(("loop", "CPU s a 1,000 pages", "pages a CPU second, trafilatura's loop = 1"), rows),
        table(("stage", "CPU s a 1,000 pages"), stages),
        table(("replay, one child each", "pages/s"), rate),
        f"The whole way keeps {kept:.0%} of the factor by which extraction alone is ahead.",
    ))  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("source", type=Path, help="folder of WARC files")
    parser.add_argument("--work", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--pages", type=int, default=2000, help="of the bare loops")
    parser.add_argument("--files", type=int, default=1, help="of the set, to be replayed")
    parser.add_argument("--peer", type=Path, metavar="PYTHON")
    parser.add_argument("--peer-pages", type=int, default=300)
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables into a document")
    options = parser.parse_args()
    files = sorted(options.source.glob("*.warc*"))[: options.files]
    options.work.mkdir(parents=True, exist_ok=True)
    start = replay([few(files[0], options.work / "few.warc.gz")], options.work / "start", 1)
    one = started(replay(files, options.work / "one", 1), start)
    loops, pages = bare(files, options.pages)
    costs = [(loop.name, loop.cpu_s / pages) for loop in loops]
    if options.peer:
        costs.append(peer(options.peer, files, options.peer_pages))
    two = replay(files, options.work / "two", 2)
    text = (
        f"Taken on {time.strftime('%Y-%m-%d', time.gmtime())}: {one.records} records replayed,"
        f" {pages} pages in the loops, {sum(start.cpu_s.values()):.1f} CPU s of start-up apart,"
        f" Python {platform.python_version()},"
        f" trafilatura {trafilatura.__version__}.\n\n{told(costs, one, two)}"
    )
    print(text)
    if options.write:
        between_marks(options.write, "replay-rates", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
