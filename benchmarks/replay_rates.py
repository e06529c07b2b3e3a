"""What a replay costs: CPU from WARC to Parquet by stage, beside bare loops over the same files.

    python benchmarks/replay_rates.py SET --work DIR [--pages 2000] [--peer PYTHON] [--write FILE]

``--peer`` is an interpreter that has news-please: its own path from a WARC record to an article.
Loops take turns page by page in one process, half of the pages before the replays and half after
them; workers are watched from outside. CPU is user and system time of all processes. A replay of a
quarter of the first file tells what a page costs from what a start does: the figures of stages are
the difference over the pages more, and what is left is the start. Pages a second are of this
machine and this hour, the start included.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import resource
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

from newsmill.enricher.core import annotate
from newsmill.errors import BadRecord
from newsmill.extractor.core import extract
from newsmill.producer.sources.members import parts
from newsmill.records import Article, Page
from newsmill.urls import identity, normalise

NEWSMILL = (sys.executable, "-m", "newsmill")
LANE = "rates"
ANNOTATED = "fastwarc + newsmill's extract() and annotate()"
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


def _ours(body: bytes, url: str, content_type: str | None) -> Article | None:
    try:
        url = normalise(url)
        return extract(body, Page(page_id=identity(url), url=url, content_type=content_type))
    except BadRecord:
        return None


def _annotated(body: bytes, url: str, content_type: str | None) -> object:
    article = _ours(body, url, content_type)
    return annotate(article) if article else None


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


class Loops:
    """The loops, over pages of which each is read once; reading is in each."""

    def __init__(self, files: list[Path]) -> None:
        self.pages = 0
        self.loops = [
            Loop("fastwarc, reading alone", _read_only),
            Loop("fastwarc + trafilatura, with metadata", _trafilatura),
            Loop("fastwarc + newsmill's extract()", _ours),
            Loop(ANNOTATED, _annotated),
        ]
        for _, body, url, kind in islice(responses(files), 20):
            for loop in self.loops:
                loop.run(body, url, kind)
        self._left = responses(files)

    def run(self, pages: int) -> None:
        """Each loop over so many pages more."""
        for read_s, body, url, kind in islice(self._left, pages):
            self.pages += 1
            for loop in self.loops:
                gc.collect(0)
                begun = time.process_time()
                loop.run(body, url, kind)
                loop.cpu_s += read_s + time.process_time() - begun

    @property
    def costs(self) -> list[tuple[str, float]]:
        """CPU seconds a page of each."""
        return [(loop.name, loop.cpu_s / self.pages) for loop in self.loops]


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


@dataclass(frozen=True, slots=True)
class Cost:
    """What a replay costs by stage, in CPU seconds."""

    page: dict[str, float]
    start: dict[str, float]

    @property
    def total(self) -> float:
        """CPU seconds a page, of all stages."""
        return sum(self.page.values())


def cost(less: Replayed, more: Replayed) -> Cost:
    """What a page costs, and what a start does, by two replays of different lengths."""
    pages = more.records - less.records
    page = {
        stage: max(0.0, used - less.cpu_s.get(stage, 0.0)) / pages
        for stage, used in more.cpu_s.items()
    }
    start = {
        stage: max(0.0, used - page[stage] * more.records) for stage, used in more.cpu_s.items()
    }
    return Cost(page, start)


def replay(files: list[Path], data: Path, extractors: int) -> Replayed:
    """Replay the files with so many extractors of one child each; raises RuntimeError."""
    words = ("--lane", LANE, "--data", str(data), "--workers", str(extractors))
    log = data.with_suffix(".log")
    tree = Tree((*NEWSMILL, "replay", *map(str, files), *words), log, NEWSMILL_CHILDREN="1")
    tree.wait()
    before = _ended_cpu_s()
    export = subprocess.run(
        [*NEWSMILL, "export", "--format", "parquet", "-o", str(data / "parquet"), *words[:4]],
        capture_output=True,
        check=False,
    )
    if tree.watched.exit_code or export.returncode:
        raise RuntimeError(f"see {log}")
    cpu_s = dict(tree.watched.cpu_s) | {"Parquet": _ended_cpu_s() - before}
    lines = log.read_bytes().split(b'"event":"run.done"', 1)[1]
    counts = json.loads(b'{"x":' + lines.split(b'"counts":', 1)[1].split(b"}", 1)[0] + b"}}")["x"]
    records = sum(number for name, number in counts.items() if name.startswith("producer "))
    return Replayed(cpu_s, tree.watched.took_s, records)


def _ended_cpu_s() -> float:
    """Of all processes that were started here and have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


def quarter(source: Path, target: Path) -> Path:
    """The first quarter of the members of a file, as a file."""
    with source.open("rb") as file:
        starts = list(dict.fromkeys(part.member for part in parts(file, 0)))
        file.seek(0)
        target.write_bytes(file.read(starts[len(starts) // 4]))
    return target


def told(loops: list[tuple[str, float]], found: Cost, one: Replayed, two: Replayed) -> str:
    """The tables, as Markdown."""
    yardstick = next(value for name, value in loops if "trafilatura" in name)
    ours = next(value for name, value in loops if "extract()" in name)
    annotated = next(value for name, value in loops if name == ANNOTATED)
    whole = ("newsmill, WARC to Parquet, exactly once", found.total)
    rows = [
        [name, f"{1000 * value:.2f}", f"{yardstick / value:.2f}"] for name, value in (*loops, whole)
    ]
    stages = [
        [
            NAMED.get(stage, stage),
            f"{1000 * found.page.get(stage, 0.0):.2f}",
            f"{found.start.get(stage, 0.0):.2f}",
        ]
        for stage in (*STAGES, "Parquet")
        if stage in found.page
    ]
    stages.append(["all", f"{1000 * found.total:.2f}", f"{sum(found.start.values()):.2f}"])
    rate = [
        ["1 extractor", f"{one.records / one.took_s:.0f}"],
        ["2 extractors", f"{two.records / two.took_s:.0f}"],
    ]
    return "\n\n".join((
        table(("loop", "CPU s a 1,000 pages", "pages a CPU second, trafilatura's loop = 1"), rows),
        table(("stage", "CPU s a 1,000 pages", "CPU s of a start"), stages),
        table(("replay, one child each", "pages/s"), rate),
        f"The whole way keeps {ours / found.total:.0%} of the factor by which extraction alone is"
        f" ahead, and {annotated / found.total:.0%} of that of extraction and annotation.",
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
    loops = Loops(files)
    loops.run(options.pages // 2)
    less = replay([quarter(files[0], options.work / "quarter.warc.gz")], options.work / "less", 1)
    one = replay(files, options.work / "one", 1)
    loops.run(options.pages - loops.pages)
    costs = loops.costs
    if options.peer:
        costs.append(peer(options.peer, files, options.peer_pages))
    two = replay(files, options.work / "two", 2)
    text = (
        f"Taken on {time.strftime('%Y-%m-%d', time.gmtime())}: {one.records} records replayed,"
        f" {loops.pages} pages in the loops, Python {platform.python_version()},"
        f" trafilatura {trafilatura.__version__}.\n\n{told(costs, cost(less, one), one, two)}"
    )
    print(text)
    if options.write:
        between_marks(options.write, "replay-rates", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
