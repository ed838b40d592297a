"""Which stages a cluster works on now, and whether a driver is at a study: each from one list of Jobs."""

from collections.abc import Sequence, Set

from polyglot.core.errors import BadInput
from polyglot.schedulers.kubernetes.api import Api, ApiError
from polyglot.schedulers.kubernetes.names import KEY, MANAGED, Document, drivers_of
from polyglot.schedulers.kubernetes.states import is_over
from polyglot.study.cluster import Cluster


def keys_alive(cluster: Cluster) -> Set[str] | None:
    """Return the keys of the stages that have a Job which has not ended.

    None where the cluster cannot be asked: a machine that sees the store alone.
    """
    jobs = _jobs_alive(cluster, MANAGED)
    return None if jobs is None else {job["metadata"].get("annotations", {}).get(KEY) for job in jobs}


def has_driver(cluster: Cluster, study: str) -> bool | None:
    """Whether a driver of a study has a Job which has not ended; None where the cluster cannot be asked."""
    jobs = _jobs_alive(cluster, drivers_of(study))
    return None if jobs is None else bool(jobs)


def _jobs_alive(cluster: Cluster, selector: str) -> Sequence[Document] | None:
    try:
        jobs, _ = Api.connect(cluster.namespace, context=cluster.context).list("jobs", selector, patience_seconds=5)
    except (ApiError, BadInput):
        return None
    return [job for job in jobs if not is_over(job)]
