"""The proof of replay: four runs of one set of WARC files, and one digest of their articles.

    python benchmarks/replay_set.py SET
    python benchmarks/replay_proof.py SET --work DIR [--kafka HOST:PORT] [--plot SVG]

With one worker and with four, the latter killed at random moments (all processes at one instant)
and started again with the same command; on the embedded log and on Kafka. Then the manifest of the
first run is verified, over the same set and over one in which a page was changed. Fails unless the
sorted exports of all runs are the same bytes, the first verdict is yes, and the second one is no
and names the page. The result is one line of JSON and two tables.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charts import Axis, Line, chart
from process_tree import Tree, Watched
from replay_verify import changed, verify
from tables import table

NEWSMILL = (sys.executable, "-m", "newsmill")
LANE = "proof"
KILL_AFTER_S = (6.0, 20.0)
VERIFIERS = 2  # workers of each stage in a second run
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
    digest, articles = exported(data)
    return Ended(run, digest, articles, killed, took_s, parts)


def exported(data: Path) -> tuple[str, int]:
    """The digest of all articles in order of their ids, and how many there are."""
    command = [*NEWSMILL, "export", "--data", str(data), "--lane", LANE]
    state, articles = hashlib.sha256(), 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as export:
        while export.stdout is not None and (chunk := export.stdout.read(1 << 20)):
            state.update(chunk)
            articles += chunk.count(b"\n")
    if export.returncode:
        raise RuntimeError(f"export of {data}: exit code {export.returncode}")
    return state.hexdigest(), articles


def facts(ended: Ended) -> dict[str, Any]:
    """One run, as the result tells it."""
    cpu_s: Counter[str] = Counter()
    for part in ended.parts:
        cpu_s.update(part.cpu_s)
    return {
        "run": ended.run.name,
        "workers": ended.run.workers,
        "kills": len(ended.parts) - 1,
        "killed_processes": ended.killed,
        "articles": ended.articles,
        "took_s": round(ended.took_s, 1),
        "cpu_s": {role: round(used, 1) for role, used in sorted(cpu_s.items())},
        "peak_mb": round(max(part.peak_mb for part in ended.parts)),
        "sha256": ended.digest,
    }


def verdicts(first: Run, source: Path, folder: Path) -> dict[str, Any]:
    """What the manifest of a run says of the same set, and of one with another page in it."""
    file = folder / first.name / "lanes" / LANE / "manifest.json"
    same = verify(file, folder / "verify-same", VERIFIERS)
    other = folder / "changed"
    change = changed(source, other)
    differs = verify(file, folder / "verify-changed", VERIFIERS, str(other))
    named = differs.told.get("first") or {}
    return {
        "same": {"is_green": same.is_green, "took_s": round(same.took_s, 1)},
        "changed": {
            "is_named": change.is_named_by(differs),
            "took_s": round(differs.took_s, 1),
            "url": change.url,
            "file": change.file,
            "page_id": named.get("page_id"),
            "fields": named.get("fields"),
            "was": change.was,
            "now": change.now,
        },
    }


def told(result: dict[str, Any]) -> str:
    """The tables, as Markdown."""
    rows = [
        [
            one["run"], str(one["workers"]), str(one["kills"]), str(one["killed_processes"]),
            str(one["articles"]), f"{one['took_s']:.0f}", f"{sum(one['cpu_s'].values()):.0f}",
            str(one["peak_mb"]), one["sha256"][:16],
        ]
        for one in result["runs"]
    ]  # fmt: skip
    head = (
        "run", "workers", "killed", "processes", "articles", "s", "CPU s", "MB at most", "sha256"
    )  # fmt: skip
    same, other = result["verify"]["same"], result["verify"]["changed"]
    verdict = "the same" if same["is_green"] else "NOT the same"
    named = f"page {other['page_id']}, in {', '.join(other['fields'] or ())}"
    answers = [
        ["as it was", verdict, f"{same['took_s']:.0f}"],
        [f"one mark of {other['url']} changed", named, f"{other['took_s']:.0f}"],
    ]
    return f"{table(head, rows)}\n\n{table(('set', 'manifest verify says', 's'), answers)}"


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
    results: list[Ended] = []
    for run in runs:
        results.append(replayed(run, options.source, options.work, draw))
        print(json.dumps(facts(results[-1])), file=sys.stderr, flush=True)
    if options.plot:
        options.plot.write_text(plot(results[0]))
    verified = verdicts(runs[0], options.source, options.work)
    result = {
        "set": str(options.source),
        "is_same": len({one.digest for one in results}) == 1,
        "runs": [facts(one) for one in results],
        "verify": verified,
    }
    good = result["is_same"] and verified["same"]["is_green"] and verified["changed"]["is_named"]
    print(json.dumps(result | {"good": good}), flush=True)
    print(f"\n{told(result)}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
