"""A local Kafka for tests and for trying things out, found or started by a ladder of rungs.

    python deploy/kafka/broker.py start|stop|status [--dir DIR]

The rungs: a broker that ``KAFKA_BOOTSTRAP`` names; Docker, through testcontainers; a JVM broker
whose jars Maven fetches; the broker of the noida-db wheel; none, with the reason of each.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

sys.path.insert(0, str(Path(__file__).parent))

# both lie beside this file, which is a script before it is a module
import rungs
from jvm import RungFailed

Kind = Literal["given", "docker", "jvm", "noida"]
READY_S = 60.0
STOP_S = 20.0
PROBE_S = 90.0
STATE = "broker.json"


class NoBroker(Exception):
    """No rung holds; the message names each with its reason, one a line."""


@dataclass(slots=True)
class Broker:
    """A broker that runs, or ran. All fields but the last two stand for its whole life.

    ``lacks`` says what it cannot judge of exactly-once. ``tls`` and ``sasl`` are the bootstrap
    addresses of its other listeners ("" where there are none), whose certificate ``ca_file``
    vouches for and whose users are ``users``. ``command`` runs it; without one it is not ours.
    """

    kind: Kind
    bootstrap: str
    version: str
    tls: str = ""
    sasl: str = ""
    ca_file: str = ""
    users: dict[str, str] = field(default_factory=dict)
    lacks: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)  # the rungs before its own, and why
    command: list[str] = field(default_factory=list)
    log: str = ""
    folder: str = ""  # where it is remembered, so that others find it after it was started again
    pid: int = 0
    born: str = ""  # when the process started, as the system counts: a pid may be used again

    @property
    def eos(self) -> bool:
        """Whether it can judge exactly-once."""
        return not self.lacks

    @property
    def ours(self) -> bool:
        """Whether it may be stopped, killed, paused and started again."""
        return bool(self.command)

    def alive(self) -> bool:
        """Whether it takes connections, or, where it is ours, whether its process is there."""
        if self.ours:
            return self.pid > 0 and _born(self.pid) == self.born
        return _connects(self.bootstrap)

    def start(self) -> None:
        """Run it, and wait until it takes connections. Raises RungFailed."""
        self.pid = spawn(self.command, Path(self.log))
        self.born = _born(self.pid)
        end = time.monotonic() + READY_S
        while not _connects(self.bootstrap):
            if not self.alive() or time.monotonic() > end:
                self.kill()
                raise RungFailed(f"it did not start: {tail(Path(self.log))}")
            time.sleep(0.05)
        save(self)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._signal(signal.SIGKILL)
        self._wait_gone(STOP_S)

    def stop(self) -> None:
        """End it in order; by force where it does not listen."""
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)
        if not self._wait_gone(STOP_S):
            self.kill()

    def restart(self, *, down_s: float = 0.0) -> None:
        """Stop it, leave it down for so long, and start it again with its data and addresses."""
        self.stop()
        time.sleep(down_s)
        self.start()

    def pause(self) -> None:
        """Let it stand still with its connections open, as a machine without a breath would."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        if not self.ours:
            raise RuntimeError(f"the broker at {self.bootstrap} is not ours")
        if self.alive():
            os.kill(self.pid, number)

    def _wait_gone(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True


def _born(pid: int) -> str:
    """When a process started, "" where there is none or only its corpse."""
    if Path("/proc/self/stat").is_file():
        try:
            after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if after_name[0] == "Z" else after_name[19]
    said = subprocess.run(
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    state, _, started = said.partition(" ")
    return "" if state.startswith("Z") else started.strip()


def _connects(address: str) -> bool:
    host, _, port = address.partition(",")[0].rpartition(":")
    try:
        socket.create_connection((host, int(port)), 2).close()
    except OSError:
        return False
    return True


def spawn(command: Sequence[str], log: Path) -> int:
    """Start a process that belongs to nobody: detached, and holding none of our files."""
    words = [
        sys.executable,
        "-S",
        "-E",
        str(Path(__file__).with_name("detach.py")),
        str(log),
        *command,
    ]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True)
    return int(done.stdout)


def tail(log: Path) -> str:
    """The last lines of a log, in one."""
    if not log.is_file():
        return "no log"
    return " | ".join(log.read_text("utf-8", "replace").splitlines()[-3:])[-600:]


def climb(
    folder: Path, say: Callable[[str], None] = lambda _: None, only: Kind | None = None
) -> Broker:
    """The broker of the first rung that holds, running and probed. Raises NoBroker.

    ``only`` leaves a single rung to the ladder.
    """
    reasons: list[str] = []
    for kind, find in rungs.LADDER:
        if only not in (None, kind):
            continue
        try:
            found = find(folder)
            broker = Broker(kind=kind, folder=str(folder), **asdict(found))
            if broker.ours:
                broker.start()
            say(f"{kind}: {broker.bootstrap}; asking what it can judge")
            broker.lacks, broker.passed_over = _probe(broker), reasons
        except RungFailed as error:
            reasons.append(f"{kind}: {error}")
            say(reasons[-1])
        else:
            return broker
    raise NoBroker("no Kafka to test against\n  " + "\n  ".join(reasons))


def _probe(broker: Broker) -> list[str]:
    words = [sys.executable, str(Path(__file__).with_name("capabilities.py")), broker.bootstrap]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=PROBE_S, check=False)
    except subprocess.TimeoutExpired:
        return [f"no end of the probe in {PROBE_S:.0f} s"]
    if done.returncode:
        if broker.ours:
            broker.stop()
        raise RungFailed(f"it does not answer: {(done.stderr.strip() or '?').splitlines()[-1]}")
    return list(json.loads(done.stdout))


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        fcntl.flock(file, how)
        yield


