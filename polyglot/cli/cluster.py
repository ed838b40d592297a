"""What `submit` does on a cluster: leave an order in the store, create its driver, say how to follow."""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from polyglot.cli.session import say

if TYPE_CHECKING:
    from polyglot.cli.session import Session
    from polyglot.schedulers.kubernetes.api import Api

_LOOK_SECONDS = 2.0


def start_driver(session: "Session") -> str:
    """Keep the submission and its order, create the driver's Job unless it runs already, and return its name."""
    from polyglot.cli.endpoints import check_endpoints
    from polyglot.cli.submit import keep_submission, order_of
    from polyglot.engine.budget import within_budget
    from polyglot.schedulers.kubernetes.api import Api
    from polyglot.schedulers.kubernetes.render.driver import driver_values, render_driver
    from polyglot.store.doctor import require_conditional_writes
    from polyglot.store.submissions import save_order

    cluster = session.profile.cluster
    if cluster is None:
        raise ValueError("the profile has no cluster")
    order = order_of(session)
    within_budget(order.stages, session.store, order.usd)
    check_endpoints(order.stages, session.store, cluster, os.environ)
    require_conditional_writes(session.store)
    submission = keep_submission(session)
    path = save_order(session.store, order.study, submission, order.to_json(), answers=order.answers)
    values = driver_values(
        cluster,
        study=order.study,
        title=order.title,
        digest12=order.digest12,
        order_path=path,
        store_url=session.store.url,
    )
    api = Api.connect(cluster.namespace, context=cluster.context)
    created = create_driver(api, render_driver(values))
    say(f"{order.title}: {len(order.stages)} stages, store {session.store.url}")
    say(f"the driver {values.name} {'was created' if created else 'runs already'} in namespace {cluster.namespace}")
    _say_how_to_follow(cluster.namespace, values.name, values.labels["polyglot.dev/study"])
    return values.name


def create_driver(api: "Api", manifest: dict[str, object]) -> bool:
    """Create a driver's Job; False when one of the same order runs. One that has ended makes room."""
    from polyglot.core.errors import TimedOut
    from polyglot.schedulers.kubernetes.states import is_over

    name = str(manifest["metadata"]["name"])  # type: ignore[index]
    deadline = time.monotonic() + 60
    while not api.create_job(manifest):
        existing = api.read_job(name)
        if existing is not None and not existing["metadata"].get("deletionTimestamp"):
            if not is_over(existing):
                return False
            api.delete_job(name, uid=existing["metadata"]["uid"], foreground=False)
        if time.monotonic() > deadline:
            raise TimedOut(f"the ended driver {name} does not go away; delete its Job")
        time.sleep(0.5)
    return True


def follow(session: "Session", out: Path) -> None:
    """Show the study until it has ended, then fetch the report. Raises PolyglotError when stages failed."""
    from polyglot.cli.deliver import deliver_report
    from polyglot.cli.watch import watch_session

    watch_session(session)
    for path in deliver_report(session, out):
        print(path)


def _say_how_to_follow(namespace: str, driver: str, study: str) -> None:
    labels = f"polyglot.dev/study={study},polyglot.dev/kind=train"
    say("this machine is no longer needed; to follow:")
    say(f"  kubectl -n {namespace} logs -f job/{driver}")
    say(f"  kubectl -n {namespace} logs -f -l {labels} --prefix --max-log-requests=64 --tail=-1")
    say("  polyglot watch, status, logs -f and report with the same study and profile")
