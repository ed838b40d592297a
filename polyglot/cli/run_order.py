"""Runs an order where it belongs: what `submit`, `drive` and `reevaluate` share."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from polyglot.cli.session import say

if TYPE_CHECKING:
    from polyglot.engine.submission import Order
    from polyglot.schedulers.base import Attempt
    from polyglot.schedulers.kubernetes.scheduler import Render
    from polyglot.store.store import Store
    from polyglot.study.cluster import Cluster
    from polyglot.study.profile import Profile


def run_here(order: "Order", store: "Store", profile: "Profile") -> None:
    """Run every stage in processes of this machine, within the profile's bounds. Raises PolyglotError on failures."""
    from polyglot.cli.live import live_listener
    from polyglot.engine.budget import within_budget
    from polyglot.engine.engine import run
    from polyglot.schedulers.local.scheduler import LocalScheduler

    stages = within_budget(order.stages, store, order.usd)
    say(f"{order.title}: {len(stages)} stages, store {store.url}")
    scheduler = LocalScheduler.for_profile(profile)
    for note in scheduler.budget.notes(stages):
        say(note)
    with scheduler, live_listener(stages) as listener:
        summary = run(stages, store, scheduler, listener=listener, max_attempts=order.max_attempts)
    summary.raise_if_failed()
    say(summary.describe())


def run_there(order: "Order", store: "Store") -> None:
    """Drive every stage on the order's cluster. Raises PolyglotError on failures, Interrupted for what passes."""
    from polyglot.cli.live import live_listener
    from polyglot.engine.budget import within_budget
    from polyglot.engine.engine import run
    from polyglot.engine.outcomes import Limits
    from polyglot.schedulers.kubernetes.api import Api
    from polyglot.schedulers.kubernetes.scheduler import KubernetesScheduler

    cluster = _place(order)
    api = Api.connect(cluster.namespace, context=cluster.context)
    render = renderer(order, store)
    with mended_by_the_next():
        stages = within_budget(order.stages, store, order.usd)
        say(f"{order.title}: {len(stages)} stages, store {store.url}, namespace {api.namespace}")
        with KubernetesScheduler(api, cluster, render) as scheduler, live_listener(stages) as listener:
            limits = Limits(max_attempts=order.max_attempts, progress_seconds=5.0)
            summary = run(stages, store, scheduler, listener=listener, limits=limits)
    say(f"{sum(api.calls.values())} requests to the API server")
    summary.raise_if_failed()
    say(summary.describe())


@contextlib.contextmanager
def mended_by_the_next() -> Iterator[None]:
    """Tell a store or an API server that is away as Interrupted: what passes is no failure of the study."""
    from polyglot.core.errors import Corrupt, Interrupted, Refused, StoreError
    from polyglot.schedulers.kubernetes.api import ApiError

    try:
        yield
    except (Refused, Corrupt):
        raise
    except (StoreError, ApiError) as error:
        raise Interrupted(f"{error}; the next driver goes on from here") from error


def _place(order: "Order") -> "Cluster":
    from polyglot.core.errors import BadInput

    if order.cluster is None:
        raise BadInput("an order of no cluster", where=order.title, remedy="`polyglot submit` runs it on its machine")
    return order.cluster


def renderer(order: "Order", store: "Store") -> "Render":
    """How attempts of an order become Jobs; a request that is too long for its Job goes into the store first."""
    from polyglot.schedulers.kubernetes.render.manifests import render_jobs
    from polyglot.schedulers.kubernetes.render.request import paths_of_large, request_bytes

    cluster = _place(order)

    def render(attempts: "Sequence[Attempt]") -> "list[dict[str, Any]]":
        paths = paths_of_large(attempts)
        for attempt in attempts:
            if attempt.name in paths:
                store.create(paths[attempt.name], request_bytes(attempt))
        return render_jobs(attempts, study=order.study, cluster=cluster, request_paths=paths)

    return render
