"""What other tools are told is of our own catalogue, and has the shape that they take."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import orjson
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from newsmill.ops.rules import TARGETS
from newsmill.ops.rules.figures import ALERTS, FIGURES, ROLES
from newsmill.ops.rules.lnav import SAMPLE
from newsmill.ops.rules.yaml import dump
from newsmill.process.events import COMMON, EVENTS, FIELDS
from unit.ops.journal import Journal

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]))
values = st.recursive(
    st.one_of(words, st.integers(-(1 << 60), 1 << 60), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(words, inner, max_size=4)),
    max_leaves=12,
)


@given(st.dictionaries(words, values, max_size=4))
def test_what_is_written_as_yaml_is_read_back(value) -> None:
    assert (yaml.safe_load(dump(value)) or {}) == value


def test_every_figure_is_of_an_event_and_its_fields() -> None:
    for figure in FIGURES:
        carried = {*EVENTS[figure.event].fields, *COMMON}
        assert set(figure.labels) <= carried, figure.name
        assert (figure.field is None) == (figure.kind == "counter")
        if figure.field is not None:
            assert figure.field in carried
            assert FIELDS[figure.field].type in ("integer", "number")
    assert set(ALERTS) <= set(EVENTS)


def test_lokis_rules_are_rules() -> None:
    groups = yaml.safe_load(TARGETS["loki"]())["groups"]

    rules = [rule for group in groups for rule in group["rules"]]
    for rule in rules:
        assert ("record" in rule) != ("alert" in rule)
        expr = rule["expr"]
        for opening, closing in ("()", "[]", "{}"):
            assert expr.count(opening) == expr.count(closing)
        for event in re.findall(r'event="([^"]+)"', expr):
            assert event in EVENTS
    names = [rule.get("record") or rule["alert"] for rule in rules]
    assert len(set(names)) == len(names)
    assert {f"NewsmillNo{role.capitalize()}" for role in ROLES} <= set(names)
    assert all(re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", name) for name in names)


def test_vectors_pipeline_hangs_together() -> None:
    found = yaml.safe_load(TARGETS["vector"]())

    parts = found["sources"] | found["transforms"] | found["sinks"]
    inputs = {name for part in parts.values() for name in part.get("inputs", ())}
    assert inputs == set(parts) - set(found["sinks"])
    metrics = [
        metric
        for part in found["transforms"].values()
        if part["type"] == "log_to_metric"
        for metric in part["metrics"]
    ]
    assert sorted(metric["name"] for metric in metrics) == sorted(one.name for one in FIGURES)


def test_grafanas_dashboard_shows_every_figure() -> None:
    board = orjson.loads(TARGETS["grafana"]())
    titles = [panel["title"] for panel in board["panels"]]
    assert [figure.says for figure in FIGURES] == titles[:-1]
    assert [panel["id"] for panel in board["panels"]] == list(range(1, len(titles) + 1))
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]]
    assert len(set(places)) == len(places)
    assert board["uid"] == "newsmill"


def test_lnavs_format_names_every_field_that_it_can() -> None:
    found = orjson.loads(TARGETS["lnav"]())["newsmill_log"]
    assert set(found["value"]) == set(FIELDS) - {"ts", "level", "limit"}
    kinds = {value["kind"] for value in found["value"].values()}
    assert kinds <= {"string", "integer", "float", "boolean", "json"}
    assert orjson.loads(SAMPLE)["event"] in EVENTS


@pytest.mark.skipif(shutil.which("lnav") is None, reason="needs lnav")
def test_lnav_itself_takes_the_format_and_answers_in_sql(tmp_path: Path) -> None:
    journal = Journal()
    worker = journal.process("extractor")
    for offset in range(3):
        worker.record("published", "pages", 0, offset=offset, took_ms=2.5)
    (tmp_path / "format.json").write_text(TARGETS["lnav"]())
    (tmp_path / "a.jsonl").write_bytes(b"".join(line + b"\n" for line in journal.lines))

    def lnav(*words: str) -> str:
        done = subprocess.run(
            ["lnav", *words], cwd=tmp_path, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    lnav("-i", "format.json")
    query = ";SELECT outcome, count(*), sum(took_ms) FROM newsmill_log WHERE event = 'record'"
    assert lnav("-n", "-c", query, "a.jsonl").split()[-3:] == ["published", "3", "7.5"]
