"""`polyglot render`: Jobs for a cluster, orders for this machine; nothing is started and no store is asked."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from polyglot.schedulers.kubernetes.render.manifests import parse_manifests
from tests.kit.chart_scenarios import ROOT
from tests.kit.clusters import IMAGES

STUDY = str(ROOT / "studies" / "quickstart.yaml")
STORE = "s3://bucket/prefix?endpoint=http://127.0.0.1:1"  # nothing listens there


@pytest.fixture
def profile(tmp_path: Path) -> str:
    path = tmp_path / "cluster.yaml"
    images = "".join(f"    {name}: {image}\n" for name, image in IMAGES.items())
    path.write_text(f"store: {STORE}\nbackend: kubernetes\nkubernetes:\n  images:\n{images}")
    return str(path)


def render(*arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("POLYGLOT_", "AWS_"))}
    command = [sys.executable, "-m", "polyglot", "render", STUDY, "--mix", "DEFRITES", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_cluster_s_profile_prints_its_jobs_in_the_plan_s_order(profile: str) -> None:
    jobs = parse_manifests(render("--profile", profile))
    assert {(job["kind"], job["metadata"]["namespace"]) for job in jobs} == {("Job", "polyglot")}
    assert jobs == [json.loads(line) for line in render("--profile", profile, "-o", "json").splitlines()]
    orders = [json.loads(line) for line in render().splitlines()]
    assert [job["metadata"]["name"] for job in jobs] == [order["name"] for order in orders]
    (worker,) = jobs[-1]["spec"]["template"]["spec"]["containers"]
    request = json.loads(worker["env"][0]["value"])
    assert (request["store"], request["stage"]["kind"]) == (STORE, "report")
    assert "aggregate" in request["input_kinds"].values()
