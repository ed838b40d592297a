"""Clusters and attempts at stages for tests of what a cluster is told."""

from collections.abc import Mapping
from typing import Any

from polyglot.core.stage import PlannedStage, Resources, Stage
from polyglot.schedulers.base import Attempt
from polyglot.study.cluster import Cluster

STORE = "s3://polyglot/studies"
IMAGES = {
    name: f"registry.example/polyglot-{name}@sha256:{digit * 64}"
    for name, digit in (("controller", "c"), ("worker", "d"), ("trainer", "e"))
}


def cluster(**changes: Any) -> Cluster:
    """A cluster with all defaults but `changes`, which are fields of Cluster."""
    return Cluster.model_validate({"images": IMAGES}).model_copy(update=changes)


def attempt(
    kind: str = "mix",
    *,
    mix: str = "DEFRITES",
    label: str = "",
    number: int = 1,
    params: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
    **resources: int,
) -> Attempt:
    """An attempt at a stage of a kind."""
    stage = Stage(kind=kind, version=1, params=dict(params or {"steps": 10}), seed=seed)
    planned = PlannedStage(
        stage=stage,
        label=label or f"{kind} tiny {mix} s{seed}",
        resources=Resources(**resources),
        settings=dict(settings or {}),
        mix=mix,
    )
    return Attempt(planned=planned, number=number, store_url=STORE)
