"""The process of one worker: settings, log, signals, bus, health, and how it ends."""

from __future__ import annotations

import os
import platform
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from newsmill import bus
from newsmill.bus.base import Bus, BusFull, BusUnknown, Fenced, Member, OutOfRange
from newsmill.errors import Misconfigured, TryLater
from newsmill.process.events import Event, Level
from newsmill.process.health import Health
from newsmill.process.life import PARENT, FuseBlown, Life
from newsmill.process.notify import Notify
from newsmill.process.secrets import secrets_in, without
from newsmill.process.settings import Settings, without_secret
from newsmill.process.telemetry import Telemetry
from newsmill.topics import Topic

EXIT_MISCONFIGURED = 2
# Exit codes from 70 on: the worker must be started again.
EXIT_UNKNOWN = 70  # how a step ended cannot be told
EXIT_FENCED = 71  # another process holds our place
EXIT_FUSE = 72  # too large a share of records died
EXIT_OUT_OF_RANGE = 73  # retention dropped what we had not read: a person decides
EXIT_BUG = 74
EXIT_NO_ROOM = 75  # the bus is full
EXIT_NOT_READY = 76  # what it needs to start with is not there yet: a store that is locked


@dataclass(frozen=True, slots=True)
class Desk:
    """What the shell of a worker is given to work with."""

    settings: Settings
    bus: Bus
    member: Member
    log: Telemetry
    life: Life


def serve(
    role: str,
    group: str,
    topics: Sequence[Topic],
    settings: Settings,
    work: Callable[[Desk], None],
) -> int:
    """Run one worker to its end; gives the exit code.

    Raises Misconfigured when it was started wrongly. A bug ends it uncommitted, with its traceback
    on standard error and an exit code that asks for another start.
    """
    level: Level = settings.log_level  # type: ignore[assignment]  # checked when it was loaded
    log = Telemetry(role, lane=settings.lane, level=level)
    if PARENT in os.environ:  # it knows by them that we live, and when we are idle
        log.always = frozenset({"worker.heartbeat"})
    life = Life(log, heartbeat_s=settings.heartbeat_s, fuse_share=settings.fuse)
    life.profiler.directory = settings.log_dir
    life.listen()
    with Health(life, settings.health), Notify(life):
        try:
            opened, member = _enter(settings, group, topics)
        except BusFull as full:
            log.event("bus.full", why=str(full))
            return EXIT_NO_ROOM
        except BusUnknown as away:
            log.event("worker.stop", why=str(away), exit_code=EXIT_UNKNOWN)
            return EXIT_UNKNOWN
        except Fenced as fenced:
            log.event("worker.stop", why=str(fenced), exit_code=EXIT_FENCED)
            return EXIT_FENCED
        log.at_slot(member.slot, settings.log_dir)
        log.event(
            "worker.start",
            role=role,
            bus=without_secret(settings.bus_url),
            python=platform.python_version(),
            config=settings.digest,
        )
        opened.on_notice = _notices(log)
        code, why = _work(Desk(settings, opened, member, log, life), work)
        log.event(
            "worker.stop",
            level="error" if code == EXIT_BUG else "info",
            why=why,
            uptime_s=life.uptime_s,
            counts=life.counts,
            lost=log.lost or None,
            exit_code=code,
        )
        log.close()
        opened.close()
    return code


def _enter(settings: Settings, group: str, topics: Sequence[Topic]) -> tuple[Bus, Member]:
    """The bus, and a place in the group; a bus that gives us none is let go of."""
    opened = bus.connect(settings.bus_url, settings.lane)
    try:
        opened.create()
        return opened, opened.join(group, topics, slot=settings.slot)
    except BaseException:
        opened.close()
        raise


def _notices(log: Telemetry) -> Callable[[str, dict[str, Any]], None]:
    """Logs what a bus tells of itself."""
    events: dict[str, Event] = {"damaged": "bus.damaged", "killed": "bus.killed"}

    def tell(what: str, facts: dict[str, Any]) -> None:
        known = {name: facts[name] for name in ("topic", "partition", "offset") if name in facts}
        rest = {name: value for name, value in facts.items() if name not in known}
        detail = ", ".join(f"{name} {value}" for name, value in rest.items()) or None
        log.add(events[what], detail=detail, **known)

    return tell


def _work(desk: Desk, work: Callable[[Desk], None]) -> tuple[int, str]:
    try:
        work(desk)
    except BusUnknown as error:
        return EXIT_UNKNOWN, str(error)
    except Fenced as error:
        return EXIT_FENCED, str(error)
    except FuseBlown as error:
        return EXIT_FUSE, str(error)
    except OutOfRange as error:
        return EXIT_OUT_OF_RANGE, str(error)
    except BusFull as error:
        return EXIT_NO_ROOM, str(error)
    except TryLater as later:
        return EXIT_NOT_READY, later.why
    except Misconfigured as error:
        desk.log.event("worker.stop", why=str(error), exit_code=EXIT_MISCONFIGURED)
        raise
    except Exception as error:  # here the process ends: whatever it was, the worker starts again
        trace = without(traceback.format_exc(), _secrets(desk.settings))
        desk.log.pass_on(trace.encode("utf-8", "replace"))
        return EXIT_BUG, without(f"{type(error).__name__}: {error}", _secrets(desk.settings))
    return 0, "asked to stop"


def _secrets(settings: Settings) -> list[str]:
    return secrets_in([settings.bus_url, *settings.store])
