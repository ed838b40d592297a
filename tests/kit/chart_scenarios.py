"""What the charts are rendered for in tests: attempts that differ in one thing each, and installations.

The golden manifests below tests/chart/golden and charts/stage/ci are made of them (`make generated`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from polyglot.schedulers.base import Attempt
from polyglot.schedulers.kubernetes.render.driver import DriverValues, driver_values, render_driver
from polyglot.schedulers.kubernetes.render.helm import Manifest, template
from polyglot.schedulers.kubernetes.render.manifests import parse_manifests, print_manifests, render_jobs
from polyglot.schedulers.kubernetes.render.request import request_path
from polyglot.schedulers.kubernetes.render.to_values import to_values
from polyglot.schedulers.kubernetes.render.values import stage_values
from polyglot.study.cluster import Cluster
from polyglot.study.pool import Pool, Toleration
from tests.kit.clusters import attempt, cluster

ROOT = Path(__file__).resolve().parents[2]
CHARTS = ROOT / "charts"
GOLDEN = ROOT / "tests" / "chart" / "golden"
VERSIONS = ("1.31", "1.32", "1.33", "1.34")
NAMESPACE = "polyglot"
GENERATED = "# Generated (`make generated`).\n"

BIG = Pool(
    node_selector={"polyglot.dev/pool": "big-gpu"},
    tolerations=(
        Toleration(key="nvidia.com/gpu", operator="Exists", effect="NoSchedule"),
        Toleration(key="node.kubernetes.io/unreachable", operator="Exists", effect="NoExecute", toleration_seconds=30),
    ),
    annotations={"karpenter.sh/do-not-disrupt": "true"},
    runtime_class="nvidia",
    gpu_resource="nvidia.com/gpu",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One attempt on one cluster."""

    attempt: Attempt
    cluster: Cluster = field(default_factory=cluster)
    by_path: bool = False

    @property
    def paths(self) -> Mapping[str, str]:
        """The request's path, where it lies in the store."""
        return {self.attempt.name: request_path(self.attempt)} if self.by_path else {}


SCENARIOS = {
    "plain": Scenario(
        attempt=attempt("mix", settings={"threads": 2}, cpus=2, deadline_seconds=3600, grace_seconds=90),
        cluster=cluster(
            environment={"AWS_ENDPOINT_URL_S3": "http://store.example:7070", "AWS_REGION": "us-east-1"},
            image_pull_secrets=("registry",),
            image_pull_policy="Always",
        ),
    ),
    "ranks": Scenario(attempt=attempt("train", ranks=2, number=3, memory_bytes=12 * 2**30)),
    "gpu-pool": Scenario(
        attempt=attempt("train", gpus=4, cpus=16, scratch_bytes=200 * 2**30),
        cluster=cluster(pools={"default": Pool(), "big": BIG}, pool_by_kind={"train": "big"}),
    ),
    "rdma-pool": Scenario(
        attempt=attempt("train", gpus=8, cpus=96, ranks=2, number=5),
        cluster=cluster(
            pools={
                "default": Pool(),
                "fast": Pool(network_gbit=3200, resources={"rdma/hca": 8, "hugepages-2Mi": 5 * 2**30}),
            },
            pool_by_kind={"train": "fast"},
        ),
    ),
    "judge-secret": Scenario(
        attempt=attempt("judge", params={"endpoint": "openai"}), cluster=cluster(judge_secret="openai")
    ),
    "deepl-secret": Scenario(
        attempt=attempt("translate", params={"engine": "deepl"}),
        cluster=cluster(judge_secret="openai", deepl_secret="deepl"),
    ),
    "hub-secret": Scenario(
        attempt=attempt("base", params={"hub": "owner/name"}), cluster=cluster(judge_secret="openai", hub_secret="hub")
    ),
    "tracker-secret": Scenario(
        attempt=attempt("train", number=4, settings={"trackers": ["tensorboard", "wandb"]}),
        cluster=cluster(hub_secret="hub", tracker_secret="trackers"),
    ),
    "queue": Scenario(attempt=attempt("answer"), cluster=cluster(queue="polyglot", priority_class="polyglot-urgent")),
    "request-by-path": Scenario(attempt=attempt("aggregate", mix=""), by_path=True),
    "workload-identity": Scenario(
        attempt=attempt("ingest", params={"files": {"EN": [{"bytes": 7 * 2**30, "sha256": "0" * 64}]}}),
        cluster=cluster(store_secret=None, priority_class=None, worker_service_account="trainers"),
    ),
}
INSTALLATIONS = tuple(sorted(path.name.removesuffix("-values.yaml") for path in (CHARTS / "polyglot" / "ci").iterdir()))


@cache
def stage_job(name: str) -> Manifest:
    """The Job of a scenario."""
    scenario = SCENARIOS[name]
    return render_jobs([scenario.attempt], study="quickstart", cluster=scenario.cluster, request_paths=scenario.paths)[
        0
    ]


@cache
def installation(name: str) -> tuple[Manifest, ...]:
    """The objects of an installation, from its values below charts/polyglot/ci."""
    values = yaml.safe_load((CHARTS / "polyglot" / "ci" / f"{name}-values.yaml").read_text(encoding="utf-8"))
    return tuple(parse_manifests(template("polyglot", values, namespace=NAMESPACE)))


def driver_of(**changes: Any) -> DriverValues:
    """The driver of a submission to a cluster whose fields are the defaults but `changes`."""
    return driver_values(
        cluster(**changes),
        study="quickstart",
        title="quickstart-DEFRITES",
        digest12="0123456789ab",
        path=f"studies/quickstart/{'0' * 64}/order-0123456789ab.json",
        store_url="s3://polyglot/studies",
    )


DRIVERS = {
    "full": driver_of(image_pull_secrets=("registry",), environment={"AWS_REGION": "us-east-1"}),
    "workload-identity": driver_of(store_secret=None, priority_class=None, driver_service_account="trainers"),
}


@cache
def driver_job(name: str) -> Manifest:
    """The driver's Job of a scenario."""
    return render_driver(DRIVERS[name])


def install(values: Mapping[str, Any]) -> dict[tuple[str, str], Manifest]:
    """The objects of an installation, by kind and name."""
    rendered = parse_manifests(template("polyglot", values, namespace=NAMESPACE))
    return {(each["kind"], each["metadata"]["name"]): each for each in rendered}


def golden() -> Iterator[tuple[Path, str]]:
    """Every golden file with what it has to hold."""
    for name in SCENARIOS:
        yield GOLDEN / f"stage-{name}.yaml", print_manifests([stage_job(name)]) + "\n"
    for name in DRIVERS:
        yield GOLDEN / f"driver-{name}.yaml", print_manifests([driver_job(name)]) + "\n"
    for name in INSTALLATIONS:
        yield GOLDEN / f"polyglot-{name}.yaml", print_manifests(installation(name)) + "\n"


def driver_ci_values(name: str) -> str:
    """charts/driver/ci/<name>-values.yaml."""
    return GENERATED + yaml.safe_dump(to_values(DRIVERS[name]), sort_keys=False, width=100_000)


def stage_ci_values() -> str:
    """charts/stage/ci/all-values.yaml: the values of all scenarios."""
    stages = [
        stage_values(
            each.attempt,
            study="quickstart",
            cluster=each.cluster,
            request_path=each.paths.get(each.attempt.name, ""),
        ).document()
        for each in SCENARIOS.values()
    ]
    return GENERATED + yaml.safe_dump({"stages": stages}, sort_keys=False, width=100_000)
