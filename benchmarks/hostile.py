"""Hostile pages: what each costs, and whether its article comes out whole, is refused, or is cut.

    python benchmarks/hostile.py [--only NAME] [--quick] [--json FILE]

Every page holds ten paragraphs, five before the hazard and five after, and is extracted in a
process of its own. Exit code 1 where one is cut or loses its process, takes more than 2 s of CPU
or 500 MB, or where all of them together take more than 2 minutes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import time
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from hostile_pages import CASES, WHAT, Case

from newsmill import urls
from newsmill.errors import BadRecord
from newsmill.extractor.core import extract
from newsmill.records import Page

MAX_SECONDS = 2.0  # of CPU, a page
MAX_MB = 500
MAX_TOTAL = 120.0  # seconds, the whole set
KILL_AFTER = 20.0  # seconds of wall clock
QUICK_BYTES = 200_000  # of a page that a unit test may run
URL = "https://www.mole-gazette.example/2024/05/14/the-pier"


@dataclass(slots=True)
class Result:
    """What became of a page."""

    name: str
    kilobytes: int
    outcome: str  # full, refused (REASON), suspect, cut (N of 10), dead (WHY)
    ms: float = 0.0
    mb: int = 0

    def fault(self, case: Case) -> str:
        """What is wrong with it, or an empty string."""
        if self.ms > MAX_SECONDS * 1000:
            return "slow"
        if self.mb > MAX_MB:
            return "memory"
        kind = self.outcome.partition(" (")[0]
        if kind == "refused":
            reason = self.outcome.partition("(")[2].rstrip(")")
            return "" if reason in case.wanted.split() else "refused"
        return "" if kind == "full" or kind in case.wanted.split() else kind


def outcome_of(case: Case, body: bytes) -> str:
    """What the extractor makes of a page."""
    described = Page(page_id=urls.identity(URL), url=URL, content_type=case.content_type)
    try:
        found = extract(body, described)
    except BadRecord as error:
        return f"refused ({error.reason})"
    plain = " ".join(found.text.replace("Mühe", "").split())
    marks = [what in plain for what in WHAT]
    if all(marks):
        return "full"
    if "text_suspect" in found.provenance:
        return "suspect"
    return f"cut ({sum(marks)} of {len(marks)})"


def _child(case: Case, body: bytes, sender: Connection) -> None:
    start = time.process_time()
    outcome = outcome_of(case, body)
    spent = (time.process_time() - start) * 1000
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    sender.send((outcome, round(spent, 1), peak))
    sender.close()


def run(case: Case) -> Result:
    """Extract a page in a process of its own."""
    body = case.make()
    result = Result(case.name, len(body) // 1000, "dead (killed)", KILL_AFTER * 1000)
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(case, body, sender))
    process.start()
    sender.close()
    try:
        if receiver.poll(KILL_AFTER):
            result.outcome, result.ms, result.mb = receiver.recv()
    except EOFError:
        process.join()
        result.outcome, result.ms = f"dead (exit {process.exitcode})", 0.0
    process.kill()
    process.join()
    return result


def main() -> int:
    """Run the set and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", help="pages whose name holds this")
    parser.add_argument("--quick", action="store_true", help="small pages alone")
    parser.add_argument("--json", help="write the results to a file")
    options = parser.parse_args()
    started = time.monotonic()
    results, faults = [], 0
    print("| page | kB | CPU ms | peak MB | outcome |  |\n|---|---|---|---|---|---|")
    for case in CASES:
        if options.only and options.only not in case.name:
            continue
        if options.quick and len(case.make()) > QUICK_BYTES:
            continue
        result = run(case)
        fault = result.fault(case)
        faults += bool(fault)
        results.append(asdict(result) | {"fault": fault})
        cells = (result.name, result.kilobytes, round(result.ms), result.mb, result.outcome, fault)
        print("|", " | ".join(map(str, cells)), "|", flush=True)
    total = time.monotonic() - started
    print(f"\n{len(results)} pages, {total:.0f} s, {faults} faults")
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1), encoding="utf-8")
    return int(faults > 0 or total > MAX_TOTAL)


if __name__ == "__main__":
    sys.exit(main())
