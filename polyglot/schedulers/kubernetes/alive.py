"""Which stages a cluster works on now: for `status` and `watch`, from one list of Jobs."""

from collections.abc import Callable

from polyglot.core.errors import BadInput
from polyglot.schedulers.kubernetes.api import Api, ApiError
from polyglot.schedulers.kubernetes.names import KEY, MANAGED
from polyglot.schedulers.kubernetes.states import is_over
from polyglot.study.cluster import Cluster


def running_there(cluster: Cluster) -> Callable[[str], bool] | None:
    """Return a test whether a stage's key has a Job that has not ended: `alive` of `survey`.

    None where the cluster cannot be asked (a machine that sees the store alone): signs of life must do.
    """
    try:
        jobs, _ = Api.connect(cluster.namespace, context=cluster.context).list("jobs", MANAGED, patience_seconds=5)
    except (ApiError, BadInput):
        return None
    keys = {job["metadata"].get("annotations", {}).get(KEY) for job in jobs if not is_over(job)}
    return keys.__contains__
