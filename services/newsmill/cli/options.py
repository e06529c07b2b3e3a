"""Options that several commands share: every setting can be a flag, drawn from its own line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from newsmill.process.settings import Settings, load, names

F = TypeVar("F", bound=Callable[..., Any])

WEB = ("contact", "allow_private", "resolve", "spacing_s", "fetch_timeout_s")
BUS = ("data", "bus", "lane")


def settings_flags(*chosen: str) -> Callable[[F], F]:
    """Flags for the named settings, and ``--config FILE``; values not given are None."""

    def decorate(command: F) -> F:
        for name in reversed(chosen):
            command = _flag(name)(command)
        file = click.Path(path_type=Path, dir_okay=False)
        return click.option("--config", type=file, help="TOML file of settings.")(command)

    return decorate


def _flag(name: str) -> Callable[[F], F]:
    setting = names()[name]
    says = f"{setting.metadata['says'][0].upper()}{setting.metadata['says'][1:]}."
    flag = "--" + name.removesuffix("_s").replace("_", "-")
    kind = str(setting.type)
    if kind == "bool":
        return click.option(flag, name, is_flag=True, default=None, help=says)
    if kind.startswith("tuple"):
        return click.option(
            flag, name, multiple=True, metavar=setting.metadata.get("metavar", "RULE"), help=says
        )
    types: dict[str, Any] = {"Path": click.Path(path_type=Path), "int": int, "float": float}
    base = kind.removesuffix(" | None")
    return click.option(flag, name, type=types.get(base, str), default=None, help=says)


def read_settings(flags: dict[str, Any]) -> Settings:
    """The effective settings of a command; ``flags`` are its options as click gave them."""
    return load({n: v for n, v in flags.items() if v not in (None, ())})
