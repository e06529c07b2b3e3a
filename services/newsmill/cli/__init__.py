"""The command line: one module a family of sub-commands; the only code that knows every worker."""

from __future__ import annotations

import difflib
import errno
import os
import select
import sys
from importlib import import_module
from types import TracebackType
from typing import Any

import click
from click.exceptions import NoArgsIsHelpError

from newsmill import __version__
from newsmill.errors import BadRecord, Misconfigured, NewsmillError

# Each command lives in the module named beside it, imported only when it is asked for: a worker
# process must not pay for the command line of all the others.
COMMANDS = {
    "run": "run",
    "work": "work",
    "newsroom": "run",
    "poll": "web",
    "fetch": "web",
    "extract": "extract",
    "enrich": "filters",
    "replay": "replay",
    "lane": "lane",
    "manifest": "manifest",
    "reprocess": "reprocess",
    "feeds": "feeds",
    "show": "articles",
    "export": "articles",
    "dead": "dead",
    "forget": "forget",
    "ops": "ops",
    "bus": "bus",
    "data": "data",
    "profile": "profile",
    "config": "about",
    "schema": "about",
    "completion": "about",
}


_FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            more = f"; did you mean {near[0]}?" if near else ""
            ctx.fail(f"no command {args[0]!r}{more}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
            return code
        except BrokenPipeError:
            if _is_read():
                raise
            raise _Enough from None  # before click takes it for a failure


class _Enough(Exception):
    """Whoever read our output has seen enough."""


def _is_read() -> bool:
    """Whether standard output has a reader: a pipe that has none is in error."""
    poll = select.poll()
    poll.register(1, select.POLLOUT)
    return not any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


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
    sys.excepthook = _last_words
    try:
        code = newsmill.main(prog_name="newsmill", standalone_mode=False)
    except click.exceptions.Abort:
        _leave(130)
    except click.exceptions.Exit as done:
        _leave(done.exit_code)
    except NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        _leave(2)
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
    except _Enough:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is still buffered goes nowhere
        _leave(0)
    except OSError as error:
        name = error.filename or ("output" if error.errno in _FULL else "")
        _say(f"{name}: {error.strerror}" if name else str(error))
        _leave(2)
    _leave(code if isinstance(code, int) else 0)


def _last_words(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """A bug is told whole, less every password that we were given."""
    from traceback import format_exception

    from newsmill.process.secrets import secrets_in, without

    told = "".join(format_exception(kind, error, trace))
    sys.stderr.write(without(told, secrets_in(sys.argv)))


def _say(text: str) -> None:
    click.echo(f"newsmill: {' '.join(text.split())}", err=True)


def _leave(code: int) -> None:
    """End with the code; what could not be written is given up, since it was said."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code)
