"""What Kustomize makes of deploy/k8s, read as objects."""

from __future__ import annotations

import functools
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[1] / "deploy" / "k8s"
BUILDERS = (("kustomize", "build"), ("kubectl", "kustomize"))


@functools.cache
def built(folder: str) -> str:
    """The manifests of a folder; skips the test where no program can build them."""
    for words in BUILDERS:
        if shutil.which(words[0]):
            done = subprocess.run(
                [*words, FOLDER / folder], capture_output=True, text=True, check=False, timeout=60
            )
            assert done.returncode == 0, done.stderr
            return done.stdout
    pytest.skip("neither kustomize nor kubectl is on this machine")


def objects(folder: str, kind: str) -> dict[str, Any]:
    """The objects of a kind by their names."""
    every = [each for each in yaml.safe_load_all(built(folder)) if each["kind"] == kind]
    return {each["metadata"]["name"]: each for each in every}


def pods(folder: str) -> dict[str, Any]:
    """The specification of the pods of every workload, by its name."""
    return {
        name: each["spec"]["template"]["spec"]
        for kind in ("StatefulSet", "Deployment", "Job")
        for name, each in objects(folder, kind).items()
    }


def variables(pod: dict[str, Any]) -> dict[str, Any]:
    """The environment that a pod says itself: a value, or where it comes from."""
    said = pod["containers"][0].get("env", [])
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in said}
