"""`polyglot reevaluate`: evaluate the models of submitted studies anew, as each night's CronJob does."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyglot.cli.options import OutDirectory, ProfileName, StoreUrl

if TYPE_CHECKING:
    from polyglot.engine.submission import Order
    from polyglot.store.store import Store
    from polyglot.study.profile import Profile


def command(
    studies: Annotated[list[str], typer.Argument(metavar="STUDY…", help="Names of studies that were submitted.")],
    night: Annotated[
        str | None,
        typer.Option(
            "--night", metavar="ID", help="The evaluation's name, a word or an instant; without it the Job's own tick."
        ),
    ] = None,
    profile: ProfileName = "local",
    store: StoreUrl = None,
    out: OutDirectory = Path("out"),
) -> None:
    """Answer and judge anew with the models that each study was last submitted with, under the name of a night.

    The name is a parameter of the answers: nothing is answered from the cache, the same night twice is one evaluation.
    Nothing is trained. When a study fails, the others are evaluated all the same. On this machine the report is put
    into a folder; `polyglot report --night` fetches that of a cluster.
    """
    from polyglot.cli.deliver import check_out
    from polyglot.cli.run_order import mended_by_the_next
    from polyglot.core.errors import Interrupted, PolyglotError
    from polyglot.core.night import night_name
    from polyglot.schedulers.kubernetes.cronjob import tick_of_own_job
    from polyglot.store.locate import open_store
    from polyglot.study.profile import load_profile

    chosen = load_profile(profile)
    if chosen.cluster is None:
        check_out(out)
    opened = open_store(store or chosen.store)
    with mended_by_the_next():
        name = night_name(tick_of_own_job(chosen.cluster) if night is None else night)
    names = list(dict.fromkeys(studies))
    failures: list[PolyglotError] = []
    for study in names:
        try:
            _evaluate(study, name, opened, chosen, out)
        except Interrupted:
            raise
        except PolyglotError as error:
            if len(names) == 1:
                raise
            failures.append(PolyglotError(f"{study}: {error}"))
    if failures:
        raise PolyglotError("; ".join(map(str, failures)))


def _evaluate(study: str, night: str, store: "Store", profile: "Profile", out: Path) -> None:
    """Evaluate one study. Raises PolyglotError when it cannot be, or stages failed."""
    from polyglot.cli.deliver import deliver_stage
    from polyglot.cli.run_order import mended_by_the_next, run_here, run_there
    from polyglot.cli.session import say

    with mended_by_the_next():
        order = _begun(study, night, store, local=profile.cluster is None)
    if order.cluster is not None:
        run_there(order, store)
        say(f"{order.title}: the report is {order.stages[-1].name}; `polyglot report STUDY --night {night}` fetches it")
        return
    run_here(order, store, profile)
    for path in deliver_stage(store, order.stages[-1].stage, order.title, out):
        print(path)


def _begun(study: str, night: str, store: "Store", *, local: bool) -> "Order":
    """Record that a night begins, and return its order: the last one when it began first, whatever came since.

    Raises PolyglotError, and records nothing, when it could not come to its end.
    """
    from polyglot.cli.endpoints import check_endpoints
    from polyglot.core.errors import BadInput
    from polyglot.engine.submission import order_of_night
    from polyglot.store.nights import find_night, record_night
    from polyglot.store.submissions import newest_order

    standing = find_night(store, study, night)
    path = standing.order if standing else newest_order(store, study, local=local)
    order = order_of_night(store, path, night)
    if (order.cluster is None) != local:  # a pod of the controller's image cannot run stages itself
        began, got = ("on somebody's own machine", "with") if order.cluster is None else ("on a cluster", "without")
        raise BadInput(
            f"the night began {began}",
            where=order.title,
            got=f"a profile {got} a cluster",
            remedy="Go on with it there, with the profile that it began with, or evaluate another night",
        )
    if standing is None:
        _check_models(order, store)
    if order.cluster is None:
        check_endpoints(order.stages, store, None, os.environ)
    standing = standing or record_night(store, study, night, order=path, report=order.stages[-1].key)
    return order if standing.order == path else order_of_night(store, standing.order, night)


def _check_models(order: "Order", store: "Store") -> None:
    """Raise PolyglotError when a model is not committed: training is no night's work."""
    from polyglot.core.errors import PolyglotError
    from polyglot.kinds.registry import kind_of
    from polyglot.store.committed import committed_many

    done = committed_many(store, [planned.stage for planned in order.stages])
    models = [planned for planned in order.stages if kind_of(planned.stage.kind).tunes]
    missing = [planned.label for planned in models if planned.key not in done]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        what = f"a night trains nothing, and {missing[0]}{more} is not committed; submit it first"
        raise PolyglotError(f"{order.title}: {what}")
