"""`polyglot submit`: run a study to its report; what is already computed is not computed again."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyglot.cli.options import DataOnly, MixName, OutDirectory, ProfileName, StoreUrl, StudyFile

if TYPE_CHECKING:
    from polyglot.cli.session import Session
    from polyglot.engine.submission import Order


def command(
    study: StudyFile,
    mix: MixName = None,
    data_only: DataOnly = False,
    profile: ProfileName = "local",
    store: StoreUrl = None,
    out: OutDirectory = Path("out"),
    attach: Annotated[
        bool, typer.Option("--attach", help="On a cluster: follow the study to its report instead of returning.")
    ] = False,
) -> None:
    """Run a study, or a part of it, to its report. Interrupt it at any time: the same command goes on.

    On a cluster it leaves the work to a driver there, says how to follow it, and returns.
    """
    from polyglot.cli.deliver import check_out, deliver_report
    from polyglot.cli.endpoints import check_endpoints
    from polyglot.cli.run_order import run_here
    from polyglot.cli.session import open_session
    from polyglot.engine.budget import within_budget
    from polyglot.store.doctor import require_conditional_writes
    from polyglot.store.submissions import save_order

    check_out(out)
    session = open_session(study, mix=mix, profile=profile, store=store, data_only=data_only)
    if session.profile.cluster is not None:
        from polyglot.cli.cluster import follow, start_driver

        start_driver(session)
        if attach:
            follow(session, out)
        return
    order = order_of(session)
    within_budget(order.stages, session.store, order.usd)
    check_endpoints(order.stages, session.store, None, os.environ)
    require_conditional_writes(session.store)
    submission = keep_submission(session)
    if order.answers:
        save_order(session.store, order.study, submission, order.to_json(), local=True)
    run_here(order, session.store, session.profile)
    for path in deliver_report(session, out):
        print(path)


def order_of(session: "Session") -> "Order":
    """What is to be run of a session, and where."""
    from polyglot.engine.submission import Order

    budget = session.locked.study.budget
    return Order(
        study=session.plan.study,
        title=session.title,
        stages=session.plan.stages,
        cluster=session.profile.cluster,
        max_attempts=session.profile.max_attempts,
        usd=budget.usd if budget else None,
    )


def keep_submission(session: "Session") -> str:
    """Put the study, its lock, its plan and the local files that it names into the store, before anything runs.

    Returns the submission's digest.
    """
    import json

    from polyglot.core.canonical import canonical, digest
    from polyglot.store.blobs import put_file
    from polyglot.store.submissions import save

    for file in session.locked.local_files.values():
        put_file(session.store, file, file.name)
    lock, plan = session.locked.document(), session.plan.document()
    submission = digest([lock, [row["key"] for row in plan]])
    save(
        session.store,
        session.plan.study,
        submission,
        study=session.locked.source,
        lock=canonical(lock),
        plan=json.dumps(plan, ensure_ascii=False).encode(),
    )
    return submission
