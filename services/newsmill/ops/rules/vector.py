"""A pipeline for Vector: log lines in, Prometheus metrics out, the lines themselves passed on."""

from __future__ import annotations

from typing import Any

from newsmill.ops.rules.figures import FIGURES, Figure
from newsmill.ops.rules.yaml import dump

BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 60_000]  # ms
_HEAD = (
    "# Vector: metrics of newsmill's lines at :9598/metrics. Lines are counted as written;\n"
    "# newsmill ops summary counts what was committed. Drawn by: newsmill ops rules vector\n"
)
_PARSE = """\
line, problem = parse_json(string!(.message))
if problem != null || !is_object(line) || !exists(line.event) { abort }
. = object!(line)
.timestamp = parse_timestamp(.ts, "%+") ?? now()
"""


def pipeline() -> str:
    """The configuration; put your own source where it reads files."""
    events = list(dict.fromkeys(figure.event for figure in FIGURES))
    sources = {
        "type": "file",
        "include": ["newsmill-data/logs/**/*.jsonl"],
        "max_line_bytes": 1 << 20,
    }
    lines = {
        "type": "remap",
        "inputs": ["newsmill_files"],
        "drop_on_abort": True,
        "source": _PARSE,
    }
    transforms: dict[str, Any] = {"newsmill_lines": lines}
    for event in events:
        transforms[f"newsmill_{_flat(event)}"] = {
            "type": "filter",
            "inputs": ["newsmill_lines"],
            "condition": f'.event == "{event}"',
        }
        transforms[f"newsmill_metrics_{_flat(event)}"] = {
            "type": "log_to_metric",
            "inputs": [f"newsmill_{_flat(event)}"],
            "metrics": [_metric(figure) for figure in FIGURES if figure.event == event],
        }
    sink = {
        "type": "prometheus_exporter",
        "inputs": [f"newsmill_metrics_{_flat(event)}" for event in events],
        "address": "127.0.0.1:9598",
        "buckets": BUCKETS,
    }
    return _HEAD + dump(
        {
            "sources": {"newsmill_files": sources},
            "transforms": transforms,
            "sinks": {"newsmill_prometheus": sink},
        }
    )


def _flat(event: str) -> str:
    return event.replace(".", "_")


def _metric(figure: Figure) -> dict[str, Any]:
    return {
        "type": figure.kind,
        "name": figure.name,
        "namespace": "newsmill",
        "field": figure.field or "event",
        "tags": {label: "{{ " + label + " }}" for label in figure.labels},
    }
