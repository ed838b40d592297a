"""`polyglot render`: exactly what a stage's attempt would be started with. A dry run."""

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from polyglot.cli.options import MixName, ProfileName, StoreUrl, StudyFile

if TYPE_CHECKING:
    from polyglot.cli.session import Session
    from polyglot.schedulers.base import Attempt


class Form(StrEnum):
    """Forms that manifests are printed in."""

    YAML = "yaml"
    JSON = "json"


Output = Annotated[Form, typer.Option("--output", "-o", help="Of Jobs: YAML documents, or JSON Lines.")]


def command(
    study: StudyFile,
    mix: MixName = None,
    profile: ProfileName = "local",
    store: StoreUrl = None,
    output: Output = Form.YAML,
) -> None:
    """Print the first attempt of every stage: Jobs for a cluster, orders as JSON Lines for this machine."""
    from polyglot.cli.session import open_session
    from polyglot.schedulers.base import Attempt
    from polyglot.schedulers.worker_request import order_of

    session = open_session(study, mix=mix, profile=profile, store=store)
    by_key = session.plan.by_key
    attempts = [
        Attempt(
            planned=planned,
            number=1,
            store_url=session.store.url,
            input_kinds={role: by_key[key].stage.kind for role, key in planned.stage.inputs.items()},
        )
        for planned in session.plan
    ]
    if session.profile.cluster is not None:
        _print_jobs(session, attempts, output)
        return
    for attempt in attempts:
        print(json.dumps(order_of(attempt, study=session.plan.study).document(), ensure_ascii=False))


def _print_jobs(session: "Session", attempts: "list[Attempt]", output: Form) -> None:
    """An order that is too long for its Job is shown with the path where the scheduler would put it."""
    from polyglot.schedulers.kubernetes.render.manifests import print_manifests, render_jobs
    from polyglot.schedulers.kubernetes.render.request import paths_of_large

    assert session.profile.cluster is not None  # noqa: S101 - the caller's reason to call
    jobs = render_jobs(
        attempts,
        study=session.plan.study,
        cluster=session.profile.cluster,
        request_paths=paths_of_large(attempts),
    )
    print(print_manifests(jobs) if output is Form.YAML else "\n".join(json.dumps(job) for job in jobs))
