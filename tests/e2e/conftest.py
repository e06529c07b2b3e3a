"""What the tests of whole processes share: a real Kafka, and the newsroom's pages recorded once."""

from __future__ import annotations

from pathlib import Path
from subprocess import CompletedProcess
from typing import NamedTuple

import pytest

from brokers import any_kafka, kafka, unique
from e2e.workers import enriched
from running import newsmill

__all__ = ["any_kafka", "kafka", "unique"]


class Replayed(NamedTuple):
    """The recorded pages as one ``newsmill replay`` on the embedded log left them."""

    data: Path
    done: CompletedProcess[bytes]
    enriched: list[bytes]


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """The newsroom's pages, recorded by ``poll | fetch``."""
    entries = newsmill("poll", "--spacing", "0.05")
    assert b"not_feed" in entries.stderr, "one feed of the newsroom is none"
    pages = newsmill("fetch", "--spacing", "0.05", stdin=entries.stdout)
    assert pages.returncode == 0, pages.stderr.decode()
    path = tmp_path_factory.mktemp("pages") / "pages.jsonl"
    path.write_bytes(pages.stdout)
    assert len(pages.stdout.splitlines()) == len(entries.stdout.splitlines())
    return path


@pytest.fixture(scope="session")
def replayed(pages, tmp_path_factory) -> Replayed:
    data = tmp_path_factory.mktemp("replay") / "data"
    done = newsmill("replay", pages, "--lane", "check", "--data", data)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return Replayed(data, done, enriched(f"file:{data / 'bus'}", "check"))


@pytest.fixture(scope="session")
def ran(tmp_path_factory) -> tuple[Path, CompletedProcess[bytes]]:
    """The data folder of one ``newsmill run`` of the sample newsroom, and what it told."""
    data = tmp_path_factory.mktemp("run") / "data"
    return data, newsmill("run", "--data", data)
