"""What the log costs a worker: CPU of its lines beside the CPU of what they tell of.

    newsmill run --once --data RUN
    python benchmarks/logging_share.py RUN/logs

The lines of a real run are written again through the same code, to the same sinks (a file and a
pipe that is read), and the CPU of that is set beside what the workers told of their own.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from newsmill.process.events import COMMON
from newsmill.process.telemetry import Telemetry

ROUNDS = 5
PER_FLUSH = 50  # lines of a step
SERVICES = ("producer", "fetcher", "extractor", "enricher", "archiver")


def cpu_of(write: Callable[[Telemetry], None]) -> float:
    """CPU seconds of this process for writing, with a reader at the other end of the pipe."""
    reader, writer = os.pipe()
    cat = subprocess.Popen(["cat"], stdin=reader, stdout=subprocess.DEVNULL)
    os.close(reader)
    with tempfile.TemporaryDirectory() as folder:
        log = Telemetry("bench", directory=Path(folder), human=False, fd=writer)
        started = time.process_time()
        write(log)
        took = time.process_time() - started
        log.close()
    os.close(writer)
    cat.wait()
    return took


def written_again(lines: list[dict[str, Any]]) -> Callable[[Telemetry], None]:
    """Writes the lines, records until the next other line or PER_FLUSH of them at once."""
    told = [
        (line["event"], line["level"], {k: v for k, v in line.items() if k not in COMMON})
        for line in lines
    ]

    def write(log: Telemetry) -> None:
        for number, (event, level, fields) in enumerate(told, 1):
            if event == "record" and number % PER_FLUSH:
                log.add(event, level=level, **fields)
            else:
                log.event(event, level=level, **fields)

    return write


def main() -> None:
    """Print the share of every worker."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", type=Path, help="folder of a real run's logs")
    options = parser.parse_args()
    print("| worker | records | CPU | lines | CPU of a line | share |\n|---|---|---|---|---|---|")
    for service in SERVICES:
        lines = [
            orjson.loads(raw)
            for path in sorted(options.logs.glob(f"{service}-*.jsonl"))
            for raw in path.read_bytes().splitlines()
        ]
        records = sum(line["event"] == "record" for line in lines)
        beats = [line for line in lines if line["event"] == "worker.heartbeat"]
        ends = {line["run"]: line["cpu_s"] for line in beats}
        begins = {line["run"]: line["cpu_s"] for line in reversed(beats)}
        cpu = sum(ends.values()) - sum(begins.values())
        if not records or cpu <= 0:
            continue
        repeats = max(1, 5000 // len(lines))
        write = written_again(lines * repeats)
        took = statistics.median(cpu_of(write) for _ in range(ROUNDS)) / repeats
        print(
            f"| {service} | {records:,} | {cpu:.2f} s | {len(lines):,}"
            f" | {1e6 * took / len(lines):.1f} µs | {100 * took / cpu:.1f} % |"
        )


if __name__ == "__main__":
    main()
