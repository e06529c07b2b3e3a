"""Half an hour of news over Kafka, at 70 % of what this machine can do: flat and exact, or not.

A web of 200 small newspapers (soak_site.py) on the loopback, all five workers as processes of their
own, a real broker. First ever higher rates are tried until one is not kept up with; then a fresh
namespace runs at a share of the last that was. Sampled all the while: memory and descriptors of
every process, CPU by role. At the end publishing stops, the pipeline drains, and every story that
was out must be in the store, once, with the logs in balance. Exits 1 where something is missing or
grew.

Run: python benchmarks/soak.py --minutes 30 [--kafka HOST:PORT] [--rate N] [--out FILE.json]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from process_tree import descendants
from soak_figures import figures_of, render

ROOT = Path(__file__).parents[1]
ROLES = ("producer", "fetcher", "extractor", "enricher", "archiver")
EVERY_S = 5.0
FIRST_RATE = 30.0  # stories a second, of the first try for the capacity
STEP = 1.25
TRY_S = 60.0  # its second half counts
KEPT_UP = 0.95  # of what was published came out as fast
STILL_S = 40.0  # nothing more comes


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Stage:
    """A site, a namespace and five workers, until it is left."""

    def __init__(self, folder: Path, kafka: str, rate: float, given: argparse.Namespace) -> None:
        self.folder = folder
        self.hosts: int = given.hosts
        self.samples: list[dict[str, Any]] = []
        self._port = _free_port()
        self._begun = time.monotonic()
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("NEWSMILL_")},
            "NEWSMILL_BUS": f"kafka://{kafka}/soak{uuid.uuid4().hex[:8]}",
            "NEWSMILL_DATA": str(folder),
            "NEWSMILL_CONTACT": "soak@localhost.example",
            "NEWSMILL_RESOLVE": f"*.example=127.0.0.1:{self._port}",
            "NEWSMILL_MIN_INTERVAL_S": "5",
            "NEWSMILL_HEARTBEAT_S": "5",
            "NEWSMILL_KAFKA_WAIT_MS": "30000",
        }
        if given.children:
            self.environment["NEWSMILL_CHILDREN"] = str(given.children)
        words = ["--port", self._port, "--rate", rate, "--hosts", given.hosts]
        if given.corpora:
            words += ["--corpora", given.corpora]
        self._site = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("soak_site.py"), *map(str, words)],
            stdout=subprocess.PIPE,
        )
        assert self._site.stdout is not None
        self._site.stdout.readline()
        self._workers: dict[str, subprocess.Popen[bytes]] = {}

    def newsmill(self, *words: str) -> bytes:
        """One command to its end; its output."""
        command = [sys.executable, "-m", "newsmill", *words]
        return subprocess.run(
            command, env=self.environment, stdout=subprocess.PIPE, check=True
        ).stdout

    def start(self) -> None:
        """Import the feeds, and start every worker."""
        feeds = self.folder / "feeds.txt"
        feeds.write_text("".join(f"http://paper{n}.example/feed\n" for n in range(self.hosts)))
        self.newsmill("bus", "create")
        self.newsmill("feeds", "import", str(feeds))
        for role in ROLES:
            with (self.folder / f"{role}.stderr").open("wb") as log:
                self._workers[role] = subprocess.Popen(
                    [sys.executable, "-m", "newsmill", "work", role, "--slot", "0"],
                    env=self.environment, stdout=subprocess.DEVNULL, stderr=log,
                )  # fmt: skip

    def watch(self, seconds: float) -> None:
        """Sample for so long; raises SystemExit when a worker ends."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(min(EVERY_S, max(0.1, end - time.monotonic())))
            self._sample()

    def _sample(self) -> None:
        found: dict[str, dict[str, float]] = {}
        for role, process in self._workers.items():
            if process.poll() is not None:
                words = (self.folder / f"{role}.stderr").read_text()[-2000:]
                raise SystemExit(f"{role} ended with {process.returncode}: {words}")
            family = descendants(process.pid)
            found[role] = {
                "rss_mb": sum(one.rss_mb for one in family if one.pid == process.pid),
                "children_mb": sum(one.rss_mb for one in family if one.pid != process.pid),
                "children_cpu_s": sum(one.cpu_s for one in family if one.pid != process.pid),
                "fds": _descriptors(process.pid),
            }
        self.samples.append({"at_s": round(time.monotonic() - self._begun, 1), "roles": found})

    def publish_no_more(self) -> dict[str, float]:
        """What the site has published, now that it has stopped."""
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=30)) as line:
            line.request("GET", "/control/stop")
            told: dict[str, float] = json.load(line.getresponse())
        return told

    def done(self, role: str) -> int:
        """Records that a role has published, by its last heartbeat."""
        beats = list(self.heartbeats(role))
        return int(beats[-1]["counts"].get("published", 0)) if beats else 0

    def heartbeats(self, role: str) -> Iterator[dict[str, Any]]:
        """The heartbeat lines of a role."""
        for path in sorted((self.folder / "logs").glob(f"{role}-0.jsonl*"), reverse=True):
            with path.open("rb") as lines:
                for line in lines:
                    if b'"worker.heartbeat"' in line:
                        yield json.loads(line)

    def drained(self, stories: float) -> float:
        """Wait until so many are stored, or nothing more comes; how long it took."""
        started = changed = time.monotonic()
        done = -1
        while done < stories and time.monotonic() - changed < STILL_S:
            self.watch(EVERY_S)
            if (now := self.done("archiver")) != done:
                done, changed = now, time.monotonic()
        return changed - started

    def stop(self) -> None:
        """End the workers in order, and the site."""
        for process in self._workers.values():
            process.send_signal(signal.SIGTERM)
        for process in self._workers.values():
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
        self._site.kill()
        self._site.wait()


