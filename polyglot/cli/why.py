"""`polyglot why`: the reason for a stage's state."""

from polyglot.cli.looking import newest_stage, open_stages
from polyglot.cli.options import MixName, OfStudy, ProfileName, StageName, StoreUrl
from polyglot.engine.why import explain
from polyglot.schedulers.site import site_of
from polyglot.study.profile import load_profile


def command(
    stage: StageName,
    study: OfStudy = None,
    mix: MixName = None,
    profile: ProfileName = "local",
    store: StoreUrl = None,
) -> None:
    """Say why a stage is where it is: committed, running, failed or waiting, with every attempt that it took."""
    opened, plan = open_stages(study, stage, mix=mix, profile=profile, store=store)
    alive = site_of(load_profile(profile)).alive(opened.url)
    for line in explain(newest_stage(opened, plan, stage), opened, plan.by_key, alive=alive):
        print(line)
