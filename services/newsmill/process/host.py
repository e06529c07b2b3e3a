"""The process of one worker: settings, log, signals, bus, health, and how it ends."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from newsmill import bus
from newsmill.bus.base import Bus, BusUnknown, Fenced, Member, OutOfRange
from newsmill.errors import Misconfigured
from newsmill.process.events import Event, Level
from newsmill.process.health import Health
from newsmill.process.life import FuseBlown, Life
from newsmill.process.settings import Settings, without_secret
from newsmill.process.telemetry import Telemetry
from newsmill.topics import Topic

# Exit codes from 70 on: the worker must be started again.
EXIT_UNKNOWN = 70  # how a step ended cannot be told
EXIT_FENCED = 71  # another process holds our place
EXIT_FUSE = 72  # too large a share of records died
EXIT_OUT_OF_RANGE = 73  # retention dropped what we had not read: a person decides
EXIT_BUG = 74


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

    Raises Misconfigured when it could not start; an unexpected exception passes, uncommitted.
    """
    level: Level = settings.log_level  # type: ignore[assignment]  # checked when it was loaded
    log = Telemetry(role, lane=settings.lane, level=level)
    life = Life(log, heartbeat_s=settings.heartbeat_s, fuse_share=settings.fuse)
    life.listen()
    with Health(life, settings.health):
        opened = bus.connect(settings.bus_url, settings.lane)
        opened.create()
        member = opened.join(group, topics, slot=settings.slot)
        log.at_slot(member.slot, settings.log_dir)
        log.event(
            "worker.start",
            role=role,
            bus=without_secret(settings.bus_url),
            python=platform.python_version(),
            config=settings.digest,
        )
        opened.on_notice = _notices(log)
        desk = Desk(settings, opened, member, log, life)
        code, why = _work(desk, work)
        log.event(
            "worker.stop", why=why, uptime_s=life.uptime_s, counts=life.counts, exit_code=code
        )
        log.close()
        opened.close()
    return code


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
    except Misconfigured:
        raise
    except BaseException as error:
        why = f"{type(error).__name__}: {error}"
        desk.log.event("worker.stop", level="error", why=why, exit_code=EXIT_BUG)
        raise
    return 0, "asked to stop"
