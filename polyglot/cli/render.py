"""`polyglot render`: exactly what a stage's attempt would be started with. A dry run."""

import json

from polyglot.cli.options import MixName, ProfileName, StoreUrl, StudyFile


def command(study: StudyFile, mix: MixName = None, profile: ProfileName = "local", store: StoreUrl = None) -> None:
    """Print the chart values of the first attempt of every stage, as JSON Lines."""
    from polyglot.cli.session import open_session
    from polyglot.render.values import stage_values
    from polyglot.run.backend import Attempt

    session = open_session(study, mix=mix, profile=profile, store=store)
    for planned in session.plan:
        attempt = Attempt(planned=planned, number=1, store_url=session.store.url)
        print(json.dumps(stage_values(attempt, study=session.plan.study).document(), ensure_ascii=False))
