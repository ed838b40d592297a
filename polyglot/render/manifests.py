"""Stage attempts -> the Jobs that a cluster gets: one run of `helm template` for many stages."""

from collections.abc import Mapping, Sequence
from typing import Any

from polyglot.run.backend import Attempt
from polyglot.spec.cluster import Cluster

Manifest = dict[str, Any]


def render_jobs(
    attempts: Sequence[Attempt],
    *,
    study: str,
    cluster: Cluster,
    request_paths: Mapping[str, str] | None = None,
) -> list[Manifest]:
    """Return one Job an attempt, in their order.

    `request_paths` maps an attempt's name to the store path of its request, for requests that are too large to go
    with the Job. Raises BadInput for an attempt that no Job can carry, PolyglotError when helm fails.
    """
    raise NotImplementedError
