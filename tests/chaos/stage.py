"""A light worker of one stage: the real loop around a step that copies, in a process of its own.

    python -m chaos.stage extractor|enricher     settings as of any worker, by NEWSMILL_*

A record is JSON: ``n``, its number; ``made``, the attempt that wrote it; ``of``, the attempt that
wrote what it was made of. So a record that was read and then undone is known by its reader.
"""

from __future__ import annotations

import os
import sys
import time
from itertools import count

import orjson

from chaos.clock import Clock
from newsmill.bus.base import Output, Record
from newsmill.errors import BadRecord
from newsmill.process.drain import Drain
from newsmill.process.host import Desk, serve
from newsmill.process.settings import load
from newsmill.process.steps import Result
from newsmill.process.work import Inline
from newsmill.topics import ARTICLES, ENRICHED, PAGES

PACE_S = 0.002  # a record, as work takes time: faults find steps under way
POISON = 97  # every so manieth record is one
STAGES = {"extractor": (PAGES, ARTICLES), "enricher": (ARTICLES, ENRICHED)}


def is_poison(number: int) -> bool:
    """Whether the first stage can make nothing of it."""
    return number % POISON == 7


def main(role: str) -> int:
    Clock().wear()
    source, sink = STAGES[role]
    mark, attempts = f"{os.getpid()}-{time.time_ns()}", count()

    def step(record: Record) -> Result:
        time.sleep(PACE_S)
        held = orjson.loads(record.value or b"")
        if role == "extractor" and is_poison(held["n"]):
            raise BadRecord("decode", f"record {held['n']} is poison")
        made = {"n": held["n"], "made": f"{mark}-{next(attempts)}", "of": held["made"]}
        output = Output(
            topic=sink, key=record.key, value=orjson.dumps(made), partition=record.partition
        )
        facts = {"page_id": record.key.decode()}
        return Result(outcome="published", outputs=(output,), facts=facts)

    def work(desk: Desk) -> None:
        inline = Inline(role, step)
        Drain(role, desk.member, inline, desk.bus.burst, desk.log, desk.life).run()

    return serve(role, role, [source], load({}), work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
