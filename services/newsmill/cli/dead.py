"""``dead list|show|retry``: what could not be worked on, why, and once more."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, get_args

import click
import orjson

from newsmill import bus
from newsmill.bus.base import Bus, Fenced, Member, Record
from newsmill.cli.bus import table
from newsmill.cli.options import BUS, read_settings, settings_flags
from newsmill.cli.retry import Retrier, is_sendable
from newsmill.errors import DEATHS, BadRecord, Misconfigured
from newsmill.process.denied import Following
from newsmill.process.denied import told as why_denied
from newsmill.process.events import Stage
from newsmill.process.life import Life
from newsmill.process.settings import Settings
from newsmill.process.telemetry import Telemetry
from newsmill.process.tend import STEP_KEY, Tend
from newsmill.records import Denial, decompress
from newsmill.topics import DEAD, RETRIED

GROUP = "retrier"
TURNS = 5
WAIT_S = 0.5
REASON = click.Choice(sorted(DEATHS))


@click.group("dead")
def dead_command() -> None:
    """Look at dead letters, and send them again."""


def letters(opened: Bus) -> Iterator[Record]:
    """Every dead letter, partition by partition, in order."""
    for partition in range(DEAD.partitions):
        yield from opened.scan(DEAD, partition)


def marks(opened: Bus) -> set[str]:
    """The names of the letters that were sent again."""
    return {k.decode() for k, _ in opened.read_state(RETRIED) if k != STEP_KEY}


def name_of(letter: Record) -> str:
    """What ``dead show`` and ``dead retry`` call it."""
    return f"{letter.partition}-{letter.offset}"


def told(letter: Record, name: str) -> str:
    """One of its ``dead-*`` headers, as text."""
    return (letter.header(f"dead-{name}") or b"").decode("utf-8", "replace")


@dead_command.command("list")
@settings_flags(*BUS)
@click.option("--reason", type=REASON, metavar="REASON", help="Only those that died of it.")
@click.option("--json", "as_json", is_flag=True, help="As JSON lines.")
@click.option("--all", "with_retried", is_flag=True, help="Those that were sent again, too.")
def list_(reason: str | None, as_json: bool, with_retried: bool, **flags: Any) -> None:
    """List dead letters, the oldest first.

    \b
    Example: newsmill dead list --reason http_status
    """
    opened = _open(flags)
    again = marks(opened)
    rows = []
    reasons: Counter[str] = Counter()
    for letter in letters(opened):
        name = name_of(letter)
        if (reason and told(letter, "reason") != reason) or (name in again and not with_retried):
            continue
        reasons[told(letter, "reason")] += 1
        rows.append(
            {
                "letter": name,
                "stage": told(letter, "stage"),
                "reason": told(letter, "reason"),
                "detail": told(letter, "detail"),
                "about": _about(letter),
                "retried": name in again,
            }
        )
    opened.close()
    if as_json:
        for row in rows:
            click.echo(orjson.dumps(row).decode())
        return
    cells = [
        (r["letter"], r["stage"], r["reason"], r["about"], str(r["detail"])[:60]) for r in rows
    ]
    if not rows:
        click.echo("no dead letters")
        return
    table(("letter", "stage", "reason", "about", "detail"), cells)
    counts = ", ".join(f"{n} {name}" for name, n in reasons.most_common())
    click.echo(f"\n{len(rows)} {'letter' if len(rows) == 1 else 'letters'}: {counts}")


def _about(letter: Record) -> str:
    """The URL that the letter is about, where it names one."""
    return _said(letter, "url") or letter.key.decode("utf-8", "replace")


def _said(letter: Record, name: str) -> str:
    """A field of what the letter is about; empty where it has none."""
    source = letter.header("page") or letter.value or b""
    try:
        return str(orjson.loads(source).get(name) or "")
    except (orjson.JSONDecodeError, AttributeError):
        return ""


def _denial(letter: Record, opened: Bus, settings: Settings) -> Denial | None:
    """Why the page that the letter is about was taken down; None where it was not."""
    following = Following(opened, settings)
    following.fresh()
    ids = (letter.key.decode("utf-8", "replace"), _said(letter, "page_id"), _said(letter, "id"))
    urls = (_said(letter, name) for name in ("url", "final_url", "canonical_url"))
    return following.denied.find(ids, urls)


@dead_command.command("show")
@click.argument("letter")
@settings_flags(*BUS)
@click.option("--body", is_flag=True, help="Only its original bytes (a page's body unpacked).")
def show(letter: str, body: bool, **flags: Any) -> int:
    """Show one dead letter whole; of what was taken down, only that it was.

    \b
    Example: newsmill dead show 3-17
             newsmill dead show 3-17 --body > page.html
    """
    opened = _open(flags)
    found = next((one for one in letters(opened) if name_of(one) == letter), None)
    denial = _denial(found, opened, read_settings(flags)) if found else None
    opened.close()
    if found is None:
        click.echo(f"newsmill: no letter {letter}; see newsmill dead list", err=True)
        return 1
    if denial is not None:
        click.echo(f"newsmill: letter {letter}: {why_denied(denial)}", err=True)
        return 1
    if body:
        sys.stdout.buffer.write(_body(found))
        return 0
    for name, value in found.headers:
        click.echo(f"{name}: {value.decode('utf-8', 'replace')}")
    value = _body(found)
    click.echo(f"\n{value[:2000].decode('utf-8', 'replace')}")
    if len(value) > 2000:
        click.echo(f"… {len(value):,} bytes in all; --body gives them")
    return 0


def _body(letter: Record) -> bytes:
    value = letter.value or b""
    if letter.header("content-encoding") == b"zstd":
        try:
            return decompress(value)
        except BadRecord:
            return value
    return value


@dead_command.command("retry")
@click.argument("names", nargs=-1, metavar="[LETTER]...")
@click.option("--reason", type=REASON, metavar="REASON", help="All that died of it.")
@click.option("--stage", type=click.Choice(get_args(Stage)), help="All that died there.")
@click.option("--all", "everything", is_flag=True, help="All of them.")
@settings_flags(*BUS)
def retry(
    names: tuple[str, ...], reason: str | None, stage: str | None, everything: bool, **flags: Any
) -> int:
    """Send dead letters back to the topic that they came from, each once.

    \b
    Example: newsmill dead retry --reason unreachable
    """
    if not (names or reason or stage or everything):
        raise click.UsageError("name letters, or give --reason, --stage or --all")

    def chosen(letter: Record) -> bool:
        return (
            (not names or name_of(letter) in names)
            and (not reason or told(letter, "reason") == reason)
            and (not stage or told(letter, "stage") == stage)
        )

    opened = _open(flags)
    told_why = _told_why(opened, chosen, names)
    settings = read_settings(flags)
    log = Telemetry(GROUP, lane=settings.lane, directory=settings.log_dir)
    sent = _send(opened, log, chosen)
    opened.drop_group(GROUP)
    opened.close()
    log.close()
    click.echo("; ".join([f"{sent} sent again", *told_why]))
    return 0


def _told_why(opened: Bus, chosen: Callable[[Record], bool], names: Sequence[str]) -> list[str]:
    """Why letters that were chosen will not be sent. Raises Misconfigured for one that is not."""
    found = [(name_of(letter), is_sendable(letter)) for letter in letters(opened) if chosen(letter)]
    if unknown := sorted(set(names) - {name for name, _ in found}):
        which = " or ".join(unknown)
        raise Misconfigured(f"no letter {which} among those asked for; see newsmill dead list")
    before = marks(opened)
    of_files = sum(not sendable for _, sendable in found)
    told = [(sum(name in before for name, _ in found), "sent before")]
    told.append((of_files, "out of a replayed file: mend the line there"))
    return [f"{number} {what}" for number, what in told if number]


def _send(opened: Bus, log: Telemetry, chosen: Callable[[Record], bool]) -> int:
    """Send what is chosen, when no other ``dead retry`` is at work: each goes over all letters."""
    sent = 0
    for member in _turns(opened):
        life = Life(log, heartbeat_s=3600)
        retrier = Retrier(opened, lambda one: chosen(one) and is_sendable(one), life)
        try:
            Tend(member, retrier, opened.burst, log, life).run()
        except Fenced:  # the one before us has just taken its group along
            sent += retrier.sent
            continue
        return sent + retrier.sent
    raise Misconfigured("other dead retry commands come in between again and again; try later")


def _turns(opened: Bus) -> Iterator[Member]:
    """A member that is alone in its group, once more each time that it was fenced."""
    is_told = False
    for _ in range(TURNS):
        while (member := opened.join(GROUP, [DEAD])).slot:
            member.leave()
            if not is_told:
                is_told = True
                click.echo("another dead retry is at work: waiting for its end", err=True)
            time.sleep(WAIT_S)
        yield member


def _open(flags: dict[str, Any]) -> Bus:
    settings = read_settings(flags)
    opened = bus.connect(settings.bus_url, settings.lane)
    opened.create()
    return opened
