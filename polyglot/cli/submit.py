"""`polyglot submit`: run a study to its report; what is already computed is not computed again."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from polyglot.attempts.attempts import Attempts
from polyglot.cli.cost import confirm
from polyglot.cli.deliver import check_out, deliver_report, options_of
from polyglot.cli.endpoints import check_endpoints
from polyglot.cli.options import DataOnly, MixName, OutDirectory, ProfileName, StoreUrl, StudyFile
from polyglot.cli.output import say
from polyglot.cli.run_submission import leave_to_driver, run_submission
from polyglot.cli.session import Session, open_session
from polyglot.cli.watch import watch_view
from polyglot.core.canonical import canonical, digest
from polyglot.core.errors import BadInput, Permanent
from polyglot.core.stage import PlannedStage
from polyglot.engine.budget import within_budget
from polyglot.engine.gpu_hours import check_gpu_hours
from polyglot.engine.one_engine import check_engines
from polyglot.engine.submission import Submission
from polyglot.estimates.fits import check_fits
from polyglot.kinds import judge_prompts
from polyglot.kinds.kind import File
from polyglot.plan.plan import checks
from polyglot.schedulers.site import DetachedSite
from polyglot.store.blobs import is_fresh, put_file
from polyglot.store.doctor import require_conditional_writes
from polyglot.store.fetching import fetch
from polyglot.store.manifest import FileRecord
from polyglot.store.store import Store
from polyglot.store.submissions import save_study, save_submission

_PROMPTS_REMEDY = "Correct the address, or download the file and name its path under `prompts`"


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
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Start it whatever it is estimated to cost, without a question.")
    ] = False,
) -> None:
    """Run a study, or a part of it, to its report. Interrupt it at any time: the same command goes on.

    On a cluster it leaves the work to a driver there, says how to follow it, and returns.
    """
    check_out(out)
    session = open_session(study, mix=mix, profile=profile, store=store, data_only=data_only)
    check_fits(session.estimated, session.profile, session.site.capacity)
    submission = submission_of(session)
    within_budget(submission.stages, session.store, submission.usd)
    check_gpu_hours(submission.stages, session.store, submission.gpu_hours)
    check_engines(submission.stages, session.store)
    check_endpoints(submission.stages, session.store, session.site, os.environ)
    for line in session.oddities:
        say(line)
    require_conditional_writes(session.store)
    confirm(session.estimated, session.profile.prices, session.profile.ask_above, yes=yes)
    look_anew(session.store, checks(session.plan), "submitted again")
    if start(session, attach=attach):
        options = options_of(mix=mix, profile=profile, store=store, data_only=data_only)
        for file in deliver_report(session, out, file=str(study), options=options):
            print(file)


def start(session: Session, *, attach: bool, with_remarks: bool = True) -> bool:
    """Leave what a session is to run in the store, and run it; False when that is left to others.

    Raises PolyglotError when a stage failed.
    """
    submission, folder = submission_of(session), keep_study(session)
    detached = isinstance(session.site, DetachedSite)
    path = save_submission(
        session.store,
        submission.study,
        folder,
        submission.to_json(),
        local=not detached,
        answers=submission.answers,
    )
    if isinstance(session.site, DetachedSite):
        leave_to_driver(submission, path, session.store, session.site)
        if attach:
            watch_view(session)
        return attach
    expected = session.expected_seconds
    run_submission(submission, session.store, session.site, expected=expected, with_remarks=with_remarks)
    return True


def look_anew(store: Store, stages: Iterable[PlannedStage], reason: str) -> None:
    """Let those that failed for good run again: who asks has mended something, and they cost next to nothing."""
    for planned in stages:
        attempts = Attempts(store, planned.stage)
        if attempts.blocked():
            attempts.allow_retry(reason)


def submission_of(session: Session) -> Submission:
    """What is to be run of a session, and where."""
    budget = session.locked.study.budget
    return Submission(
        study=session.plan.study,
        title=session.title,
        stages=session.stages,
        backend=session.profile.backend,
        cluster=session.profile.cluster,
        max_attempts=session.profile.max_attempts,
        usd=budget.usd if budget else None,
        gpu_hours=budget.gpu_hours if budget else None,
    )


def keep_study(session: Session) -> str:
    """Put the study, its lock, its plan and the local files that it names into the store, before anything runs.

    Returns the digest that names their folder.
    """
    for file in session.locked.local_files.values():
        put_file(session.store, file, file.name)
    for language, mode, prompts in session.locked.all_prompts:
        if prompts.uri is not None:
            _keep_prompts(session.store, prompts, language, mode)
    lock, plan = session.locked.document(), session.plan.document()
    folder = digest([lock, [row["key"] for row in plan]])
    save_study(
        session.store,
        session.plan.study,
        folder,
        study=session.locked.source,
        lock=canonical(lock),
        plan=json.dumps(plan, ensure_ascii=False).encode(),
    )
    return folder


def _keep_prompts(store: Store, file: File, language: str, mode: judge_prompts.Mode) -> None:
    """Put judge prompts from an address into the store, once they are fetched and read as the judge will read them."""
    if is_fresh(store, FileRecord(path=file.name, sha256=file.sha256, bytes=file.bytes)):
        return
    with TemporaryDirectory(prefix="polyglot-") as folder:
        try:
            path = fetch(file, Path(folder) / file.sha256)
            judge_prompts.load(path, language, mode)
        except (Permanent, OSError) as error:
            raise BadInput(f"judge prompts of {language} cannot be used: {error}", remedy=_PROMPTS_REMEDY) from error
        put_file(store, path, file.name)
