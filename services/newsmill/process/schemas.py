"""Draws the JSON Schema of every record type from the types themselves: what ``schemas/`` holds.

The same types give the same bytes, so that a change of a record shows as a change of its schema. A
schema allows fields it does not name: they may be added within a version, and readers pass them on.
"""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from newsmill.errors import DEATHS
from newsmill.records import VERSIONED

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
    drawn = {f"{kind.__name__.lower()}.v{VERSION}.json": _record(kind) for kind in VERSIONED}
    drawn[f"dead.v{VERSION}.json"] = _dead()
    drawn[f"page_line.v{VERSION}.json"] = _page_line()
    return {
        name: orjson.dumps(drawn[name], option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        for name in sorted(drawn)
    }


def _head(name: str) -> dict[str, Any]:
    return {"$schema": _DIALECT, "$id": f"urn:newsmill:schema:{name}:v{VERSION}"}


def _record(kind: type) -> dict[str, Any]:
    schema = msgspec.json.schema(kind)
    for part in schema["$defs"].values():
        if "v" in part["properties"]:
            part["properties"]["v"] = {"const": VERSION, "default": VERSION}
    return _head(kind.__name__.lower()) | schema


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


def _page_line() -> dict[str, Any]:
    text = {"type": ["string", "null"]}
    body = {"type": "string", "contentEncoding": "base64"}
    return _head("page_line") | {
        "title": "Page line",
        "description": "A page as one line of JSON: what newsmill fetch writes, newsmill extract"
        " reads, and a replay takes.",
        "type": "object",
        "properties": {
            "id": text | {"description": "echoed as input_id"},
            "url": {"type": "string", "description": "as asked for"},
            "body_b64": body | {"description": "the page's bytes"},
            "html_b64": body | {"description": "another name of body_b64"},
            "text": {
                "type": "string",
                "description": "a plain-text article instead: the first line is its title",
            },
            "content_type": text | {"description": "the Content-Type header, whole"},
            "http_headers": {"type": ["object", "null"]},
            "fetched": text | {"description": "ISO 8601"},
            "entry": {"type": ["object", "null"], "description": "an entry record"},
        },
        "required": ["url"],
        "oneOf": [{"required": [name]} for name in ("body_b64", "html_b64", "text")],
    }
