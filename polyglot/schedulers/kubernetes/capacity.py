"""The most that a cluster gives to one attempt, as its profile says."""

from polyglot.core.stage import PlannedStage
from polyglot.schedulers.base import Capacity
from polyglot.study.cluster import DEFAULT_POOL, Cluster


def capacity_of(cluster: Cluster, planned: PlannedStage) -> Capacity:
    """What is said of the pool of the stage's kind; nothing is asked of the cluster."""
    kind = planned.stage.kind
    name = cluster.pool_by_kind.get(kind, DEFAULT_POOL)
    return Capacity(memory_bytes=cluster.pool_of(kind).most_memory_bytes or 0, where=f"the pool {name}")
