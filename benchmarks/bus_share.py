"""CPU of the bus per article beside that of extraction, in one run.

    python benchmarks/bus_share.py [--pages pages.jsonl] [--articles 1000] [--kafka HOST:PORT]

Publishes pages (those of the sample newsroom, or of a file of page lines, over and over under new
ids), lets the extractor's own loop drain them, and counts the CPU seconds of the calls into the
bus, of its own threads, of the loop around them, and of extracting the same pages. All in this
process. With a broker, the embedded log and Kafka take turns.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from newsmill import bus
from newsmill.bus.base import Bus, Mark, Member, Output, Place, Record
from newsmill.extractor.child import handle
from newsmill.newsroom import EXPECTED, Newsroom
from newsmill.process.drain import Drain
from newsmill.process.life import Life
from newsmill.process.pages import page_output, read_line
from newsmill.process.steps import Result
from newsmill.process.telemetry import Telemetry
from newsmill.process.work import Inline
from newsmill.records import Page, traceparent
from newsmill.topics import ARTICLES, PAGES
from newsmill.urls import identity
from newsmill.web.client import Client
from newsmill.web.messages import Request
from newsmill.web.settings import WebSettings


class Metered:
    """A member whose calls are counted in CPU seconds of the thread that makes them."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self.cpu_s = {"poll": 0.0, "commit": 0.0}
        self.commits = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._member, name)

    def poll(self, *args: Any, **kwargs: Any) -> list[Record]:
        started = time.thread_time()
        records = self._member.poll(*args, **kwargs)
        self.cpu_s["poll"] += time.thread_time() - started
        return records

    def commit(self, *args: Any, **kwargs: Any) -> None:
        started = time.thread_time()
        self._member.commit(*args, **kwargs)
        self.cpu_s["commit"] += time.thread_time() - started
        self.commits += 1


class Extracting(Inline):
    """Extraction in this thread, counted in CPU seconds; stops the life when all is done."""

    def __init__(self, total: int, life: Life) -> None:
        super().__init__("extractor", self.step)
        self.cpu_s = 0.0
        self._left = total
        self._life = life

    def step(self, record: Record) -> Result:
        started = time.thread_time()
        article, _ = handle([record.header("page") or b"", record.value or b""])
        self.cpu_s += time.thread_time() - started
        output = page_to_article(record, article)
        return Result(
            outcome="published", outputs=(output,), facts={"page_id": record.key.decode()}
        )

    def seal(self, records: Mapping[Place, list[Result]], marks: Mapping[Place, Mark]) -> None:
        self._left -= sum(map(len, records.values()))
        if self._left <= 0:
            self._life.stop()


def page_to_article(record: Record, article: bytes) -> Output:
    page_id = record.key.decode()
    header = ("traceparent", traceparent(page_id, "articles"))
    return Output(topic=ARTICLES, key=record.key, routing=page_id, value=article, headers=(header,))


def newsroom_pages() -> list[tuple[Page, bytes]]:
    """The article pages of the sample newsroom."""
    urls = [line.url for line in EXPECTED if line.kind == "article" and "busy" not in line.traits]
    with Newsroom(slow_s=0.0) as newsroom:
        settings = WebSettings(resolve=newsroom.resolve, spacing_s=0.0, per_domain=8)
        return asyncio.run(fetched(urls, settings))


async def fetched(urls: list[str], settings: WebSettings) -> list[tuple[Page, bytes]]:
    async with Client(settings) as client:

        async def one(url: str) -> tuple[Page, bytes]:
            answer = await client.get(Request(url=url, robots=False))
            kind = answer.headers.get("content-type")
            return Page(page_id=identity(url), url=url, content_type=kind), answer.body

        return list(await asyncio.gather(*map(one, urls)))


def publish(opened: Bus, pages: list[tuple[Page, bytes]], total: int) -> None:
    member = opened.join("bench.load", [])
    for start in range(0, total, 50):
        outputs = []
        for number in range(start, min(start + 50, total)):
            page, body = pages[number % len(pages)]
            url = f"{page.url}?copy={number}"
            outputs.append(page_output(replace(page, url=url, page_id=identity(url)), body))
        member.commit(outputs, (), {})
    member.leave()


def quiet(work: Callable[[Telemetry], None]) -> None:
    with tempfile.TemporaryFile() as sink:
        work(Telemetry("extractor", fd=sink.fileno(), human=False))


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__)
    cli.add_argument("--pages", type=Path)
    cli.add_argument("--articles", type=int, default=1000)
    cli.add_argument("--kafka", metavar="HOST:PORT")
    cli.add_argument("--rounds", type=int, default=1)
    args = cli.parse_args()
    pages = list(read_pages(args.pages)) if args.pages else newsroom_pages()
    print(f"{args.articles} articles ({len(pages)} distinct pages)")
    for number in range(args.rounds):
        with tempfile.TemporaryDirectory() as directory:
            one_bus(f"file:{directory}", pages, args.articles)
        if args.kafka:
            one_bus(f"kafka://{args.kafka}/share{os.getpid()}n{number}", pages, args.articles)


def one_bus(url: str, pages: list[tuple[Page, bytes]], articles: int) -> None:
    """Publish to a bus, drain it, and say what that took."""
    with closing(bus.connect(url, "bench")) as opened:
        opened.create()
        publish(opened, pages, articles)

        def drain(log: Telemetry) -> None:
            member, life = Metered(opened.join("extractor", [PAGES])), Life(log)
            work = Extracting(articles, life)
            cpu, own, wall = time.process_time(), time.thread_time(), time.monotonic()
            Drain("extractor", member, work, opened.burst, log, life).run()
            cpu, own = time.process_time() - cpu, time.thread_time() - own
            report(url.partition(":")[0], articles, member, work.cpu_s, (cpu, own), wall)

        quiet(drain)
        opened.drop_lane()


def read_pages(path: Path) -> Iterable[tuple[Page, bytes]]:
    with path.open("rb") as lines:
        for line in lines:
            if b'"error"' not in line[:200]:
                page, body = read_line(line)
                yield replace(page, input_id=None), body


def report(
    bus_name: str,
    articles: int,
    member: Metered,
    extraction: float,
    cpu_s: tuple[float, float],
    started: float,
) -> None:
    """``cpu_s`` is of the whole process, and of the loop's thread: the rest is the bus's own."""
    total, loop_thread = cpu_s
    calls = sum(member.cpu_s.values())
    bus_s = calls + total - loop_thread
    wall = time.monotonic() - started
    print(f"\n{bus_name}: {member.commits} steps, {wall:.1f} s wall")
    for name, seconds in (
        ("bus: poll", member.cpu_s["poll"]),
        ("bus: commit", member.cpu_s["commit"]),
        ("bus: its threads", total - loop_thread),
        ("extraction", extraction),
        ("loop and log", loop_thread - calls - extraction),
    ):
        share = seconds / total
        print(f"  {name:<16} {seconds / articles * 1e6:>8.0f} us an article  {share:>6.1%}")
    print(f"  bus / extraction = {bus_s / extraction:.3f}")


if __name__ == "__main__":
    main()
