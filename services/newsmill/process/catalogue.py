"""Draws the log contract from the catalogue: tables of docs/logs.md, and schemas/log.schema.json.

The same catalogue gives the same bytes, so that a change of the contract shows as a change of its
documents. In docs/logs.md only what stands between the marks is drawn; the rest is written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, get_args

import orjson

from newsmill.errors import DEATHS, REFUSALS
from newsmill.process.events import (
    COMMON,
    EVENTS,
    FIELDS,
    OUTCOMES,
    Event,
    Level,
    Spec,
    Stage,
)
from newsmill.process.schemas import draw

MARK = re.compile(r"(<!-- drawn: (\w+) -->\n).*?(<!-- end -->)", re.S)

ADVICE: dict[Event, str] = {
    "annotator.failed": "Nothing is lost. Often the same one: a bug of it; report the detail.",
    "bus.full": "Free disk, or raise the cap; the same step is tried again by itself.",
    "cap.hit": "One is weather. Many of one site: raise that cap, or leave the site out.",
    "child.killed": "Its page is a dead letter. Many of one site: see `newsmill dead show`.",
    "disk.low": "Free disk. Steps further down go on and make room.",
    "feed.change": "Look at the feed: it moved, went, or sends another format.",
    "feed.poll": "With a reason, the poll failed; it is tried again after `next_s`.",
    "fuse.blown": "Read `newsmill dead list` before a restart: a deploy that breaks all looks"
    " like this. Then `newsmill dead retry`.",
    "host.backoff": "Nothing: its pages wait, and no other host does.",
    "log.lost": "A collector did not keep up, or a disk was full: counts from it are short.",
    "partition.held": "Read `why`. A newer record: deploy the newer worker. A store: mend it.",
    "partition.lost": "Many in a row: a worker too slow to poll, or one that keeps restarting.",
    "record": "See the rule above before you count them.",
    "step.fenced": "One at a restart is normal. Twice in a row it exits: two have one slot,"
    " or it was stopped for longer than its lease.",
    "worker.exit": "Once is a crash that mended itself. Again and again: its last lines say why.",
    "worker.heartbeat": "None for two minutes: the process is gone, or stuck.",
    "worker.start": "Without a `worker.stop` of the run before it, that one crashed or was killed.",
}
"""What to do about an event; most ask for nothing."""


OTHER_NAMES: dict[str, tuple[str, str]] = {
    "ts": ("Timestamp", "`@timestamp`"),
    "level": ("SeverityText (`debug` 5, `info` 9, `warning` 13, `error` 17)", "`log.level`"),
    "event": ("EventName", "`event.action`"),
    "service": ("`service.name`", "`service.name`"),
    "slot": ("`service.instance.id`", "`service.node.name`"),
    "ver": ("`service.version`", "`service.version`"),
    "host": ("`host.name`", "`host.hostname`"),
    "pid": ("`process.pid`", "`process.pid`"),
    "lane": ("`service.namespace`", "`service.environment`"),
    "run": ("`newsmill.run`", "`process.entity_id`"),
    "seq": ("`log.record.uid`, as `run`-`seq`", "`event.sequence`"),
    "page_id": ("TraceId", "`trace.id`"),
    "url": ("`url.full`", "`url.full`"),
    "site": ("`server.address`", "`url.domain`"),
    "status": ("`http.response.status_code`", "`http.response.status_code`"),
    "bytes": ("`http.response.body.size` (fetcher)", "`http.response.body.bytes`"),
    "took_ms": ("duration of the span, ms", "`event.duration`, in ns: × 1,000,000"),
    "outcome": ("`newsmill.outcome`", "`event.outcome`: `success` but for `dead`"),
    "reason": ("`error.type`", "`event.reason`"),
    "detail": ("`exception.message`", "`error.message`"),
    "topic": ("`messaging.destination.name`", "`labels.topic`"),
    "partition": ("`messaging.destination.partition.id`", "`labels.partition`"),
    "offset": ("`messaging.kafka.offset`, later `kafka.offset`", "`labels.offset`"),
}  # fmt: skip
"""What a field is called in OpenTelemetry"s log data model and in the Elastic Common Schema."""


