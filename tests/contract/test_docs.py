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
LINK = re.compile(r"\]\(([^)#\s]*)(#[^)\s]+)?[^)]*\)")
HEADING = re.compile(r"^#+ (.+)$", re.M)
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
        assert [link for link, _ in _links(page) if not (page.parent / link).exists()] == []

    def test_its_links_lead_to_headings(self, page: Path) -> None:
        told = [(page.parent / link if link else page, mark) for link, mark in _links(page)]
        marked = [(to, mark) for to, mark in told if mark and to.suffix == ".md"]
        assert [(to.name, mark) for to, mark in marked if mark not in _marks(to)] == []

    def test_its_settings_exist(self, page: Path) -> None:
        known = (
            {f"{PREFIX}{name.upper()}" for name in names()} | NOT_SETTINGS | OF_KAFKA | set(FILES)
        )
        assert set(VARIABLE.findall(page.read_text("utf-8"))) - {PREFIX} <= known

    def test_it_names_no_machine(self, page: Path) -> None:
        assert not re.search(r"/(?:home|root|work)/", page.read_text("utf-8"))


def _links(page: Path) -> list[tuple[str, str]]:
    """The relative links of a page, each with the heading that it names."""
    return [
        (link, mark)
        for link, mark in LINK.findall(FENCE.sub("", page.read_text("utf-8")))
        if "://" not in link and not link.startswith("mailto:")
    ]


def _marks(page: Path) -> set[str]:
    """How the headings of a page are named in links."""
    words = HEADING.findall(FENCE.sub("", page.read_text("utf-8")))
    return {"#" + re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in words}


def test_the_operators_pages_name_each_other() -> None:
    for page in ("operations", "ops", "first-hour"):
        named = {link for link, _ in _links(ROOT / "docs" / f"{page}.md")}
        assert {"operations.md", "ops.md", "first-hour.md"} - {f"{page}.md"} <= named


def _is_synopsis(line: str) -> bool:
    """Whether it is a form to be filled in, or output that a run printed."""
    return "[--" in line or "..." in line or line.startswith("newsmill:")


def test_decisions_have_a_number_each() -> None:
    numbers = [path.name[:3] for path in (ROOT / "docs" / "decisions").glob("*.md")]
    assert sorted(set(numbers)) == sorted(numbers)
    assert all(number.isdigit() for number in numbers)
