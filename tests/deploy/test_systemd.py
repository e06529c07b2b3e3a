"""The units of one machine are valid, give no right that is not needed, and start what exists."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from commands import faults
from newsmill.bus.environment import NAMES as OF_KAFKA
from newsmill.cli.work import ROLES
from newsmill.process.health import DEADLINE_S
from newsmill.process.host import EXIT_MISCONFIGURED
from newsmill.process.life import DRAIN_S
from newsmill.process.settings import FILES, PREFIX, names
from newsmill.process.supervisor import STOP_S

FOLDER = Path(__file__).parents[2] / "deploy" / "systemd"
WORKER, RUN = "newsmill@.service", "newsmill-run.service"
SERVICES = sorted(path.name for path in FOLDER.glob("newsmill*.service"))
YOUNGER = ("RestartSteps", "RestartMaxDelaySec")  # than systemd 254; before it they are passed over
SECTIONS = {"Unit", "Service", "Install", "Timer"}
COMMAND = "/opt/newsmill/bin/newsmill"

Unit = dict[str, dict[str, list[str]]]


def read(name: str) -> Unit:
    """A unit, strictly: sections, and ``Key=value`` lines, in the file's order."""
    unit: Unit = {}
    section = ""
    for line in (FOLDER / name).read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if found := re.fullmatch(r"\[(\w+)\]", line):
            section = found[1]
            unit[section] = defaultdict(list)
            continue
        found = re.fullmatch(r"([A-Z]\w*)=(.*)", line)
        assert found, f"{name}: {line}"
        unit[section][found[1]].append(found[2])
    return unit