def draw_docs(page: str) -> str:
    """The page with what is between its marks drawn anew; raises KeyError for an unknown mark."""
    tables: dict[str, Callable[[], str]] = {
        "events": _events,
        "fields": _fields,
        "common": _common,
        "names": _other_names,
        "outcomes": lambda: ", ".join(f"`{name}`" for name in OUTCOMES) + "\n",
        "refusals": lambda: _names(REFUSALS),
        "deaths": lambda: _names(DEATHS),
    }
    return MARK.sub(lambda found: found[1] + tables[found[2]]() + found[3], page)


def _names(names: frozenset[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) + "\n"


def _events() -> str:
    lines = ["| event | level | what it means | what to do | fields |", "|---|---|---|---|---|"]
    for name in sorted(EVENTS):
        spec = EVENTS[name]
        fields = " ".join(f"`{field}`" for field in spec.fields)
        lines.append(
            f"| `{name}` | {spec.level} | {spec.says} | {ADVICE.get(name, '')} | {fields} |"
        )
    return "\n".join(lines) + "\n"


def _common() -> str:
    return _table(COMMON)


def _fields() -> str:
    return _table(sorted(set(FIELDS) - set(COMMON)))


def _other_names() -> str:
    lines = ["| newsmill | OpenTelemetry | Elastic Common Schema |", "|---|---|---|"]
    lines += [f"| `{name}` | {otel} | {ecs} |" for name, (otel, ecs) in OTHER_NAMES.items()]
    return "\n".join(lines) + "\n"


def _table(names: Iterable[str]) -> str:
    lines = ["| field | type | what it says |", "|---|---|---|"]
    lines += [f"| `{name}` | {FIELDS[name].type} | {FIELDS[name].says} |" for name in names]
    return "\n".join(lines) + "\n"


def draw_schema() -> bytes:
    """The JSON Schema of a log line: one alternative an event, and no field that is not its own."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:newsmill:schema:log",
        "title": "A line of newsmill's log",
        "type": "object",
        "required": ["event"],
        "properties": {"event": {"enum": sorted(EVENTS)}},
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in sorted(EVENTS)],
        "$defs": {name: _event(name, EVENTS[name]) for name in sorted(EVENTS)},
    }
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _event(name: Event, spec: Spec) -> dict[str, Any]:
    own: dict[str, Any] = {field: _property(field) for field in spec.fields}
    found: dict[str, Any] = {
        "description": spec.says,
        "type": "object",
        "additionalProperties": False,
        "required": list(COMMON),
        "properties": {field: _property(field) for field in COMMON} | own,
    }
    found["properties"]["event"] = {"const": name}
    if name == "record":
        found["required"] = [*COMMON, "stage", "outcome"]
        own["outcome"] = {"enum": list(OUTCOMES), "description": FIELDS["outcome"].says}
        found["properties"] |= own
        found["if"] = {"properties": {"outcome": {"enum": ["refused", "dead"]}}}
        found["then"] = {"required": ["reason"]}
    return found


_CLOSED: dict[str, list[str]] = {
    "level": list(get_args(Level)),
    "reason": sorted(REFUSALS | DEATHS),
    "stage": list(get_args(Stage)),
}
_IDS = ("page_id", "article_id")


def _property(name: str) -> dict[str, Any]:
    field = FIELDS[name]
    found: dict[str, Any] = {"type": field.type, "description": field.says}
    if name in _CLOSED:
        found["enum"] = _CLOSED[name]
    elif name in _IDS:
        found["pattern"] = "^[0-9a-f]{32}$"
    elif name == "ts":
        found["pattern"] = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"
    return found


def redraw(root: Path) -> None:
    """Write both documents, and the schemas of the records, anew under the repository's root."""
    page = root / "docs" / "logs.md"
    page.write_text(draw_docs(page.read_text("utf-8")), "utf-8")
    (root / "schemas" / "log.schema.json").write_bytes(draw_schema())
    for name, schema in draw().items():
        (root / "schemas" / name).write_bytes(schema)


if __name__ == "__main__":
    redraw(Path.cwd())
