"""`polyglot drive`: run a submission to its end, as the driver Job of a cluster does; any number of times."""

from dataclasses import replace
from typing import Annotated

import typer

from polyglot.cli.options import ProfileName, StoreUrl
from polyglot.cli.run_submission import run_submission
from polyglot.core.errors import BadInput
from polyglot.engine.submission import submission_at
from polyglot.schedulers.site import DetachedSite, site_of
from polyglot.store.locate import open_store
from polyglot.study.profile import load_profile


def command(
    submission: Annotated[
        str, typer.Argument(metavar="SUBMISSION", help="The submission's path in the store, as its driver has it.")
    ],
    store: StoreUrl = None,
    profile: ProfileName = "local",
) -> None:
    """Run what `submit` left in the store: the loop that creates, watches and repeats the Jobs of its stages.

    Its end is the study's: 0 fine, 1 stages failed, 3 over budget. What passes (a store or an API server that is away
    for long, a SIGTERM) ends in 130, and the next driver goes on.
    """
    chosen = load_profile(profile)
    opened = open_store(store or chosen.store)
    found = submission_at(opened, submission)
    site = site_of(replace(chosen, backend=found.backend, cluster=found.cluster))
    if not isinstance(site, DetachedSite):
        remedy = "`polyglot submit` runs it on its machine"
        raise BadInput("a submission without a driver", where=found.title, remedy=remedy)
    run_submission(found, opened, site)
