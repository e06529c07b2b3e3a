"""The size of chunks and steps leaves no trace in what a replay makes, nor does its own clock."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contract.loops.driving import BURST, Loop, connect, everything, waiting
from newsmill.archiver.prints import PrintStore
from newsmill.archiver.worker import Printing
from newsmill.bus.base import Burst, Output, Record
from newsmill.enricher.worker import Enriching
from newsmill.extractor.child import handle
from newsmill.process.fingerprint import Output as Made
from newsmill.process.fingerprint import output_of
from newsmill.process.settings import Settings
from newsmill.process.steps import Result
from newsmill.process.work import Inline
from newsmill.producer import reader
from newsmill.producer.reader import Reader
from newsmill.producer.sources import expand
from newsmill.topics import ARTICLES, ENRICHED, FEEDS_STATE, PAGES
from running import wait_for

TEXT = "The ferry to {place} sailed again on Monday.\n{body}\n"
BODY = (
    "It was the first crossing since the storm, said harbour master Ida Lund of Ferries Ltd. " * 4
)


def page(number: int) -> dict[str, object]:
    """Every third page is a re-fetch of the one before: unchanged, or with another text."""
    of = number - (number % 3 == 2)
    version = (number // 6) % 2 if of != number else of % 2
    text = TEXT.format(place=f"Island {of}", body=BODY * (1 + version))
    url = f"https://gazette.example/{of}"
    fetched = f"2024-03-{1 + number % 28:02}T06:00:00Z"
    return {"id": f"page {number}", "url": url, "text": text, "fetched": fetched}


def extracted(record: Record) -> Result:
    article, _ = handle([record.header("page") or b"", record.value or b""])
    output = Output(topic=ARTICLES, key=record.key, value=article, routing=record.key.decode())
    return Result(outcome="published", outputs=(output,))


def replayed(folder: Path, source: Path, burst: Burst) -> Made:
    """What a replay in this process makes of a source, stage by stage."""
    with connect(folder) as opened:
        stages = [
            ("extractor", PAGES, lambda loop: Inline("extractor", extracted)),
            ("enricher", ARTICLES, lambda loop: Enriching(loop.log)),
            ("archiver.fingerprints", ENRICHED, lambda loop: _printing(loop, folder)),
        ]
        loop = Loop(folder, "producer")
        reading = Reader(expand([source]), Settings(), loop.log)
        with loop.tend(reading, FEEDS_STATE, group="producer", burst=burst):
            wait_for(lambda: reading.vitals()["idle"] and everything(opened, PAGES))
        assert loop.error is None
        for group, topic, work in stages:
            loop = Loop(folder, group)
            with loop.drain(work(loop), group=group, topic=topic, burst=burst):
                wait_for(lambda group=group: not waiting(opened, group))
            assert loop.error is None
    with PrintStore(folder / "records.db", readonly=True) as prints:
        return output_of(prints.prints())


def _printing(loop: Loop, folder: Path) -> Printing:
    return Printing(PrintStore(folder / "records.db"), loop.bus.identity, loop.log)


def test_chunks_and_steps_of_any_size_make_the_same_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "pages.jsonl"
    source.write_text("".join(json.dumps(page(number)) + "\n" for number in range(40)))
    made = []
    for chunk, burst in ((50, BURST), (1, Burst(1, 1 << 20, 0.0)), (7, Burst(500, 4 << 20, 0.3))):
        monkeypatch.setattr(reader, "CHUNK_ITEMS", chunk)
        monkeypatch.setenv("TZ", f"UTC{chunk % 24:+d}")
        made.append(replayed(tmp_path / str(chunk), source, burst))
    assert made[0].records > 20
    assert made == [made[0]] * 3
