"""Plots: scales that hold all values, gaps, names that are text, and colours that stay."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.ops.plots import COLOURS, Scale, plot, spark

VALUES = st.lists(st.none() | st.floats(0, 1e9), min_size=2, max_size=40)


@given(VALUES, st.booleans())
def test_a_plot_is_well_formed_and_all_of_it_is_in_the_frame(values, by_powers):
    drawn = plot("<Title>", "a & b", range(len(values)), {"<x>": values}, by_powers=by_powers)
    if all(value is None for value in values):
        assert not drawn
        return
    quoted = re.sub(r"class=(\w+)", r'class="\1"', drawn)
    root = ET.fromstring(quoted)
    for path in root.iter("path"):
        for number in path.get("d", "").replace("M", " ").replace("L", " ").split():
            if number[0].isdigit():
                assert -1 <= float(number.split("H")[0].split("h")[0]) <= 640


@given(st.lists(st.floats(0, 1e12, allow_subnormal=False), min_size=1), st.booleans())
def test_every_value_has_its_place_on_the_scale(values, by_powers):
    scale = Scale.of(values, by_powers=by_powers)
    assert all(-1e-6 <= scale.place(value) <= 1 + 1e-9 for value in values)
    assert scale.ticks == sorted(set(scale.ticks))
    assert len(scale.ticks) <= 6


def test_a_gap_breaks_the_line():
    drawn = plot("t", "u", range(5), {"a": [1.0, 2.0, None, 3.0, 4.0]})
    line = drawn[drawn.index('stroke="') - 200 : drawn.index('stroke="')]
    assert line.count("M") >= 2


def test_a_stage_has_one_colour_in_every_plot():
    order = ("producer", "fetcher", "extractor")
    of_stage = plot("t", "u", range(2), {"extractor": [1.0, 2.0]}, order=order)
    of_worker = plot("t", "u", range(2), {"extractor-0": [1.0, 2.0]}, order=order)
    assert COLOURS[2] in of_stage
    assert COLOURS[2] in of_worker


@pytest.mark.parametrize(
    ("values", "drawn"), [([], ""), ([0, 0], "  "), ([0, 1, 8], " ▁█"), ([5, 5], "██")]
)
def test_a_row_of_blocks(values, drawn):
    assert spark(values) == drawn
