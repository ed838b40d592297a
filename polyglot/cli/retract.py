"""`polyglot retract`: withdraw a committed result, the one way in which a manifest goes away."""

from getpass import getuser
from typing import Annotated

import typer

from polyglot.attempts.retract import retract
from polyglot.attempts.takers import takers
from polyglot.cli.looking import open_stages
from polyglot.cli.options import MixName, OfStudy, ProfileName, StageName, StoreUrl
from polyglot.cli.output import say
from polyglot.kinds.registry import traits_of


def command(
    stage: StageName,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept with the record.")],
    study: OfStudy = None,
    mix: MixName = None,
    profile: ProfileName = "local",
    store: StoreUrl = None,
) -> None:
    """Withdraw a stage's committed result; it and everything that read it run again at the next submit.

    Other results that took replies of it are named; they stand.
    """
    opened, plan = open_stages(study, stage, mix=mix, profile=profile, store=store)
    found = plan.find(stage)
    retract(opened, found.stage.kind, found.key, reason, who=getuser())
    say(f"retracted {found.label} ({found.name}): {reason}")
    if not traits_of(found.stage).asks:
        return
    for manifest, calls in takers(opened, found.stage.kind, found.key):
        taker = manifest.stage
        shown = plan.by_key[taker.key].label if taker.key in plan.by_key else taker.kind
        name = f"{taker.kind}-{taker.key[:12]}"
        say(f"{shown} ({name}) has {calls} of its replies, and stands: retract it too if they are bad")
