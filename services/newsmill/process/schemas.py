"""Draws the JSON Schema of every record type from the types themselves: what ``schemas/`` holds.

The same types give the same bytes, so that a change of a record shows as a change of its schema. A
schema allows fields it does not name: they may be added within a version, and readers pass them on.
"""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from newsmill.errors import DEATHS
from newsmill.records import VERSIONED, PageLine

VERSION = 1
_DIALECT = "https://json-schema.org/draft/2020-12/schema"

DEAD_HEADERS: dict[str, str] = {
    "dead-topic": "topic that the record was read from",
    "dead-partition": "partition of that topic, decimal",
    "dead-offset": "offset in that partition, decimal",
    "dead-stage": "worker that it died in",
    "dead-reason": "why, from the closed set",
    "dead-detail": "what exactly, for a person",
    "dead-attempts": "how often that process took it, decimal",
    "dead-traceback": "where an unexpected exception came from; only with the reason bug",
}
_OPTIONAL_HEADERS = {"dead-traceback"}


def draw() -> dict[str, bytes]:
    """Every schema by the name of its file, by name."""
    kinds: dict[str, type] = {kind.__name__.lower(): kind for kind in VERSIONED}
    drawn = {name: _record(name, kind) for name, kind in kinds.items()}
    drawn |= {"page_line": _page_line(), "dead": _dead()}
    return {
        f"{name}.v{VERSION}.json": orjson.dumps(
            drawn[name], option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        )
        for name in sorted(drawn)
    }


def _head(name: str) -> dict[str, Any]:
    return {"$schema": _DIALECT, "$id": f"urn:newsmill:schema:{name}:v{VERSION}"}


def _record(name: str, kind: type) -> dict[str, Any]:
    schema = msgspec.json.schema(kind)
    for part in schema["$defs"].values():
        if "v" in part["properties"]:
            part["properties"]["v"] = {"const": VERSION, "default": VERSION}
    return _head(name) | schema


def _page_line() -> dict[str, Any]:
    """A page line says its body in one of three ways, which its type alone does not tell."""
    schema = _record("page_line", PageLine)
    bodies = ("body_b64", "html_b64", "text")
    schema["$defs"][PageLine.__name__]["anyOf"] = [{"required": [name]} for name in bodies]
    return schema


def _dead() -> dict[str, Any]:
    properties: dict[str, Any] = {
        name: {"type": "string", "description": says} for name, says in DEAD_HEADERS.items()
    }
    properties["dead-reason"]["enum"] = sorted(DEATHS)
    return _head("dead") | {
        "title": "Headers of a dead letter",
        "description": "What a record on the dead topic carries beside its original key, value and"
        " headers, which are kept byte for byte.",
        "type": "object",
        "properties": properties,
        "required": [name for name in DEAD_HEADERS if name not in _OPTIONAL_HEADERS],
    }