def load(folder: Path) -> Broker | None:
    """The broker that was started in ``folder`` and still runs."""
    path = folder / STATE
    if not path.is_file():
        return None
    broker = Broker(**json.loads(path.read_bytes()))
    return broker if broker.alive() else None


def save(broker: Broker) -> None:
    """Remember it in its folder, whole or not at all; without a folder, not at all."""
    if broker.folder:
        fresh = Path(broker.folder, f"{STATE}.new")
        fresh.write_text(json.dumps(asdict(broker), indent=1) + "\n")
        fresh.replace(Path(broker.folder, STATE))


def ensure(
    folder: Path, say: Callable[[str], None] = lambda _: None, only: Kind | None = None
) -> Broker:
    """The broker of ``folder``, started if need be; of many that ask at once, one starts it.

    A ladder without a rung is remembered there too: nobody climbs it twice. Raises NoBroker.
    """
    with _locked(folder / "ladder.lock", fcntl.LOCK_EX):
        refused = folder / "no-broker"
        if refused.is_file():
            raise NoBroker(refused.read_text())
        broker = load(folder)
        if broker is None:
            try:
                broker = climb(folder, say, only)
            except NoBroker as error:
                refused.write_text(str(error))
                raise
            save(broker)
        return broker


@contextmanager
def borrowed(folder: Path, only: Kind | None = None) -> Iterator[Broker]:
    """The broker of ``folder`` while there is a borrower; it ends with the last, however that ends.

    A lock tells who borrows, so that nobody need say goodbye: a watchdog ends the broker when no
    process holds it any more. Raises NoBroker.
    """
    with _locked(folder / "borrowers.lock", fcntl.LOCK_SH):
        known = load(folder)
        broker = ensure(folder, only=only)
        if known is None and broker.ours:
            watchdog = (sys.executable, "-S", str(Path(__file__)), "watch", "--dir", str(folder))
            spawn(watchdog, folder / "watchdog.log")
        yield broker


def watch(folder: Path) -> None:
    """Wait until nobody borrows the broker of ``folder``, then end it and sweep its data away."""
    with _locked(folder / "borrowers.lock", fcntl.LOCK_EX):
        broker = load(folder)
        if broker is not None and broker.ours:
            broker.kill()
        rungs.sweep(folder)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("start", "stop", "status", "watch"))
    parser.add_argument("--dir", type=Path, default=rungs.home(), help="its settings, data and log")
    arguments = parser.parse_args()
    folder: Path = arguments.dir.absolute()
    return {"start": _start, "stop": _stop, "status": _status, "watch": _watch}[arguments.what](
        folder
    )


def _start(folder: Path) -> int:
    (folder / "no-broker").unlink(missing_ok=True)
    try:
        broker = ensure(folder, say=lambda line: print(line, file=sys.stderr))
    except NoBroker as error:
        print(error, file=sys.stderr)
        return 1
    _status(folder)
    print(broker.bootstrap)
    return 0


def _stop(folder: Path) -> int:
    broker = load(folder)
    if broker is None:
        print("no broker runs here")
    elif not broker.ours:
        print(f"the broker at {broker.bootstrap} is not ours to stop")
    else:
        broker.stop()
        print(f"stopped; its data stay in {folder}")
    return 0


def _status(folder: Path) -> int:
    broker = load(folder)
    if broker is None:
        print("no broker runs here")
        return 1
    judges = "judges exactly-once" if broker.eos else "cannot judge: " + "; ".join(broker.lacks)
    print(f"{broker.kind} {broker.version}, pid {broker.pid or 'unknown'}, {judges}")
    if broker.tls:
        print(f"  TLS {broker.tls} (trust {broker.ca_file}), SASL over TLS {broker.sasl}")
    return 0


def _watch(folder: Path) -> int:
    watch(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
