"""A real drain worker in a process of its own, for tests that kill it: its argument is DATA."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from newsmill import bus
from newsmill.bus.base import Burst, Output, Record
from newsmill.errors import BadRecord
from newsmill.process.drain import Drain
from newsmill.process.life import Life
from newsmill.process.steps import Result
from newsmill.process.telemetry import Telemetry
from newsmill.process.work import Inline
from newsmill.topics import ARTICLES, PAGES


def step(record: Record) -> Result:
    """Publishes, refuses or kills a record, as its value says."""
    value = record.value or b""
    if value.startswith(b"dead"):
        raise BadRecord("not_html", value.decode())
    if value.startswith(b"refuse"):
        raise BadRecord("no_article")
    output = Output(topic=ARTICLES, key=record.key, value=value, routing=record.key.decode())
    return Result(outcome="published", outputs=(output,))


def main(data: Path) -> None:
    url = f"file:{data / 'bus'}"
    opened, watched = bus.connect(url, "live"), bus.connect(url, "live")
    member = opened.join("extractor", [PAGES])
    log = Telemetry("extractor", slot=member.slot, directory=data / "logs")
    log.event("worker.start", role="extractor")
    life = Life(log)

    def stop_when_drained() -> None:
        while any(lag.waiting for lag in watched.lag(["extractor"])):
            life.wait(0.05)
        life.stop()

    watcher = threading.Thread(target=stop_when_drained)
    watcher.start()
    Drain("extractor", member, Inline("extractor", step), Burst(5, 1 << 20, 0.02), log, life).run()
    watcher.join()
    log.event("worker.stop", why="drained")
    log.close()
    watched.close()
    opened.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