def _cpu_s(pid: int) -> float:
    return sum(one.cpu_s for one in descendants(pid)) if pid else 0.0


def _descriptors(pid: int) -> int:
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return 0


@contextmanager
def broker(given: argparse.Namespace, folder: Path) -> Iterator[tuple[str, int]]:
    """The address of a broker, and its process: the one that was named (0), or one of our own."""
    if given.kafka:
        yield given.kafka, 0
        return
    words = [sys.executable, str(ROOT / "deploy" / "kafka" / "broker.py")]
    home = ["--dir", str(folder / "kafka")]
    said = subprocess.run([*words, "start", *home], stdout=subprocess.PIPE, text=True, check=True)
    try:
        pid = json.loads((folder / "kafka" / "broker.json").read_bytes())["pid"]
        yield said.stdout.splitlines()[-1], int(pid)
    finally:
        subprocess.run([*words, "stop", *home], stdout=subprocess.DEVNULL, check=False)


def capacity(folder: Path, kafka: str, given: argparse.Namespace) -> float:
    """The highest of ever higher rates that the pipeline kept up with, articles a second."""
    kept, rate = 0.0, FIRST_RATE
    while True:
        (folder / f"{rate:.0f}").mkdir()
        done = _tried(folder / f"{rate:.0f}", kafka, rate, given)
        print(f"at {rate:.0f} a second: {done:.1f} enriched", file=sys.stderr, flush=True)
        if done < KEPT_UP * rate:
            return max(kept, done)
        kept, rate = rate, rate * STEP


def _tried(folder: Path, kafka: str, rate: float, given: argparse.Namespace) -> float:
    """Articles a second that came out, over the last part of a try."""
    stage = Stage(folder, kafka, rate, given)
    try:
        stage.start()
        stage.watch(TRY_S)
        beats = [
            (beat["uptime_s"], beat["counts"].get("published", 0))
            for beat in stage.heartbeats("enricher")
        ]
    finally:
        stage.stop()
    late = [beat for beat in beats if beat[0] > beats[-1][0] / 2]
    return float((late[-1][1] - late[0][1]) / (late[-1][0] - late[0][0]))


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--share", type=float, default=0.7, help="of the capacity that is measured")
    parser.add_argument("--least", type=float, default=30, help="articles a second")
    parser.add_argument("--rate", type=float, help="articles a second, instead of a share")
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--children", type=int, help="of the extractor; as many as cores without")
    parser.add_argument("--corpora", type=Path, help="serve pages of these instead of our own")
    parser.add_argument("--kafka", help="HOST:PORT of a broker; without one, one is started")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    parser.add_argument("--report", type=Path, help="write newsmill's own report of the logs")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended on the way
    with (
        tempfile.TemporaryDirectory(prefix="newsmill-soak-") as scratch,
        broker(given, Path(scratch)) as (kafka, pid),
    ):
        most = None
        if given.rate is None:
            most = capacity(_made(scratch, "capacity"), kafka, given)
            print(f"capacity: {most:.1f} articles a second", file=sys.stderr, flush=True)
        rate = given.rate or max(given.least, given.share * (most or 0.0))
        before = _cpu_s(pid)
        figures = run(_made(scratch, "soak"), kafka, rate, given) | {"capacity": most}
        figures["cpu_s_of_kafka"] = round(_cpu_s(pid) - before, 1)
        if given.out:
            given.out.write_text(json.dumps(figures, indent=1) + "\n")
        print(render(figures), flush=True)
    return 0 if figures["ok"] else 1


def _made(scratch: str, name: str) -> Path:
    folder = Path(scratch, name)
    folder.mkdir()
    return folder


def run(folder: Path, kafka: str, rate: float, given: argparse.Namespace) -> dict[str, Any]:
    """The soak itself; its figures."""
    stage = Stage(folder, kafka, rate, given)
    started = time.monotonic()
    try:
        stage.start()
        stage.watch(given.minutes * 60)
        told = stage.publish_no_more()
        took_s = time.monotonic() - started
        drain_s = stage.drained(told["stories"])
        topics = [
            json.loads(line) for line in stage.newsmill("bus", "describe", "--json").splitlines()
        ]
    finally:
        stage.stop()
    if given.report:
        stage.newsmill("ops", "report", str(folder / "logs"), "-o", str(given.report))
    return figures_of(
        folder, stage.samples, topics,
        rate=rate, took_s=took_s, drain_s=drain_s, told=told, is_ours=given.corpora is None,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
