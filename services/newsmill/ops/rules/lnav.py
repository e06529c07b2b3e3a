"""A log format for lnav: lines as a person reads them, and every field a column of its SQL."""

from __future__ import annotations

from typing import Any

import orjson

from newsmill.process.events import FIELDS

_KINDS = {
    "string": "string", "integer": "integer", "number": "float", "boolean": "boolean",
    "object": "json", "array": "json",
}  # fmt: skip
_IDENTIFIERS = frozenset(
    {
        "service",
        "lane",
        "outcome",
        "reason",
        "stage",
        "site",
        "page_id",
        "article_id",
        "run",
        "host",
    }
)
_ELSEWHERE = frozenset({"ts", "level", "event", "limit"})  # lnav puts no quotes round a column
_SHOWN = ("outcome", "reason", "stage", "site", "feed", "took_ms", "why", "detail", "page_id")
SAMPLE = (
    '{"ts":"2026-03-01T08:00:00.000Z","level":"info","event":"record","service":"extractor",'
    '"slot":0,"lane":"live","ver":"0.1.0","host":"a","pid":1,"run":"r","seq":1,'
    '"stage":"extractor","outcome":"published"}'
)


def log_format() -> str:
    """The format file, for ``lnav -i``."""
    line: list[Any] = [
        {"field": "__timestamp__"}, " ", {"field": "__level__", "min-width": 7}, " ",
        {"field": "service", "min-width": 9}, " ", {"field": "event", "min-width": 18},
    ]  # fmt: skip
    for name in _SHOWN:
        line += [" ", {"field": name, "default-value": ""}]
    found = {
        "$schema": "https://lnav.org/schemas/format-v1.schema.json",
        "newsmill_log": {
            "title": "newsmill",
            "description": "JSON lines of newsmill's workers",
            "file-type": "json",
            "hide-extra": True,
            "timestamp-field": "ts",
            "level-field": "level",
            "body-field": "detail",
            "opid-field": "page_id",
            "line-format": line,
            "value": {name: _value(name) for name in sorted(FIELDS) if name not in _ELSEWHERE}
            | {"event": {"kind": "string", "identifier": True}},
            "sample": [{"line": SAMPLE}],
        },
    }
    return orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _value(name: str) -> dict[str, Any]:
    kind = _KINDS[FIELDS[name].type]
    found: dict[str, Any] = {"kind": kind, "description": FIELDS[name].says}
    if name in _IDENTIFIERS:
        found["identifier"] = True
    if name not in _SHOWN and name != "service":
        found["hidden"] = True
    return found
