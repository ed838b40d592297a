"""`polyglot retry`: let a stage that failed for good be tried again."""

from typing import Annotated

import typer

from polyglot.attempts.attempts import Attempts, Failure
from polyglot.cli.looking import newest_stage, open_stages
from polyglot.cli.options import STAGE_HELP, DataOnly, MixName, OfStudy, ProfileName, Reason, StoreUrl
from polyglot.cli.output import say
from polyglot.core.errors import BadInput
from polyglot.core.stage import PlannedStage


def command(
    stage: Annotated[str | None, typer.Argument(metavar="[STAGE]", help=STAGE_HELP)] = None,
    every: Annotated[
        str | None,
        typer.Option("--all", metavar="STUDY", help="Every stage of a study, by file or name, that failed for good."),
    ] = None,
    reason: Reason = "asked for by hand",
    study: OfStudy = None,
    mix: MixName = None,
    data_only: DataOnly = False,
    profile: ProfileName = "local",
    store: StoreUrl = None,
) -> None:
    """Let a permanently failed stage, or all of a study, run again at the next submit; the records of failure stay."""
    if (stage is None) == (every is None):
        raise BadInput("what to retry?", got="neither" if every is None else "both", expected="STAGE or --all STUDY")
    opened, plan = open_stages(every or study, stage, mix=mix, data_only=data_only, profile=profile, store=store)

    def failed(planned: PlannedStage) -> Failure | None:
        return Attempts(opened, planned.stage).blocked()

    chosen = plan.stages if stage is None else (newest_stage(opened, plan, stage, rather=failed),)
    failures = [(planned, failure) for planned in chosen if (failure := failed(planned))]
    if not failures:
        raise BadInput(
            "nothing to retry",
            where=plan.study if stage is None else chosen[0].label,
            got="no stage that has failed for good",
            remedy="`polyglot status` and `polyglot why` say where they stand",
        )
    for planned, failure in failures:
        number = Attempts(opened, planned.stage).allow_retry(reason)
        say(f"{planned.label}: attempt {number} is allowed; it failed before because: {failure.reason}")
