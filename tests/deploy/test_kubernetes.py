"""The manifests are valid, and say what the workers need and no more."""

from __future__ import annotations

import ipaddress
import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml

from commands import faults
from manifests import FOLDER, built, objects, pods, variables
from newsmill.bus.environment import NAMES as OF_KAFKA
from newsmill.cli.work import ROLES
from newsmill.process.life import DRAIN_S
from newsmill.process.settings import FILES, PREFIX, names
from newsmill.topics import TOPICS
from newsmill.web.guard import forbidden

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import kubernetes_validate

VERSIONS = ("1.28", "1.31", "1.34")  # pods know their ordinal since 1.28
FOLDERS = ("base", "overlays/example")
EXAMPLE = "overlays/example"
WORKERS = {f"newsmill-{role}": role for role in ROLES} | {"newsmill-raw-archive": "archiver"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("folder", FOLDERS)
def test_every_object_fits_the_schema_of_its_kind(folder: str, version: str) -> None:
    every = list(yaml.safe_load_all(built(folder)))
    assert len(every) > 15
    for each in every:
        kubernetes_validate.validate(each, version, strict=True)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_of_a_folder_is_used(folder: str) -> None:
    told = yaml.safe_load((FOLDER / folder / "kustomization.yaml").read_text("utf-8"))
    used = {"kustomization.yaml", *told["resources"]}
    used |= {each["path"] for each in told["patches"]}
    used |= {file for each in told["configMapGenerator"] for file in each["envs"]}
    assert {path.name for path in (FOLDER / folder).iterdir()} <= used


def test_every_worker_is_a_set_whose_slots_are_its_ordinals() -> None:
    sets = objects(EXAMPLE, "StatefulSet")
    assert set(sets) == set(WORKERS)
    for name, role in WORKERS.items():
        pod = sets[name]["spec"]["template"]["spec"]
        assert pod["containers"][0]["args"][:2] == ["work", role]
        ordinal = {"fieldPath": "metadata.labels['apps.kubernetes.io/pod-index']"}
        assert variables(pod)["NEWSMILL_SLOT"] == {"fieldRef": ordinal}
        assert sets[name]["spec"]["podManagementPolicy"] == "Parallel"
        most = max(topic.partitions for topic in TOPICS)
        assert sets[name]["spec"]["replicas"] <= most, "more would have nothing to do"


@pytest.mark.parametrize("folder", FOLDERS)
def test_commands_and_settings_exist(folder: str) -> None:
    known = {f"{PREFIX}{setting.upper()}" for setting in names()} | set(FILES) | OF_KAFKA
    for pod in pods(folder).values():
        container = pod["containers"][0]
        assert container.get("command") == ["sleep", "infinity"] or faults(container["args"]) == []
        assert {key for key in variables(pod) if key.startswith(PREFIX)} <= known
    for each in objects(folder, "ConfigMap").values():
        assert set(each["data"]) <= known
        assert not {"NEWSMILL_KAFKA_PASSWORD", "NEWSMILL_STORE"} & set(each["data"])


def test_no_secret_stands_in_a_manifest_and_files_are_where_they_are_mounted() -> None:
    assert objects(EXAMPLE, "Secret") == {}
    settings = next(iter(objects(EXAMPLE, "ConfigMap").values()))["data"]
    for name, pod in pods(EXAMPLE).items():
        mounts = {each["name"]: each for each in pod["containers"][0]["volumeMounts"]}
        assert mounts["secrets"]["readOnly"]
        secret = next(each["secret"] for each in pod["volumes"] if each["name"] == "secrets")
        assert secret["secretName"] == name
        assert secret["defaultMode"] == 0o440
        files = [v for k, v in (settings | variables(pod)).items() if k.endswith(("_FILE", "_CA"))]
        assert files
        assert {str(Path(file).parent) for file in files} == {mounts["secrets"]["mountPath"]}


def test_each_worker_is_a_user_of_its_own_to_kafka() -> None:
    for pod in pods(EXAMPLE).values():
        user = variables(pod)["NEWSMILL_KAFKA_USER"]
        if "$(COMPONENT)" in user:  # Kubernetes knows only what stands before
            order = list(variables(pod))
            assert order.index("COMPONENT") < order.index("NEWSMILL_KAFKA_USER")
        assert user in ("newsmill-$(COMPONENT)", "newsmill-topics")


@pytest.mark.parametrize("folder", FOLDERS)
def test_pods_have_the_rights_of_nobody(folder: str) -> None:
    for pod in pods(folder).values():
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["runAsUser"] == 10001, "the image's own"
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False, "links would be settings that do not exist"
        container = pod["containers"][0]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]
        assert container["resources"]["requests"].keys() >= {"cpu", "memory"}


def test_a_worker_is_probed_and_has_time_to_drain() -> None:
    for name, pod in pods("base").items():
        if name not in WORKERS:
            continue
        container = pod["containers"][0]
        port = {str(each["containerPort"]): each["name"] for each in container["ports"]}
        probed = port[variables(pod)["NEWSMILL_HEALTH"]]
        for probe, path in (
            ("startupProbe", "/healthz"),
            ("livenessProbe", "/healthz"),
            ("readinessProbe", "/readyz"),
        ):
            assert container[probe]["httpGet"] == {"path": path, "port": probed}
        assert pod["terminationGracePeriodSeconds"] > DRAIN_S + 5


def test_a_drain_of_nodes_takes_one_worker_of_a_role_at_a_time() -> None:
    budgets = objects("base", "PodDisruptionBudget")
    chosen = [each["spec"]["selector"]["matchLabels"] for each in budgets.values()]
    assert sorted(each["app.kubernetes.io/component"] for each in chosen) == sorted(ROLES)
    assert {each["spec"]["maxUnavailable"] for each in budgets.values()} == {1}


class TestNetwork:
    """Who may talk to whom."""

    def egress(self, component: str) -> list[dict[str, Any]]:
        found = []
        for policy in objects("base", "NetworkPolicy").values():
            selector = policy["spec"]["podSelector"]
            labels = selector.get("matchLabels", {}).get("app.kubernetes.io/component", component)
            values = [e["values"] for e in selector.get("matchExpressions", [])]
            if labels == component and all(component in each for each in values):
                found += policy["spec"].get("egress", [])
        return found

    def test_nothing_comes_in(self) -> None:
        policies = objects("base", "NetworkPolicy").values()
        assert [each for each in policies if each["spec"].get("ingress")] == []
        shut = objects("base", "NetworkPolicy")["newsmill-nothing"]["spec"]
        assert sorted(shut["policyTypes"]) == ["Egress", "Ingress"]

    @pytest.mark.parametrize("role", [*ROLES, "raw-archive", "topics"])
    def test_only_who_fetches_reaches_the_web_and_only_who_stores_the_database(self, role):
        rules = self.egress(role)
        web = [rule for rule in rules for to in rule["to"] if "ipBlock" in to]
        assert bool(web) == (role in ("producer", "fetcher"))
        ports = {port["port"] for rule in rules for port in rule["ports"]}
        assert (5432 in ports) == (role == "archiver")
        assert {53, 9092} <= ports

    def test_the_web_is_not_our_own_network(self) -> None:
        for rule in self.egress("fetcher"):
            for block in [to["ipBlock"] for to in rule["to"] if "ipBlock" in to]:
                for closed in block.get("except", []):
                    inside = ipaddress.ip_network(closed)
                    assert forbidden(str(inside[1]))
                    assert inside.subnet_of(ipaddress.ip_network(block["cidr"]))
