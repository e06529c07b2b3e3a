"""Records a second through one stage that only copies: the embedded log, Kafka, and other loops.

    python benchmarks/bus_throughput.py [--kafka HOST:PORT] [--rounds 3] [--seconds 2.5]

Everything is interleaved in one run: each round lets every loop copy the same records once, small
ones (2 kB) and ones of the size of a page (60 kB), from eight partitions to eight. Then the same
bus with 1 to 500 records a step. Without a broker only the embedded log runs; of the other clients
only what is installed. The clock starts after the first step: joining a group is not counted.
"""

from __future__ import annotations

import argparse
import importlib.util
import platform
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version

from rivals import Job, aio, at_least_once, confluent

from newsmill import bus
from newsmill.bus.base import Bus, Mark, Output, Record
from newsmill.topics import ARTICLES, PAGES, prefix

SIZES = {"small": 2_000, "page": 60_000}  # bytes of a value
STEP_BYTES = 4 << 20
CURVE = (1, 10, 50, 200, 500)
LANE = "bench"

Steps = Generator[int, None, None]


@dataclass(frozen=True, slots=True)
class Timing:
    """One copy: after its first step, so many records in so many steps."""

    records: int
    steps: int
    wall_s: float
    cpu_s: float


@dataclass(slots=True)
class Loop:
    """One way to copy: ``start`` gives the steps of a fresh group at so many records a step."""

    name: str
    step: int
    start: Callable[[str, int], Steps]
    timings: list[Timing] = field(default_factory=list)

    def rate(self) -> float:
        return statistics.median(t.records / t.wall_s for t in self.timings)

    def row(self, base: float) -> str:
        rates = [t.records / t.wall_s for t in self.timings]
        cpu = statistics.median(t.cpu_s / t.records * 1e6 for t in self.timings)
        each = statistics.median(t.wall_s / t.steps * 1e3 for t in self.timings)
        return (
            f"  {self.name:<34} {self.step:>4} {self.rate():>8,.0f} {min(rates):>8,.0f}"
            f" {max(rates):>8,.0f} {cpu:>8,.0f} {each:>8.1f} {self.rate() / base:>7.2f}"
        )


