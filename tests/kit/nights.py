"""Nights of a study that was submitted and never run: recorded, and committed by hand."""

from dataclasses import replace
from pathlib import Path

from polyglot.attempts.attempts import Attempts, Failure
from polyglot.cli.session import Session
from polyglot.cli.submit import keep_study, submission_of
from polyglot.core.stage import PlannedStage
from polyglot.engine.submission import submission_at, submission_of_night
from polyglot.plan.plan import Plan
from polyglot.store.nights import Night, record_night
from polyglot.store.submissions import newest_submission, save_submission
from polyglot.study.cluster import Cluster
from tests.kit.desk import Desk


def ordered(desk: Desk, study: Path, cluster: Cluster | None = None) -> Session:
    """Leave a study and its order in the store as `submit` on this machine or to a cluster does, and run nothing."""
    session = desk.session(study)
    backend = "local" if cluster is None else "kubernetes"
    submission = replace(submission_of(session), backend=backend, cluster=cluster)
    save_submission(desk.store, submission.study, keep_study(session), submission.to_json(), local=cluster is None)
    return session


def begun(desk: Desk, session: Session, name: str, *, local: bool = True) -> Night:
    """Record that a night begins."""
    path = newest_submission(desk.store, session.plan.study, local=local)
    report = submission_at(desk.store, path).again(name).stages[-1].key
    return record_night(desk.store, session.plan.study, name, submission=path, report=report)


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
