"""Writes plain values as YAML that every reader takes: block style, strings as JSON writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

_PLAIN = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def dump(value: Any) -> str:
    """Dictionaries, lists, strings, numbers and booleans as YAML."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value: Any, indent: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _entry(f"{indent}{_scalar(name)}:", item, indent + "  ")
    else:
        for item in value:
            first, *rest = _lines(item, indent + "  ") if _nests(item) else [indent + _scalar(item)]
            yield f"{indent}- {first.lstrip()}"
            yield from rest


def _entry(head: str, item: Any, indent: str) -> Iterator[str]:
    if _nests(item):
        yield head
        yield from _lines(item, indent)
    elif isinstance(item, str) and "\n" in item:
        yield f"{head} |"
        yield from (f"{indent}{line}".rstrip() for line in item.rstrip("\n").split("\n"))
    else:
        yield f"{head} {_scalar(item)}"


def _nests(value: Any) -> bool:
    return isinstance(value, (dict, list)) and bool(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return orjson.dumps(value).decode()
