"""What the operator's page says of scaling and of ends is what the program has."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from manifests import objects
from newsmill.bus import NAMESPACE
from newsmill.process import host
from newsmill.topics import PAGES, full_name

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text("utf-8")


def test_the_scaler_names_what_there_is() -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S)
    scaler = yaml.safe_load(text)
    assert (scaler["apiVersion"], scaler["kind"]) == ("keda.sh/v1alpha1", "ScaledObject")
    target = scaler["spec"]["scaleTargetRef"]
    assert target["name"] in objects("overlays/example", target["kind"])
    assert scaler["spec"]["maxReplicaCount"] == PAGES.partitions
    (trigger,) = scaler["spec"]["triggers"]
    assert trigger["metadata"]["topic"] == full_name(NAMESPACE, "live", PAGES.name)
    assert trigger["metadata"]["consumerGroup"] == full_name(NAMESPACE, "live", "extractor")
    assert all(isinstance(value, str) for value in trigger["metadata"].values())


def test_every_exit_code_is_told() -> None:
    (line,) = [line for line in PAGE.splitlines() if "exit code says" in line]
    codes = {value for name, value in vars(host).items() if name.startswith("EXIT_")}
    assert {int(code) for code in re.findall(r"\b(\d\d?) [a-z]", line)} == codes
