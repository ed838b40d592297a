"""Stage attempts -> the Jobs that a cluster gets: one run of `helm template` for many stages."""

from collections.abc import Callable, Mapping, Sequence

import yaml

from polyglot.core.errors import BadInput, PolyglotError
from polyglot.schedulers.base import Attempt
from polyglot.schedulers.kubernetes.render.helm import Manifest, template
from polyglot.schedulers.kubernetes.render.request import paths_of_large, request_bytes
from polyglot.schedulers.kubernetes.render.values import StageValues, stage_values
from polyglot.store.store import Store
from polyglot.study.cluster import Cluster

MAX_NAME = 63  # of a Job, and of a rank's host name, which is the Job's with its index

_Loader: type[yaml.SafeLoader] | type[yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper: type[yaml.SafeDumper] | type[yaml.CSafeDumper] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


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
    if not attempts:
        return []
    paths = request_paths or {}
    stages = [
        stage_values(attempt, study=study, cluster=cluster, request_path=paths.get(attempt.name, ""))
        for attempt in attempts
    ]
    _check(stages)
    jobs = parse_manifests(template("stage", {"stages": [stage.document() for stage in stages]}))
    names = [job["metadata"]["name"] for job in jobs]
    if names != [stage.name for stage in stages]:
        raise PolyglotError(f"chart stage made {len(names)} Jobs of {len(stages)} stages, or in another order")
    return jobs


def renderer(cluster: Cluster, study: str, store: Store) -> Callable[[Sequence[Attempt]], list[Manifest]]:
    """How attempts become Jobs; a request that is too long for its Job goes into the store first."""

    def render(attempts: Sequence[Attempt]) -> list[Manifest]:
        paths = paths_of_large(attempts)
        for attempt in attempts:
            if attempt.name in paths:
                store.create(paths[attempt.name], request_bytes(attempt))
        return render_jobs(attempts, study=study, cluster=cluster, request_paths=paths)

    return render


def parse_manifests(text: str) -> list[Manifest]:
    """The objects of a stream of YAML documents, empty ones left out."""
    return [document for document in yaml.load_all(text, Loader=_Loader) if document]  # noqa: S506 - a safe loader


def print_manifests(manifests: Sequence[Manifest]) -> str:
    """Objects as YAML documents for people and `kubectl`; keys in their order, long texts unfolded."""
    return yaml.dump_all(manifests, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100_000).rstrip("\n")


def _check(stages: Sequence[StageValues]) -> None:
    """What the API server would refuse only after other Jobs have been created."""
    seen: set[str] = set()
    for stage in stages:
        longest = f"{stage.name}-{stage.ranks - 1}" if stage.ranks > 1 else stage.name
        if len(longest) > MAX_NAME:
            raise BadInput("a Job's name is too long", got=repr(longest), expected=f"at most {MAX_NAME} characters")
        if stage.name in seen:
            raise BadInput("two attempts have one name", got=repr(stage.name), remedy="Render each attempt once")
        if not stage.store_url.startswith("s3://"):
            got = repr(stage.store_url[:80])
            raise BadInput("a cluster's store is a bucket", where=stage.name, got=got, expected="s3://bucket/prefix")
        seen.add(stage.name)
