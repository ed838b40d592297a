"""Runs an order on the cluster that it names: what `drive` and `reevaluate` share."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from polyglot.cli.session import say

if TYPE_CHECKING:
    from polyglot.artifacts.store import Store
    from polyglot.run.backend import Attempt
    from polyglot.run.kubernetes.backend import Render
    from polyglot.run.order import Order


def run_order(order: "Order", store: "Store") -> None:
    """Drive every stage to its end. Raises PolyglotError when stages failed, Interrupted for what passes."""
    from polyglot.cli.live import live_listener
    from polyglot.core.errors import Corrupt, Interrupted, Refused, StoreError
    from polyglot.run.engine import run
    from polyglot.run.kubernetes.api import Api, ApiError
    from polyglot.run.kubernetes.backend import KubernetesBackend
    from polyglot.run.outcomes import Limits
    from polyglot.run.spending import within_budget

    api = Api.connect(order.cluster.namespace, context=order.cluster.context)
    render = renderer(order, store)
    try:
        stages = within_budget(order.stages, store, order.usd)
        say(f"{order.title}: {len(stages)} stages, store {store.url}, namespace {api.namespace}")
        with KubernetesBackend(api, order.cluster, render) as backend, live_listener(stages) as listener:
            limits = Limits(max_attempts=order.max_attempts, progress_seconds=5.0)
            summary = run(stages, store, backend, listener=listener, limits=limits)
    except (Refused, Corrupt):
        raise
    except (StoreError, ApiError) as error:
        raise Interrupted(f"{error}; the next driver goes on from here") from error
    say(f"{sum(api.calls.values())} requests to the API server")
    summary.raise_if_failed()
    say(summary.describe())


def renderer(order: "Order", store: "Store") -> "Render":
    """How attempts of an order become Jobs; a request that is too long for its Job goes into the store first."""
    from polyglot.render.manifests import render_jobs
    from polyglot.render.request import paths_of_large, request_bytes

    def render(attempts: "Sequence[Attempt]") -> "list[dict[str, Any]]":
        paths = paths_of_large(attempts)
        for attempt in attempts:
            if attempt.name in paths:
                store.create(paths[attempt.name], request_bytes(attempt))
        return render_jobs(attempts, study=order.study, cluster=order.cluster, request_paths=paths)

    return render
