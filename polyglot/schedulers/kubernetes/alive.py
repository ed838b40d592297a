"""Which stages a cluster works on now: for `status` and `watch`, from one list of Jobs."""

from collections.abc import Set

from polyglot.core.errors import BadInput
from polyglot.schedulers.kubernetes.api import Api, ApiError
from polyglot.schedulers.kubernetes.names import KEY, MANAGED
from polyglot.schedulers.kubernetes.states import is_over
from polyglot.study.cluster import Cluster


def keys_alive(cluster: Cluster) -> Set[str] | None:
    """Return the keys of the stages that have a Job which has not ended.

    None where the cluster cannot be asked: a machine that sees the store alone.
    """
    try:
        jobs, _ = Api.connect(cluster.namespace, context=cluster.context).list("jobs", MANAGED, patience_seconds=5)
    except (ApiError, BadInput):
        return None
    return {job["metadata"].get("annotations", {}).get(KEY) for job in jobs if not is_over(job)}
