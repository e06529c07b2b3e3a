"""Flame graphs: samples name the code that ran, and the graph is one document of its own."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.process.flame import WIDTH, Sampler, draw, folded, name_of
from newsmill.process.profile import Profiler

SVG = "{http://www.w3.org/2000/svg}"
STACKS = {
    ("main", "read <page>"): 0.3,
    ("main", "read <page>", 'parse "x" & y'): 0.5,
    ("main", "write"): 0.2,
}


def spin(seconds: float) -> int:
    """Burns CPU time, however busy the machine is."""
    turns, end = 0, time.thread_time() + seconds
    while time.thread_time() < end:
        turns += 1
    return turns


def test_a_sampler_finds_who_burns_the_time() -> None:
    sampler = Sampler()
    sampler.start()
    spin(0.2)
    stacks = sampler.stop()
    spent = sum(weight for stack, weight in stacks.items() if name_of(spin.__code__) in stack)
    assert 0.1 < spent < 0.4
    assert all(stack for stack in stacks)


def test_waiting_costs_nothing() -> None:
    sampler = Sampler()
    sampler.start()
    time.sleep(0.1)
    assert sum(sampler.stop().values()) < 0.05


def test_a_sample_that_comes_late_does_no_harm() -> None:
    sampler = Sampler()
    sampler.start()
    sampler.stop()
    os.kill(os.getpid(), signal.SIGPROF)
    assert signal.getsignal(signal.SIGPROF) is not signal.SIG_DFL


def test_a_graph_is_one_document_that_asks_for_nothing_else() -> None:
    text = draw(STACKS, "a <title> & more")
    root = ElementTree.fromstring(text)
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert root.find(f"{SVG}text").text == "a <title> & more: 1000 ms of CPU"


def test_boxes_are_as_wide_as_what_they_took_and_stand_on_their_callers() -> None:
    root = ElementTree.fromstring(draw(STACKS, "t"))
    boxes = {}
    for group in root.iter(f"{SVG}g"):
        rect = group.find(f"{SVG}rect")
        assert rect is not None
        boxes[group.get("data-n")] = (float(group.get("data-w", 0)), float(rect.get("y", 0)))
    assert {name: width for name, (width, _) in boxes.items()} == pytest.approx(
        {"all": 1, "main": 1, "read <page>": 0.8, 'parse "x" & y': 0.5, "write": 0.2}
    )
    assert boxes["all"][1] > boxes["main"][1] > boxes["write"][1] == boxes["read <page>"][1]


def test_folded_stacks_are_a_line_each() -> None:
    assert folded({("b", "c"): 0.25, ("a",): 0.5}) == "a 500000\nb;c 250000\n"


_NAMES = st.text(st.characters(min_codepoint=32, max_codepoint=0xFFF), min_size=1, max_size=12)


@given(
    st.dictionaries(
        st.lists(_NAMES, min_size=1, max_size=5).map(tuple), st.floats(1e-6, 10), max_size=12
    )
)
def test_any_stacks_are_drawn_as_well_formed_and_within_the_page(
    stacks: dict[tuple[str, ...], float],
) -> None:
    root = ElementTree.fromstring(draw(stacks, "t"))
    for rect in root.iter(f"{SVG}rect"):
        assert float(rect.get("x", 0)) + float(rect.get("width", 0)) <= WIDTH + 0.5


def test_the_first_toggle_starts_and_the_second_writes(tmp_path: Path) -> None:
    profiler = Profiler()
    profiler.directory = tmp_path / "logs"
    profiler.toggle()
    spin(0.05)
    profiler.toggle()
    stem = tmp_path / "logs" / f"profile-{os.getpid()}"
    ElementTree.parse(stem.with_suffix(".svg"))
    assert "test_flame.spin" in stem.with_suffix(".folded").read_text()
    profiler.toggle()
    profiler.toggle()  # once more, and a directory that cannot be made is no harm
    profiler.directory = Path("/proc/none")
    profiler.toggle()
    profiler.toggle()
