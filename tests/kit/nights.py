"""Nights of a study that was submitted and never run: recorded, and committed by hand."""

from dataclasses import replace
from pathlib import Path

from polyglot.attempts.attempts import Attempts, Failure
from polyglot.cli.session import Session
from polyglot.cli.submit import keep_study, submission_of
from polyglot.core.stage import PlannedStage
from polyglot.engine.drift_reference import two_levels
from polyglot.engine.submission import Submission, submission_at, submission_of_night
from polyglot.kinds.aggregate import AggregateParams
from polyglot.kinds.drift import Then, Watch
from polyglot.plan.plan import Plan
from polyglot.store.nights import Night, record_night
from polyglot.store.submissions import newest_submission, save_submission
from polyglot.study.cluster import Cluster
from tests.kit.desk import Desk
from tests.kit.stages import commit, write


def ordered(desk: Desk, study: Path, cluster: Cluster | None = None) -> Session:
    """Leave a study and its order in the store as `submit` on this machine or to a cluster does, and run nothing."""
    session = desk.session(study)
    backend = "local" if cluster is None else "kubernetes"
    submission = replace(submission_of(session), backend=backend, cluster=cluster)
    save_submission(desk.store, submission.study, keep_study(session), submission.to_json(), local=cluster is None)
    return session


def begun(desk: Desk, session: Session, name: str, *, local: bool = True, watched: bool = False) -> Night:
    """Record that a night begins; `watched`: held against answers and verdicts that nobody will look at."""
    path = newest_submission(desk.store, session.plan.study, local=local)
    submission = submission_at(desk.store, path)
    watch = watch_on(submission) if watched else None
    report = submission.again(name, watch).stages[-1].key
    return record_night(desk.store, session.plan.study, name, submission=path, report=report, watch=watch)


def watch_on(submission: Submission, **changes: object) -> Watch:
    """What a first night is held against, with digests of nothing."""
    then = Then(
        answers={"EN": "a" * 64}, verdicts={"EN": "b" * 64}, answer_card="c" * 64, judge_card="d" * 64, model="e"
    )
    aggregate = next(planned for planned in submission.stages if planned.stage.kind == "aggregate")
    cells = tuple(cell.cell for cell in two_levels(AggregateParams.of(aggregate.stage).cells))
    given = {"anchors": cells, "cells": cells, "frozen": dict.fromkeys(cells, then), **changes}
    return Watch(**given)  # type: ignore[arg-type]


def found(desk: Desk, night: Night, verdict: str, says: str, *, state: bytes = b"{}") -> PlannedStage:
    """Commit a night's drift, and nothing that it needs."""
    stages = submission_of_night(desk.store, night).stages
    planned = next(planned for planned in stages if planned.stage.kind == "drift")
    out = write(desk.root / "out" / planned.name, {"drift.json": b"{}", "state.json": state})
    read = dict.fromkeys(planned.stage.inputs, "f" * 64)
    commit(desk.store, planned.stage, out, inputs=read, metrics={"verdict": verdict, "says": says})
    return planned


def evaluated(desk: Desk, session: Session, name: str) -> Night:
    """Record a night and commit its report, with all that it needs."""
    night = begun(desk, session, name)
    stages = submission_of_night(desk.store, night).stages
    desk.commit(replace(session, plan=Plan(session.plan.study, stages)), stages[-1].label)
    return night


def answers_of(desk: Desk, night: Night) -> PlannedStage:
    """The first stage of answers of a night."""
    stages = submission_of_night(desk.store, night).stages
    return next(planned for planned in stages if planned.stage.kind == "answer")


def fail(desk: Desk, planned: PlannedStage, reason: str) -> None:
    """Let a stage fail for good."""
    attempts = Attempts(desk.store, planned.stage)
    attempts.record_start(1, {"host": "test"})
    attempts.fail(1, Failure(outcome="permanent", reason=reason))
