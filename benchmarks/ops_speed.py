"""``newsmill ops summary`` beside jq, DuckDB and lnav, over the same logs, one after another.

    newsmill run --once --data RUN
    python benchmarks/ops_logs.py RUN/logs LOGS --mb 2000
    python benchmarks/ops_speed.py LOGS

The others count records by stage, outcome and reason, and give quantiles of their durations; they
do not ask what was committed, nor whether the books balance. Each runs on one processor; what is
not installed is left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from newsmill.ops.rules.lnav import log_format

JQ = """
reduce inputs as $l ({}; if $l.event == "record" then
  .counts["\\($l.stage) \\($l.outcome) \\($l.reason)"] += 1
  | if $l.took_ms then .took[$l.stage][($l.took_ms + 0.001 | log * 50 | floor | tostring)] += 1
    else . end
else . end)
"""
DUCKDB = """
import duckdb, sys
duckdb.sql("SET threads = 1")
columns = {"event": "VARCHAR", "stage": "VARCHAR", "outcome": "VARCHAR", "reason": "VARCHAR",
           "took_ms": "DOUBLE"}
lines = duckdb.read_json(sys.argv[1:], format="newline_delimited", columns=columns)
print(duckdb.sql("SELECT stage, outcome, reason, count(*) FROM lines WHERE event = 'record'"
                 " GROUP BY ALL").fetchall())
print(duckdb.sql("SELECT stage, approx_quantile(took_ms, [0.5, 0.95, 0.99]) FROM lines"
                 " WHERE event = 'record' GROUP BY ALL").fetchall())
"""
LNAV = (
    ";SELECT stage, outcome, reason, count(*), avg(took_ms), max(took_ms) FROM newsmill_log"
    " WHERE event = 'record' GROUP BY stage, outcome, reason"
)


class Took(NamedTuple):
    """What a command took."""

    wall_s: float
    cpu_s: float
    rss_mb: float
    code: int


def timed(command: list[str], env: dict[str, str], limit_s: float) -> Took:
    """Run a command on the first processor; code -1 where it did not end in time."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(
            command, stdout=out, stderr=out, env=env,
            preexec_fn=lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}),
        )  # fmt: skip
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            if time.perf_counter() - started > limit_s:
                child.kill()
                _, _, usage = os.wait4(child.pid, 0)
                status = -1
                break
            time.sleep(0.05)
        child.returncode = os.waitstatus_to_exitcode(status) if status >= 0 else -1
        if child.returncode > 1:
            out.seek(0)
            print(out.read()[-2000:].decode("utf-8", "replace"), file=sys.stderr)
    wall = time.perf_counter() - started
    return Took(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, child.returncode)


def commands(paths: list[str], home: Path) -> dict[str, list[str]]:
    """The tools that are here, each with its command."""
    found = {
        "newsmill ops summary": [sys.executable, "-m", "newsmill", "ops", "summary", *paths],
        "newsmill ops check": [
            sys.executable, "-m", "newsmill", "ops", "check", "--now", "last", *paths,
        ],
        "newsmill ops trace": [sys.executable, "-m", "newsmill", "ops", "trace", "f" * 32, *paths],
    }  # fmt: skip
    if importlib.util.find_spec("duckdb"):
        found["DuckDB, one thread"] = [sys.executable, "-c", DUCKDB, *paths]
    if (jq := shutil.which("jq")) is not None:
        found["jq"] = [jq, "-n", JQ, *paths]
    if (lnav := shutil.which("lnav")) is not None:
        (home / "format.json").write_text(log_format())
        subprocess.run(
            [lnav, "-i", home / "format.json"],
            env={**os.environ, "HOME": str(home)}, capture_output=True, check=True,
        )  # fmt: skip
        found["lnav, headless"] = [lnav, "-n", "-c", LNAV, *paths]
    return found


def main() -> None:
    """Print a table of what each took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", type=Path, help="folder of plain logs")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--limit-s", type=float, default=1200)
    options = parser.parse_args()
    paths = sorted(str(path) for path in options.logs.iterdir())
    size = sum(Path(path).stat().st_size for path in paths)
    lines = sum(_lines(path) for path in paths)
    print(f"{size / 1e6:,.0f} MB, {lines:,} lines\n")
    print("| tool | wall | CPU | lines/s of CPU | memory |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "HOME": folder}
        tools = commands(paths, Path(folder))
        best: dict[str, Took] = {}
        for _ in range(options.rounds):
            for name, command in tools.items():
                took = timed(command, env, options.limit_s)
                if name not in best or took.cpu_s < best[name].cpu_s:
                    best[name] = took
    for name, took in best.items():
        note = f" (code {took.code})" if took.code not in (0, 1) else ""
        print(
            f"| {name}{note} | {took.wall_s:,.0f} s | {took.cpu_s:,.1f} s"
            f" | {lines / took.cpu_s:,.0f} | {took.rss_mb:,.0f} MB |"
        )


def _lines(path: str) -> int:
    with Path(path).open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


if __name__ == "__main__":
    main()
