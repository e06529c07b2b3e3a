"""The proof of replay: four runs of one set of WARC files, and one digest of their articles.

    python benchmarks/replay_set.py SET
    python benchmarks/replay_proof.py SET --work DIR [--kafka HOST:PORT] [--plot SVG]

With one worker and with four, the latter killed at random moments (all processes at one instant)
and started again with the same command; on the embedded log and on Kafka. Fails unless the sorted
exports of all runs are the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from charts import Axis, Line, chart
from process_tree import Tree, Watched

NEWSMILL = (sys.executable, "-m", "newsmill")
LANE = "proof"
KILL_AFTER_S = (6.0, 20.0)
COLOURS = ("#2a6fb5", "#c0392b", "#27873d", "#8e44ad", "#b9770e", "#16a2a2")


@dataclass(frozen=True, slots=True)
class Run:
    """One way to replay the set."""

    name: str
    bus: str  # empty: the embedded log
    workers: int
    kills: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of it."""

    run: Run
    digest: str
    articles: int
    killed: int  # processes, over all kills
    took_s: float
    parts: list[Watched]


def replayed(run: Run, source: Path, folder: Path, draw: random.Random) -> Ended:
    """Replay to the end, through every kill; raises RuntimeError where it fails by itself."""
    data, log = folder / run.name, folder / f"{run.name}.log"
    words = ("--lane", LANE, "--data", str(data), "--workers", str(run.workers))
    command = (*NEWSMILL, "replay", str(source), *words, *(("--bus", run.bus) if run.bus else ()))
    parts: list[Watched] = []
    killed = 0
    begun = time.monotonic()
    for number in range(run.kills + 1):
        tree = Tree(command, log)
        parts.append(tree.watched)
        patience = draw.uniform(*KILL_AFTER_S) if number < run.kills else None
        if tree.wait(patience):
            break
        killed += tree.kill()
    if parts[-1].exit_code != 0:
        raise RuntimeError(f"{run.name}: exit code {parts[-1].exit_code}; see {log}")
    took_s = time.monotonic() - begun
    done = subprocess.run(
        [*NEWSMILL, "export", "--data", str(data), "--lane", LANE], capture_output=True, check=True
    )
    digest = hashlib.sha256(done.stdout).hexdigest()
    return Ended(run, digest, done.stdout.count(b"\n"), killed, took_s, parts)


def line(ended: Ended) -> str:
    """One line of the result."""
    kills = f", killed {len(ended.parts) - 1} times ({ended.killed} processes)"
    peak = max(part.peak_mb for part in ended.parts)
    return (
        f"{ended.run.name:<16} {ended.run.workers} worker(s){kills if ended.killed else ''}:"
        f" {ended.articles} articles, {ended.took_s:.0f} s, at most {peak:.0f} MB,"
        f" sha256 {ended.digest}"
    )


def plot(ended: Ended) -> str:
    """Memory over the run, by role."""
    points: dict[str, list[tuple[float, float]]] = {}
    start = 0.0
    for part in ended.parts:
        for at_s, roles in part.memory:
            for role, megabytes in roles.items():
                points.setdefault(role, []).append((start + at_s, megabytes))
        start += part.took_s
    top = max(y for line in points.values() for _, y in line) * 1.25
    axes = Axis("seconds", 0.0, start), Axis("resident MB, all processes of a role", 0.0, top)
    lines = [
        Line(role, colour, points[role])
        for role, colour in zip(sorted(points), COLOURS, strict=False)
    ]
    return chart(f"Memory of a replay, {ended.articles} articles", *axes, lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("source", type=Path, help="folder of WARC files")
    parser.add_argument("--work", type=Path, required=True, help="empty folder for the runs")
    parser.add_argument("--kafka", metavar="HOST:PORT")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1, help="of the moments of the kills")
    parser.add_argument("--plot", type=Path, metavar="SVG")
    parser.add_argument("--json", type=Path, metavar="OUT")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    buses = {"embedded": ""}
    if options.kafka:
        buses["kafka"] = f"kafka://{options.kafka}/proof{int(time.time())}"
    runs = [
        run
        for name, bus in buses.items()
        for run in (
            Run(f"{name}-1", f"{bus}a" if bus else "", 1),
            Run(f"{name}-4", f"{bus}b" if bus else "", 4, options.kills),
        )
    ]
    draw = random.Random(options.seed)
    results = []
    for run in runs:
        results.append(replayed(run, options.source, options.work, draw))
        print(line(results[-1]), flush=True)
        if options.json:
            told = [{"line": line(one), "cpu_s": [p.cpu_s for p in one.parts]} for one in results]
            options.json.write_text(json.dumps(told, indent=1))
    if options.plot:
        options.plot.write_text(plot(results[0]))
    digests = {one.digest for one in results}
    print("the same bytes" if len(digests) == 1 else "DIFFERENT")
    return 0 if len(digests) == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
