"""What the documents say is so: commands and settings exist, and links lead on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from commands import commands_in, faults
from newsmill.bus.environment import NAMES as OF_KAFKA
from newsmill.process.settings import FILES, NOT_SETTINGS, PREFIX, names

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("services/*.md")]
    if path.is_file()
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
VARIABLE = re.compile(rf"\b{PREFIX}[A-Z_]+\b")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
class TestPage:
    """One page of the documents."""

    def test_its_commands_exist(self, page: Path) -> None:
        shells = [
            text
            for kind, text in FENCE.findall(page.read_text("utf-8"))
            if kind in ("", "sh", "bash", "console")
        ]
        lines = [
            line.removeprefix("$ ")
            for text in shells
            for line in text.replace("\\\n", " ").splitlines()
        ]
        commands = [
            words
            for line in lines
            if "newsmill " in line and not _is_synopsis(line)
            for words in commands_in(line)
        ]
        assert [fault for words in commands for fault in faults(words)] == []

    def test_its_links_lead_to_files(self, page: Path) -> None:
        links = [
            link
            for link in LINK.findall(page.read_text("utf-8"))
            if "://" not in link and not link.startswith("mailto:")
        ]
        assert [link for link in links if not (page.parent / link).exists()] == []

    def test_its_settings_exist(self, page: Path) -> None:
        known = (
            {f"{PREFIX}{name.upper()}" for name in names()} | NOT_SETTINGS | OF_KAFKA | set(FILES)
        )
        assert set(VARIABLE.findall(page.read_text("utf-8"))) - {PREFIX} <= known

    def test_it_names_no_machine(self, page: Path) -> None:
        assert not re.search(r"/(?:home|root|work)/", page.read_text("utf-8"))


def _is_synopsis(line: str) -> bool:
    """Whether it is a form to be filled in, or output that a run printed."""
    return "[--" in line or "..." in line or line.startswith("newsmill:")


def test_decisions_have_a_number_each() -> None:
    numbers = [path.name[:3] for path in (ROOT / "docs" / "decisions").glob("*.md")]
    assert sorted(set(numbers)) == sorted(numbers)
    assert all(number.isdigit() for number in numbers)
