"""`polyglot render`: exactly what a stage's attempt would be started with. A dry run."""

from enum import StrEnum
from typing import Annotated

import typer

from polyglot.cli.options import MixName, ProfileName, StoreUrl, StudyFile
from polyglot.cli.session import open_session
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
    """Print the first attempt of every stage: Jobs for a cluster, requests as JSON Lines for this machine."""
    session = open_session(study, mix=mix, profile=profile, store=store)
    by_key = session.plan.by_key
    attempts = [
        Attempt(
            planned=planned,
            number=1,
            store_url=session.store.url,
            input_kinds={role: by_key[key].stage.kind for role, key in planned.stage.inputs.items()},
        )
        for planned in session.unseen_stages
    ]
    for text in session.site.render(attempts, session.plan.study, output.value):
        print(text)
