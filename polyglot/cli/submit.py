"""`polyglot submit`: run a study to its report; what is already computed is not computed again."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyglot.cli.options import MixName, OutDirectory, ProfileName, StoreUrl, StudyFile

if TYPE_CHECKING:
    from polyglot.cli.session import Session


def command(
    study: StudyFile,
    mix: MixName = None,
    profile: ProfileName = "local",
    store: StoreUrl = None,
    out: OutDirectory = Path("out"),
    attach: Annotated[
        bool, typer.Option("--attach", help="On a cluster: follow the study to its report instead of returning.")
    ] = False,
) -> None:
    """Run a study, or one mix of it, to its report. Interrupt it at any time: the same command goes on.

    On a cluster it leaves the work to a driver there, says how to follow it, and returns.
    """
    from polyglot.artifacts.doctor import require_conditional_writes
    from polyglot.cli.deliver import check_out, deliver_report
    from polyglot.cli.endpoints import check_endpoints
    from polyglot.cli.live import live_listener
    from polyglot.cli.session import open_session, say
    from polyglot.run.engine import run
    from polyglot.run.local.backend import LocalBackend
    from polyglot.run.spending import within_budget

    check_out(out)
    session = open_session(study, mix=mix, profile=profile, store=store)
    if session.profile.cluster is not None:
        from polyglot.cli.cluster import follow, start_driver

        start_driver(session)
        if attach:
            follow(session, out)
        return
    budget = session.locked.study.budget
    stages = within_budget(session.plan.stages, session.store, budget.usd if budget else None)
    check_endpoints(session, os.environ)
    require_conditional_writes(session.store)
    keep_submission(session)
    say(f"{session.title}: {len(stages)} stages, store {session.store.url}")
    backend = LocalBackend.for_profile(session.profile)
    for note in backend.budget.notes(stages):
        say(note)
    with backend, live_listener(session.plan.stages) as listener:
        summary = run(stages, session.store, backend, listener=listener, max_attempts=session.profile.max_attempts)
    summary.raise_if_failed()
    say(summary.describe())
    for path in deliver_report(session, out):
        print(path)


def keep_submission(session: "Session") -> str:
    """Put the study, its lock, its plan and the local files that it names into the store, before anything runs.

    Returns the submission's digest.
    """
    import json

    from polyglot.artifacts.blobs import put_file
    from polyglot.artifacts.submissions import save
    from polyglot.core.canonical import canonical, digest

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
