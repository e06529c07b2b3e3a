"""The command line: one module a family of sub-commands; the only code that knows every worker."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from newsmill import __version__
from newsmill.errors import BadRecord, Misconfigured, NewsmillError

# Each command lives in the module named beside it, imported only when it is asked for: a worker
# process must not pay for the command line of all the others.
COMMANDS = {
    "run": "run",
    "work": "run",
    "newsroom": "run",
    "poll": "filters",
    "fetch": "filters",
    "extract": "filters",
    "enrich": "filters",
    "replay": "replay",
    "feeds": "feeds",
    "show": "articles",
    "export": "articles",
    "dead": "dead",
    "ops": "ops",
    "bus": "bus",
    "config": "about",
    "schema": "about",
    "completion": "about",
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command = getattr(import_module(f"newsmill.cli.{module}"), f"{cmd_name}_command")
        assert isinstance(command, click.Command)  # noqa: S101  # a slip of ours, not of the user
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="newsmill")
def newsmill() -> None:
    """Streaming news ingest: feeds in, clean deduplicated article records out.

    \b
    newsmill run                        the sample newsroom, end to end, in half a minute
    newsmill run --feeds my.opml --contact me@site.org
    newsmill extract page.html          one page, for people
    """


def main() -> None:
    """Run the command line; every error a person can mend is one line, and exit code 2."""
    try:
        code = newsmill.main(standalone_mode=False)
    except click.exceptions.Abort:
        _leave(130)
    except click.exceptions.Exit as done:
        _leave(done.exit_code)
    except click.ClickException as error:
        hint = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else ""
        more = f" (see {hint} --help)" if hint else ""
        _say(f"{error.format_message()}{more}")
        _leave(2)
    except (Misconfigured, BadRecord) as error:
        _say(str(error))
        _leave(2)
    except NewsmillError as error:
        _say(str(error))
        _leave(1)
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _leave(0)
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        _say(f"{name}{error.strerror or error}")
        _leave(2)
    _leave(code if isinstance(code, int) else 0)


def _say(text: str) -> None:
    click.echo(f"newsmill: {' '.join(text.split())}", err=True)


def _leave(code: int) -> None:
    sys.stdout.flush()
    sys.exit(code)