UNITS = sorted(
    path for path in FOLDER.iterdir() if path.suffix in (".service", ".target", ".timer")
)


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_finds_nothing_to_say(path: Path, tmp_path: Path) -> None:
    assert set(read(path.name)) <= SECTIONS
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("no systemd-analyze on this machine")
    for unit in FOLDER.iterdir():  # where the command is: it is not installed on this machine
        text = re.sub(r"/opt/[\w/.-]+", "/bin/true", unit.read_text("utf-8"))
        (tmp_path / unit.name).write_text(text)
    done = subprocess.run(
        [verify, "verify", "--man=no", tmp_path / path.name],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    said = [
        line
        for line in done.stderr.splitlines()
        if str(tmp_path) in line and not any(f"'{key}'" in line for key in YOUNGER)
    ]
    assert said == []


@pytest.mark.parametrize("name", SERVICES)
class TestService:
    """One of our services."""

    def test_it_has_few_rights(self, name: str) -> None:
        told = read(name)["Service"]
        for key in (
            "NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "LockPersonality",
            "ProtectKernelModules", "ProtectKernelTunables", "RestrictNamespaces",
            "RestrictSUIDSGID", "ProtectControlGroups",
        ):  # fmt: skip
            assert told[key] == ["yes"], key
        assert told["ProtectSystem"] == ["strict"]
        assert told["CapabilityBoundingSet"] == [""]
        assert told["User"] == ["newsmill"]
        assert told["StateDirectory"] == ["newsmill"]
        assert told["Environment"][0] == "NEWSMILL_DATA=/var/lib/newsmill"

    def test_its_exposure_is_small_by_systemds_own_measure(self, name: str) -> None:
        verify = shutil.which("systemd-analyze")
        if verify is None:
            pytest.skip("no systemd-analyze on this machine")
        done = subprocess.run(
            [verify, "security", "--offline=yes", "--threshold=20", FOLDER / name],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        if "Unknown option" in done.stderr or "unrecognized" in done.stderr:
            pytest.skip("this systemd does not judge files")
        assert done.returncode == 0, done.stdout[-2000:]

    def test_its_command_exists(self, name: str) -> None:
        (line,) = read(name)["Service"]["ExecStart"]
        words = shlex.split(line.replace("%%", "%").replace("$$", "$"))
        if words[0] == COMMAND:
            assert faults(words[1:]) == []
        else:
            assert words[:2] == ["/bin/sh", "-c"]
            assert faults(words[2].partition(f"{COMMAND} ")[2].split(" ")[:2]) == []


@pytest.mark.parametrize("role", ROLES)
def test_an_instance_is_a_role_and_a_slot(role: str) -> None:
    (line,) = read(WORKER)["Service"]["ExecStart"]
    words = shlex.split(line.replace("%%", "%").replace("$$", "$").replace("%i", f"{role}:3"))
    words[2] = words[2].replace("exec /opt/newsmill/bin/newsmill", "printf '%s\\n'")
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    told = done.stdout.split()
    assert told == ["work", role, "--slot", "3"]
    assert faults(told) == []


@pytest.mark.parametrize("name", [WORKER, RUN])
def test_a_worker_has_time_to_drain_and_starts_again(name: str) -> None:
    told = read(name)["Service"]
    stop_s = int(told["TimeoutStopSec"][0])
    assert stop_s > (STOP_S if name == RUN else DRAIN_S + 5)
    assert told["KillMode"] == ["mixed"], "children are ended by their parents, which drain"
    assert told["Restart"] == ["on-failure"]
    assert told["RestartPreventExitStatus"] == [str(EXIT_MISCONFIGURED)]
    assert read(name)["Unit"]["StartLimitIntervalSec"] == ["0"], "it is never given up"


@pytest.mark.parametrize("name", [WORKER, RUN])
def test_a_worker_that_is_there_before_its_broker_waits_for_it(name: str) -> None:
    assert "kafka.service" in read(name)["Unit"]["After"][0].split()
    assert "NEWSMILL_KAFKA_WAIT_MS=60000" in read(name)["Service"]["Environment"]
    broker = read("kafka.service")["Service"]
    assert "/dev/tcp/127.0.0.1/9092" in broker["ExecStartPost"][0], "started is: can be talked to"


def test_the_command_line_has_the_settings_of_the_workers(tmp_path: Path) -> None:
    given = tmp_path / "newsmill.env"
    given.write_text(
        "# NEWSMILL_LANE=no\nNEWSMILL_RESOLVE=*.example=127.0.0.1:1 b=127.0.0.1:2\n"
        'NEWSMILL_BUS="kafka://a:9092/n?x=y" \r\nPATH=/nowhere\nNEWSMILL_CONTACT=$(id)'
    )
    command = tmp_path / "command"
    command.write_text('#!/bin/sh\nenv | grep ^NEWSMILL_ | sort\nprintf "%s\\n" "$@"\n')
    command.chmod(0o755)
    script = (FOLDER / "newsmill").read_text("utf-8")
    script = script.replace("/etc/newsmill/newsmill.env", str(given))
    script = script.replace("/usr/sbin/runuser --user=newsmill -- ", "").replace(
        "/opt/newsmill/bin/newsmill", str(command)
    )
    done = subprocess.run(
        ["/bin/sh", "-c", script, "newsmill", "ops", "trace", "a b"],
        env={"PATH": "/usr/bin:/bin", "NEWSMILL_CONTACT": "me@site.org"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "NEWSMILL_BUS=kafka://a:9092/n?x=y",
        "NEWSMILL_CONTACT=me@site.org",
        "NEWSMILL_DATA=/var/lib/newsmill",
        "NEWSMILL_RESOLVE=*.example=127.0.0.1:1 b=127.0.0.1:2",
        "ops", "trace", "a b",
    ]  # fmt: skip


def test_the_watchdog_is_more_patient_than_health() -> None:
    told = read(WORKER)["Service"]
    assert told["Type"] == ["notify"]
    assert int(told["WatchdogSec"][0]) >= 2 * DEADLINE_S


@pytest.mark.parametrize("name", ["newsmill.env", "secrets.conf"])
def test_settings_exist_and_hold_no_secret(name: str) -> None:
    text = (FOLDER / name).read_text("utf-8")
    given = dict(re.findall(r"^#?(?:Environment=)?(NEWSMILL_\w+)=(.*)$", text, re.M))
    assert given
    known = {f"{PREFIX}{setting.upper()}" for setting in names()} | set(FILES) | OF_KAFKA
    assert set(given) <= known
    assert not {"NEWSMILL_KAFKA_PASSWORD", "NEWSMILL_STORE"} & set(given)


def test_the_one_node_syncs_as_compose_has_it() -> None:
    told = dict(
        line.split("=", 1)
        for line in (FOLDER / "kafka.properties").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    )
    compose = yaml.safe_load((FOLDER.parent / "compose.yaml").read_text("utf-8"))
    given = compose["services"]["kafka"]["environment"]
    for name, value in given.items():
        key = name.removeprefix("KAFKA_").lower().replace("_", ".")
        if not key.startswith(("listeners", "advertised", "controller", "log.dirs")):
            assert told[key] == str(value), key


def test_a_backup_is_taken_where_it_may_write() -> None:
    told = read("newsmill-backup.service")["Service"]
    (folder,) = told["ReadWritePaths"]
    assert folder in told["ExecStart"][0]
    assert f"d {folder} 0750 newsmill newsmill" in (FOLDER / "tmpfiles.conf").read_text("utf-8")


def test_credentials_that_are_named_are_loaded() -> None:
    text = (FOLDER / "secrets.conf").read_text("utf-8")
    loaded = re.findall(r"^LoadCredential=([\w-]+):", text, re.M)
    assert re.findall(r"_FILE=%d/([\w-]+)$", text, re.M) == loaded
