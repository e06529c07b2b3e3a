"""The walls of the house: each import contract is seen to go red; rules that no linter has."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "services" / "newsmill"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
CONTRACTS = [one["name"] for one in PYPROJECT["tool"]["importlinter"]["contracts"]]
LINES = 400

DOWN, SHELL, PURE, NOUNS, TRANSPORT, WEB, KAFKA, SQLITE, RINGS = CONTRACTS
BREACHES = [
    (DOWN, "fetcher/core/frontier.py", "from newsmill.producer.core import parse"),
    (DOWN, "archiver/sqlite.py", "import newsmill.enricher.worker"),
    (DOWN, "ops/lines.py", "import newsmill.replay"),
    (DOWN, "extractor/worker.py", "import newsmill.cli.options"),
    (DOWN, "process/host.py", "import newsmill.extractor.worker"),
    (DOWN, "web/client.py", "import newsmill.bus"),
    (DOWN, "bus/base.py", "import newsmill.web.client"),
    (DOWN, "bus/base.py", "import newsmill.process.settings"),
    (DOWN, "errors.py", "import newsmill.records"),
    (DOWN, "corner.py", '"""A room that nobody gave a floor."""'),
    (SHELL, "producer/core/parse.py", "import newsmill.producer.worker"),
    (SHELL, "producer/core/parse.py", "import newsmill.producer.reader"),
    (PURE, "extractor/core/extract.py", "import time"),
    (PURE, "extractor/core/extract.py", "from os import environ"),
    (PURE, "enricher/core/annotate.py", "from logging import getLogger"),
    (PURE, "fetcher/core/frontier.py", "import socket"),
    (PURE, "producer/core/schedule.py", "from random import random"),
    (PURE, "archiver/core/fold.py", "from newsmill.bus.base import Record"),
    (NOUNS, "records.py", "from pathlib import Path"),
    (NOUNS, "urls.py", "import socket"),
    (TRANSPORT, "process/host.py", "from newsmill.bus.file import FileBus"),
    (TRANSPORT, "process/host.py", "from newsmill.bus.kafka import KafkaBus"),
    (WEB, "fetcher/worker.py", "import aiohttp"),
    (KAFKA, "process/host.py", "import kafka"),
    (SQLITE, "ops/summary.py", "import sqlite3"),
    (RINGS, "bus/base.py", "import newsmill.bus.file.bus"),
]  # fmt: skip


@pytest.fixture(scope="module", name="copy")
def _copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "pyproject.toml", copy)
    shutil.copytree(
        PACKAGE, copy / "services" / "newsmill", ignore=lambda folder, names: _not_python(names)
    )
    return copy


def _not_python(names: list[str]) -> list[str]:
    return [name for name in names if "." in name and not name.endswith(".py")]


def _lint(house: Path) -> tuple[int, list[str]]:
    """The exit code of the linter on that copy alone, and the contracts that it finds broken."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-logo", "--cache-dir", house / "cache"],
        cwd=house,
        env=os.environ | {"PYTHONPATH": str(house / "services"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    broken = [
        line.removesuffix(" BROKEN").strip()
        for line in done.stdout.splitlines()
        if line.endswith(" BROKEN")
    ]
    return done.returncode, broken


def test_every_wall_stands(copy: Path) -> None:
    assert _lint(copy) == (0, [])


def test_every_wall_has_a_breach_that_shows_it_red() -> None:
    assert {contract for contract, _, _ in BREACHES} == set(CONTRACTS)


@pytest.mark.parametrize(("contract", "file", "line"), BREACHES)
def test_a_breach_turns_its_wall_red(copy: Path, contract: str, file: str, line: str) -> None:
    path = copy / "services" / "newsmill" / file
    before = path.read_text("utf-8") if path.exists() else None
    path.write_text(f"{before or ''}\n{line}\n", "utf-8")
    try:
        code, broken = _lint(copy)
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before, "utf-8")
    assert code == 1
    assert contract in broken


# -- rules that no linter has


def _sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_file_is_longer_than_one_room() -> None:
    sizes = {
        _name(path): len(path.read_bytes().splitlines())
        for path in _sources("services", "tests", "benchmarks", "deploy")
    }
    assert sizes
    assert {name: size for name, size in sizes.items() if size > LINES} == {}


def test_only_the_listed_places_catch_everything() -> None:
    """``except Exception`` stands where the configuration of the linter says, and nowhere else."""
    ignores = PYPROJECT["tool"]["ruff"]["lint"]["per-file-ignores"]
    listed = {name for name, codes in ignores.items() if "BLE001" in codes}
    catching = {
        _name(path)
        for path in _sources("services")
        for handler in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(handler, ast.ExceptHandler) and _catches_everything(handler)
    }
    assert catching == listed
    assert not [_name(path) for path in _sources("services") if b"noqa: BLE" in path.read_bytes()]


def _catches_everything(handler: ast.ExceptHandler) -> bool:
    """Whether it takes any exception and keeps it; one that always raises again keeps nothing."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    named = {kind.id for kind in kinds if isinstance(kind, ast.Name)}
    every = handler.type is None or named & {"Exception", "BaseException"}
    return bool(every) and not isinstance(handler.body[-1], ast.Raise)


IMPURE_CALLS = {"open", "print", "input", "exec", "eval", "breakpoint", "id", "hash"}
IMPURE_METHODS = {"now", "utcnow", "today"}


def test_no_core_looks_at_the_clock_or_the_disk() -> None:
    """What needs no import, or comes with one that is allowed: ``open``, ``datetime.now``.

    ``hash`` and ``id`` differ from process to process, and so would a record made of them.
    """
    found = []
    for path in (path for path in _sources("services") if "core" in path.parts):
        for call in ast.walk(ast.parse(path.read_bytes())):
            function = call.func if isinstance(call, ast.Call) else None
            if isinstance(function, ast.Name) and function.id in IMPURE_CALLS:
                found.append((_name(path), function.lineno, function.id))
            if isinstance(function, ast.Attribute) and function.attr in IMPURE_METHODS:
                found.append((_name(path), function.lineno, function.attr))
    assert found == []
