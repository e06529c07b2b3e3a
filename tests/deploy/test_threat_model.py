"""Every guard that the threat model names is a test that exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "threat-model.md"
TEXT = PAGE.read_text("utf-8")
GUARDS = re.findall(r"\[(test_\w+)\]\((\.\./tests/[\w/]+\.py)\)", TEXT)


@pytest.mark.parametrize(("name", "file"), GUARDS, ids=[name for name, _ in GUARDS])
def test_a_guard_that_is_named_exists(name: str, file: str) -> None:
    path = PAGE.parent / file
    tree = ast.parse(path.read_text("utf-8"))
    tests = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert name in tests | {path.stem}


def test_every_boundary_has_a_guard() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and "what holds" not in line]
    assert len(rows) > 15
    assert [row for row in rows if "](../tests/" not in row] == []
