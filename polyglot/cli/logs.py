"""`polyglot logs`: the output of a study's stages, merged; running or long finished."""

import sys
from typing import Annotated

import typer

from polyglot.cli.looking import open_view
from polyglot.cli.options import DataOnly, MixName, ProfileName, StoreUrl, StudyGiven
from polyglot.engine.logs import merged_logs


def command(
    study: StudyGiven,
    stage: Annotated[str | None, typer.Argument(metavar="[STAGE]", help="Only this stage, or one of a night.")] = None,
    mix: MixName = None,
    data_only: DataOnly = False,
    profile: ProfileName = "local",
    store: StoreUrl = None,
    rank: Annotated[
        int | None, typer.Option("--rank", min=0, help="Only this rank, a pod, of stages that several work on.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until every stage has ended.")] = False,
) -> None:
    """Print the logs of a study's stages, each line with its stage before it; from the archive once they have ended.

    Of a stage that several pods work on, each line has its rank too, and so has what the other processes of a pod say.
    """
    view = open_view(study, mix=mix, profile=profile, store=store, data_only=data_only)
    stages = view.plan.stages if stage is None else (view.find_stage(stage),)
    for line in merged_logs(stages, view.store, rank=rank, follow=follow):
        sys.stdout.write(line if line.endswith("\n") else line + "\n")
        sys.stdout.flush()
