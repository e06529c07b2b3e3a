"""Every command of the command line, and the commands that a text names, as words to be checked."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click

from newsmill.cli import newsmill


def _leaves(group: click.Group, *words: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _leaves(command, *words, name)
        elif command is not None:
            yield " ".join([*words, name]), command


COMMANDS = dict(_leaves(newsmill))

_BETWEEN = re.compile(r"&&|\||;|\n|\$\(|\)|\s#")
_REDIRECTED = re.compile(r"[<>].*")


def commands_in(text: str) -> list[list[str]]:
    """The words after ``newsmill`` of each command in a shell text."""
    found = []
    for part in _BETWEEN.split(text):
        text = _REDIRECTED.sub("", part).strip()
        words = shlex.split(text.strip('" ') if text.count('"') % 2 else text)
        if "newsmill" in words:
            found.append(words[words.index("newsmill") + 1 :])
    return found


def faults(words: list[str]) -> list[str]:
    """What is wrong with a command: that there is none of its name, or a flag that it has not."""
    told = " ".join(words)
    if not words or words[0] in ("--help", "--version"):
        return []
    name = next((name for name in COMMANDS if f"{told} ".startswith(f"{name} ")), None)
    if name is None:
        return [f"no command: {told}"]
    known = {flag for param in COMMANDS[name].params for flag in param.opts} | {"--help", "-h"}
    flags = [word.partition("=")[0] for word in words if word.startswith("-") and word != "-"]
    return [f"{name}: no flag {flag}" for flag in flags if flag not in known]
