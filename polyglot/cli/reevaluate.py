"""`polyglot reevaluate`: evaluate the models of submitted studies anew, as each night's CronJob does."""

import os
from typing import Annotated

import typer

from polyglot.cli.options import ProfileName, StoreUrl

SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"


def command(
    studies: Annotated[list[str], typer.Argument(metavar="STUDY…", help="Names of studies that were submitted.")],
    night: Annotated[
        str | None, typer.Option("--night", metavar="ID", help="The evaluation's name; without it the Job's own tick.")
    ] = None,
    profile: ProfileName = "local",
    store: StoreUrl = None,
) -> None:
    """Answer and judge anew with the models of the newest order of each study, under the name of a night.

    The name is a parameter of the answers: nothing is answered from the cache, the same night twice is one evaluation.
    """
    from polyglot.artifacts.locate import open_store
    from polyglot.artifacts.nights import record_night
    from polyglot.artifacts.submissions import newest_order
    from polyglot.cli.run_order import run_order
    from polyglot.core.errors import PolyglotError
    from polyglot.run.order import Order
    from polyglot.spec.profile import load_profile

    chosen = load_profile(profile)
    opened = open_store(store or chosen.store)
    namespace = chosen.cluster.namespace if chosen.cluster else "default"
    name = night or tick_of_own_job(namespace)
    failures = []
    for study in studies:
        where = f"{opened.url}: the newest order of {study}"
        order = Order.from_json(newest_order(opened, study), where=where).again(name)
        record_night(opened, study, name, report=order.stages[-1].key)
        try:
            run_order(order, opened)
        except PolyglotError as error:
            if error.exit_code != 1:
                raise
            failures.append(f"{study}: {error}")
    if failures:
        raise PolyglotError("; ".join(failures))


def tick_of_own_job(namespace: str) -> str:
    """When this Job was due, as its CronJob wrote it. Raises BadInput outside of a CronJob."""
    from polyglot.core.errors import BadInput
    from polyglot.run.kubernetes.api import Api

    name = os.environ.get("POLYGLOT_JOB", "")
    job = Api.connect(namespace).read_job(name) if name else None
    tick = (job or {}).get("metadata", {}).get("annotations", {}).get(SCHEDULED, "")
    if not tick:
        raise BadInput(
            "there is no tick to name the evaluation after",
            where=f"job {name}" if name else "reevaluate",
            expected=f"a Job of a CronJob, with the annotation {SCHEDULED}",
            remedy="Outside of one, name it: --night 2026-01-31",
        )
    return str(tick)
