"""Makes logs of any size out of those of a real run: the same workers, going on and on.

    newsmill run --once --data RUN
    python benchmarks/ops_logs.py RUN/logs OUT --mb 2000

Every turn repeats the run's lines later, with offsets, positions, steps, line numbers and ids that
go on from the turn before, so that the books balance as those of one long run do. Starts and stops
are written once.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

PART_BYTES = 64 << 20  # of a rotated file
TURN_MS = 2_000  # of log time that a turn takes
BEATS_EVERY = 15  # turns: a heartbeat each 30 s
ONCE = ("worker.start", "partition.assigned", "run.start")
AT_END = ("worker.stop", "run.done")


class Shape(NamedTuple):
    """A line with holes, and what goes into each at a turn: base + turn * growth."""

    text: bytes
    holes: tuple[tuple[str, int, int], ...]  # kind, base, growth
    beat: bool


class Worker:
    """What one process wrote: lines before, at every turn, and at the end."""

    def __init__(self, path: Path, growth: Growth, start_ms: int, span_ms: int) -> None:
        lines = [orjson.loads(raw) for raw in path.read_bytes().splitlines()]
        self.name = path.name
        self._squeeze = (start_ms, min(1.0, (TURN_MS - 1) / max(1, span_ms)))
        first = [line for line in lines if line["event"] in ONCE]
        last = [line for line in lines if line["event"] in AT_END]
        turning = [line for line in lines if line not in first and line not in last]
        beats = [line for line in turning if line["event"] == "worker.heartbeat"][:1]
        turning = [line for line in turning if line["event"] != "worker.heartbeat"]
        self._beats = len(beats)
        self._per_turn = len(turning)
        self.head = [orjson.dumps(line) + b"\n" for line in _numbered(first, 1)]
        self._seq = len(first) + 1
        self._tail = last
        self._shapes = [self._shape(line, growth) for line in turning]
        self._beat_shapes = [self._shape(line, growth) for line in beats]

    def _shape(self, line: dict[str, Any], growth: Growth) -> Shape:
        holes: list[tuple[str, int, int]] = []

        def hole(kind: str, base: int, by: int) -> str:
            holes.append((kind, base, by))
            return f"\x01{len(holes) - 1}\x01"

        made = {name: self._made(line, name, growth, hole) for name in line}
        text = orjson.dumps(made).replace(b"%", b"%%")
        for number, (kind, _, _) in enumerate(holes):
            mark = b"\\u0001%d\\u0001" % number
            if kind in ("seq", "int"):
                text = text.replace(b'"' + mark + b'"', b"%d")
            text = text.replace(mark, b"%08x" if kind == "hex" else b"%b")
        order = sorted(range(len(holes)), key=lambda n: _where(made, n))
        return Shape(text + b"\n", tuple(holes[n] for n in order), beat=False)

    def _made(
        self, line: dict[str, Any], name: str, growth: Growth, hole: Callable[[str, int, int], str]
    ) -> Any:
        """The value of a field, with a hole where it goes on from turn to turn."""
        value, service = line[name], line["service"]
        if name == "ts":
            start, squeeze = self._squeeze
            return hole("ts", start + int((_ms(value) - start) * squeeze), TURN_MS)
        if name == "seq":
            return hole("seq", 0, 1)
        if name == "uptime_s":
            return hole("int", int(value), TURN_MS // 1000)
        if name in ("page_id", "article_id"):
            return value[:24] + hole("hex", 0, 1)
        if name in ("offset", "step") and "topic" in line:
            grown = growth.positions if name == "offset" else growth.steps
            return hole("int", value, grown[service, f"{line['topic']}/{line['partition']}"])
        if name in ("positions", "steps"):
            grown = growth.positions if name == "positions" else growth.steps
            return {place: hole("int", at, grown[service, place]) for place, at in value.items()}
        return value

    def turn(self, number: int) -> Iterator[bytes]:
        """The lines of a turn."""
        shapes = self._shapes
        if self._beats and number % BEATS_EVERY == 0:
            shapes = [*shapes, *self._beat_shapes]
        for text, holes, _ in shapes:
            values: list[bytes | int] = []
            for kind, base, by in holes:
                if kind == "seq":
                    values.append(self._seq)
                    self._seq += 1
                elif kind == "ts":
                    values.append(_stamp(base + number * by))
                else:
                    values.append(base + number * by)
            yield text % tuple(values)

    def end(self, turns: int) -> Iterator[bytes]:
        """How it stops."""
        for line in _numbered(self._tail, self._seq):
            stamp = _stamp(_ms(line["ts"]) + turns * TURN_MS).decode()
            yield orjson.dumps(line | {"ts": stamp}) + b"\n"


class Growth:
    """By how much positions and steps go on in a turn."""

    def __init__(self, paths: list[Path]) -> None:
        self.positions: Counter[tuple[str, str]] = Counter()
        self.steps: Counter[tuple[str, str]] = Counter()
        for path in paths:
            for raw in path.read_bytes().splitlines():
                line = orjson.loads(raw)
                if line["event"] != "step.commit":
                    continue
                for found, name in ((self.positions, "positions"), (self.steps, "steps")):
                    for place, at in line.get(name, {}).items():
                        key = (line["service"], place)
                        found[key] = max(found[key], at)


class Rotated:
    """Writes a file in parts, the oldest with the highest number."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parts = 0
        self._size = 0
        self._file = self._open()

    def _open(self) -> Any:
        self._parts += 1
        return self._path.with_name(f"{self._path.name}.part{self._parts}").open("wb")

    def write(self, data: bytes) -> None:
        if self._size + len(data) > PART_BYTES and self._size:
            self._file.close()
            self._file, self._size = self._open(), 0
        self._file.write(data)
        self._size += len(data)

    def close(self) -> None:
        self._file.close()
        for part in range(1, self._parts + 1):
            old = self._path.with_name(f"{self._path.name}.part{part}")
            number = self._parts - part
            old.rename(
                self._path.with_name(f"{self._path.name}.{number}") if number else self._path
            )


