"""k8s/: what an administrator applies parses, fits the schemas, and hangs together."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kit.chart_scenarios import ROOT, VERSIONS, stage_job
from tests.kit.kubernetes_schemas import problems

BASES = ROOT / "k8s"
FOREIGN = {"kueue.x-k8s.io", "karpenter.sh", "eksctl.io", "kustomize.config.k8s.io"}  # no offline schema


def load(path: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((BASES / path).read_text(encoding="utf-8"))
    return found


def files() -> list[str]:
    return sorted(str(path.relative_to(BASES)) for path in BASES.rglob("*.yaml"))


def resources(folder: Path) -> list[Path]:
    """The files that a kustomization adds up to."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    found: list[Path] = []
    for name in kustomization["resources"]:
        path = (folder / name).resolve()
        found += resources(path) if path.is_dir() else [path]
    return found


@pytest.mark.parametrize("path", files())
def test_every_object_fits_every_version(path: str) -> None:
    manifest = load(path)
    if manifest["apiVersion"].partition("/")[0] not in FOREIGN:
        assert [problems(manifest, version) for version in VERSIONS] == [[]] * len(VERSIONS)
        stem = path.rpartition("/")[2].removesuffix(".yaml")
        assert stem.rpartition("-")[2] == manifest["kind"].lower()


@pytest.mark.parametrize("base", [".", "namespace", "priorities", "quota", "kueue", "kueue-v1beta1"])
def test_a_kustomization_names_files_that_are_there(base: str) -> None:
    found = resources(BASES / base)
    assert found
    assert all(path.is_file() for path in found)
    if shutil.which("kubectl"):
        done = subprocess.run(["kubectl", "kustomize", str(BASES / base)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert len(list(yaml.safe_load_all(done.stdout))) == len(found)


def test_no_object_is_left_out_of_its_kustomization() -> None:
    for folder in ("namespace", "priorities", "quota", "kueue"):
        there = {path for path in (BASES / folder).glob("*.yaml") if path.name != "kustomization.yaml"}
        assert there == set(resources(BASES / folder))


def test_the_namespace_enforces_the_restricted_level() -> None:
    labels = load("namespace/polyglot-namespace.yaml")["metadata"]["labels"]
    assert {labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "audit", "warn")} == {"restricted"}


def test_nightly_gives_way_to_studies_and_studies_to_what_is_urgent() -> None:
    classes = [load(f"priorities/{name}-priorityclass.yaml") for name in ("nightly", "study", "urgent")]
    values = [each["value"] for each in classes]
    assert values == sorted(set(values))
    assert classes[0]["preemptionPolicy"] == "Never"
    assert not any(each["globalDefault"] for each in classes)
    default = stage_job("plain")["spec"]["template"]["spec"]["priorityClassName"]
    assert default in {each["metadata"]["name"] for each in classes}


def test_queues_cover_what_stages_ask_for_and_nothing_is_lent_twice() -> None:
    queue = load("kueue/polyglot-clusterqueue.yaml")["spec"]
    (group,) = queue["resourceGroups"]
    asked = stage_job("gpu-pool")["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]
    assert set(asked) <= set(group["coveredResources"])
    for flavor in group["flavors"]:
        assert [each["name"] for each in flavor["resources"]] == group["coveredResources"]
    flavors = {load(f"kueue/{name}-resourceflavor.yaml")["metadata"]["name"] for name in ("default", "gpu")}
    assert {each["name"] for each in group["flavors"]} == flavors
    assert load("kueue/polyglot-localqueue.yaml")["spec"]["clusterQueue"] == "polyglot"
    assert queue["preemption"]["withinClusterQueue"] == "LowerPriority"


def test_gpu_nodes_have_the_label_and_taint_that_the_flavor_names() -> None:
    flavor = load("kueue/gpu-resourceflavor.yaml")["spec"]
    karpenter = load("node-pools/karpenter-nodepool.yaml")["spec"]["template"]
    (eks,) = load("node-pools/eks-nodegroup.yaml")["managedNodeGroups"]
    assert flavor["nodeLabels"] == karpenter["metadata"]["labels"] == eks["labels"]
    assert flavor["nodeTaints"] == karpenter["spec"]["taints"] == eks["taints"]
