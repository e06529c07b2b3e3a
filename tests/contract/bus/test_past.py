"""A topic's own past: by offset, by time or all, to the end as it was at the start."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contract.bus.conftest import Open
from newsmill.bus.base import Bus, Place
from newsmill.errors import Misconfigured
from newsmill.process.pages import page_output
from newsmill.producer.sources import At, expand, is_past, pinned, source_of
from newsmill.producer.sources.base import Ready
from newsmill.records import Page
from newsmill.topics import PAGES, partition_of
from newsmill.urls import identity


@pytest.fixture(name="live")
def _live(bus: Bus) -> Bus:
    bus.create()
    return bus


def publish(opened: Bus, *numbers: int) -> None:
    outputs = []
    for number in numbers:
        address = f"https://news.example/{number}"
        page = Page(page_id=identity(address), url=address, fetched="2026-11-02T08:00:00Z")
        held = page_output(page, b"<p>story</p>")
        extra = held.headers[1][1].replace(b'{"v":1', b'{"of_the_future":[1],"v":1')
        headers = (held.headers[0], ("page", extra), held.headers[2])
        outputs.append(replace(held, headers=headers))
    member = opened.join("publisher", [])
    member.commit(outputs, (), {})
    member.leave()


def read(words: list[str], url: str) -> list[tuple[str, int]]:
    """URL and partition of all that comes, reading each source anew after every item."""
    found = []
    for path, name in expand(words):
        source = source_of(path, name, url)
        at = At(source.head())
        while (item := next(source.items(at), None)) is not None:
            assert item.damage is None
            ready = source.page(item)
            assert isinstance(ready, Ready)
            found.append(
                (ready.page.url, partition_of(ready.output.routing or "", PAGES.partitions))
            )
            at = item.at
        assert at.byte <= source.size()
    return found


def test_all_of_it_comes_partition_by_partition_to_the_end_as_it_was(live: Bus, url: str) -> None:
    publish(live, *range(20))
    words = pinned(["topic:pages"], url)
    publish(live, *range(20, 30))
    found = read(words, url)
    assert sorted(address for address, _ in found) == sorted(
        f"https://news.example/{number}" for number in range(20)
    )
    assert [partition for _, partition in found] == sorted(partition for _, partition in found)


def test_a_record_is_passed_on_byte_for_byte(live: Bus, url: str) -> None:
    publish(live, 1)
    [word] = [w for w in pinned(["topic:pages"], url) if not w.endswith("@0..0")]
    source = source_of(Path(word), word, url)
    [item] = source.items(At(""))
    ready = source.page(item)
    assert isinstance(ready, Ready)
    place = Place("pages", partition_of(ready.page.page_id, PAGES.partitions))
    [record] = live.scan(PAGES, place.partition)
    assert (ready.output.key, ready.output.value) == (record.key, record.value)
    assert ready.output.headers == record.headers
    assert b"of_the_future" in ready.output.headers[1][1]


def test_bounds_are_offsets_or_times(live: Bus, url: str) -> None:
    publish(live, *range(40))
    time.sleep(0.02)
    between = datetime.now(UTC).isoformat()
    time.sleep(0.02)
    publish(live, *range(40, 60))
    later = {address for address, _ in read(pinned([f"topic:pages@{between}"], url), url)}
    assert later == {f"https://news.example/{number}" for number in range(40, 60)}
    before = {address for address, _ in read(pinned([f"topic:live.pages@..{between}"], url), url)}
    assert before == {f"https://news.example/{number}" for number in range(40)}
    first, end = live.span(PAGES, 3)
    assert pinned(["topic:pages/3@1..3"], url) == ["topic:live.pages/3@1..3"]
    assert pinned(["topic:pages/3@0..9999"], url) == [f"topic:live.pages/3@{first}..{end}"]


@pytest.mark.parametrize(
    "word", ["topic:dead", "topic:pages/99", "topic:pages@soon", "topic:", "topic:pages@1..2..x"]
)
def test_what_is_no_past_is_said_so(live: Bus, url: str, word: str) -> None:
    publish(live, 1)
    with pytest.raises(Misconfigured):
        pinned([word], url)


def test_what_has_no_pages_is_made_nowhere(url: str, open_bus: Open) -> None:
    with pytest.raises(Misconfigured, match="no pages"):
        pinned(["topic:other.pages"], url)
    assert open_bus("other").describe() == []


def test_files_stay_files(tmp_path: Path, url: str) -> None:
    assert pinned([str(tmp_path / "a.warc.gz")], url) == [str(tmp_path / "a.warc.gz")]
    assert not is_past(str(tmp_path))