def _where(made: dict[str, Any], number: int) -> int:
    return orjson.dumps(made).index(b"\\u0001%d\\u0001" % number)


def _numbered(lines: list[dict[str, Any]], seq: int) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, seq):
        yield line | {"seq": number}


def _ms(ts: str) -> int:
    return round(datetime.fromisoformat(ts).timestamp() * 1000)


_seconds: dict[int, bytes] = {}


def _stamp(ms: int) -> bytes:
    second, rest = divmod(ms, 1000)
    text = _seconds.get(second)
    if text is None:
        _seconds.clear()
        text = f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}".encode()
        _seconds[second] = text
    return b"%b.%03dZ" % (text, rest)


def write(source: Path, target: Path, megabytes: float) -> tuple[int, int]:
    """Write the logs; gives how many bytes and lines."""
    paths = sorted(source.glob("*.jsonl"))
    every = [orjson.loads(raw)["ts"] for path in paths for raw in path.read_bytes().splitlines()]
    start, end = _ms(min(every)), _ms(max(every))
    growth = Growth(paths)
    workers = [Worker(path, growth, start, end - start) for path in paths]
    target.mkdir(parents=True, exist_ok=True)
    files = [Rotated(target / worker.name) for worker in workers]
    size = lines = turns = 0
    for worker, file in zip(workers, files, strict=True):
        file.write(b"".join(worker.head))
        size, lines = size + sum(map(len, worker.head)), lines + len(worker.head)
    while size < megabytes * 1e6:
        for worker, file in zip(workers, files, strict=True):
            made = list(worker.turn(turns))
            file.write(b"".join(made))
            size, lines = size + sum(map(len, made)), lines + len(made)
        turns += 1
    for worker, file in zip(workers, files, strict=True):
        made = list(worker.end(turns))
        file.write(b"".join(made))
        file.close()
        size, lines = size + sum(map(len, made)), lines + len(made)
    return size, lines


def main() -> None:
    """Write logs of about so many megabytes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="folder of a real run's logs")
    parser.add_argument("target", type=Path)
    parser.add_argument("--mb", type=float, default=2000)
    options = parser.parse_args()
    size, lines = write(options.source, options.target, options.mb)
    print(f"{size / 1e6:,.0f} MB, {lines:,} lines in {options.target}")


if __name__ == "__main__":
    main()