HEAD = (
    f"  {'loop':<34} {'step':>4} {'rec/s':>8} {'least':>8} {'most':>8} {'CPU us':>8}"
    f" {'ms/step':>8} {'ratio':>7}"
)


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__)
    cli.add_argument("--kafka", metavar="HOST:PORT")
    cli.add_argument("--rounds", type=int, default=3)
    cli.add_argument("--seconds", type=float, default=2.5, help="longest of one copy")
    args = cli.parse_args()
    packages = ("apsw", "kafka-python", "crc32c", "confluent-kafka", "aiokafka")
    told = ", ".join(f"{name} {version(name)}" for name in packages if _is_installed(name))
    print(f"Python {platform.python_version()}, {told}")
    for size_name, size in SIZES.items():
        with ExitStack() as stack:
            namespace = f"b{uuid.uuid4().hex[:8]}"
            amount = min(20_000, (100 << 20) // size)
            urls = {"embedded": f"file:{stack.enter_context(tempfile.TemporaryDirectory())}"}
            if args.kafka:
                urls["Kafka"] = f"kafka://{args.kafka}/{namespace}"
            buses = {name: stack.enter_context(laid_out(url)) for name, url in urls.items()}
            for opened in buses.values():
                publish(opened, size, amount)
            print(f"\n{size_name}: {amount:,} records of {size:,} bytes, 8 partitions\n{HEAD}")
            loops = ours(buses, size) + (others(args.kafka, namespace, size) if args.kafka else [])
            run(loops, args.rounds, amount, args.seconds)
            base = loops[0].rate()
            print("\n".join(loop.row(base) for loop in loops))
            if size_name == "small":
                curve = [loop for step in CURVE for loop in ours(buses, size, step)]
                run(curve, max(1, args.rounds - 1), amount, args.seconds)
                print(f"\nrecords a step\n{HEAD}")
                print("\n".join(loop.row(base) for loop in curve))


def _is_installed(package: str) -> bool:
    module = {"confluent-kafka": "confluent_kafka", "kafka-python": "kafka"}.get(package, package)
    return importlib.util.find_spec(module) is not None


@contextmanager
def laid_out(url: str) -> Iterator[Bus]:
    with closing(bus.connect(url, LANE)) as opened:
        opened.create()
        try:
            yield opened
        finally:
            opened.drop_lane()


def publish(opened: Bus, size: int, amount: int) -> None:
    """The same incompressible records for every transport: bodies are compressed already."""
    chance = random.Random(size)
    member = opened.join("bench.load", [])
    batch = max(1, STEP_BYTES // size)
    for first in range(0, amount, batch):
        numbers = range(first, min(first + batch, amount))
        outputs = [
            Output(topic=PAGES, key=b"%032d" % n, value=chance.randbytes(size), routing=str(n))
            for n in numbers
        ]
        member.commit(outputs, (), {})
    member.leave()


def ours(buses: dict[str, Bus], size: int, step: int | None = None) -> list[Loop]:
    """The bus itself, at the size of step that is its own unless said otherwise."""
    loops = []
    for name, opened in buses.items():
        records = step or min(opened.burst.records, STEP_BYTES // size)
        loops.append(Loop(f"newsmill on {name}, exactly once", records, copying(opened)))
    return loops


def copying(opened: Bus) -> Callable[[str, int], Steps]:
    def steps(group: str, step: int) -> Steps:
        member = opened.join(group, [PAGES])
        try:
            while True:
                records = member.poll(1.0, max_records=step, max_bytes=STEP_BYTES)
                while records and len(records) < step:
                    more = member.poll(0.0, max_records=step - len(records), max_bytes=STEP_BYTES)
                    if not more:
                        break
                    records += more
                if records:
                    marks = {
                        r.place: Mark(r.next, member.assignment[r.place].epoch) for r in records
                    }
                    member.commit([copied(record) for record in records], (), marks)
                    yield len(records)
        finally:
            member.leave()

    return steps


def copied(record: Record) -> Output:
    return Output(topic=ARTICLES, key=record.key, value=record.value, partition=record.partition)


def others(bootstrap: str, namespace: str, size: int) -> list[Loop]:
    """Loops of other makers over the same topics."""
    step = min(500, STEP_BYTES // size)
    source, sink = (f"{prefix(namespace, LANE)}.{topic.name}" for topic in (PAGES, ARTICLES))

    def over(loop: Callable[[Job], Steps]) -> Callable[[str, int], Steps]:
        return lambda group, step: loop(Job(bootstrap, source, sink, f"{namespace}.{group}", step))

    loops = [Loop("kafka-python, at least once", step, over(at_least_once))]
    for name, package, loop in (
        ("confluent-kafka, exactly once", "confluent-kafka", confluent),
        ("aiokafka, exactly once, unfenced", "aiokafka", aio),
    ):
        if _is_installed(package):
            loops.append(Loop(name, step, over(loop)))
        else:
            print(f"  {name}: not installed")
    return loops


def run(loops: list[Loop], rounds: int, amount: int, seconds: float) -> None:
    for number in range(rounds):
        for loop in loops[number % len(loops) :] + loops[: number % len(loops)]:
            group = f"copy{number}.{uuid.uuid4().hex[:8]}"
            loop.timings.append(timed(loop.start(group, loop.step), amount, seconds))


def timed(steps: Steps, amount: int, seconds: float) -> Timing:
    """Let it copy all but the first step's records, or for so long."""
    with closing(steps):
        left = amount - next(steps)
        records = count = 0
        wall, cpu = time.monotonic(), time.process_time()
        while records < left and time.monotonic() - wall < seconds:
            records += next(steps)
            count += 1
        return Timing(records, count, time.monotonic() - wall, time.process_time() - cpu)


if __name__ == "__main__":
    main()
