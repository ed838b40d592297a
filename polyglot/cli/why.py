"""`polyglot why`: the reason for a stage's state."""

from polyglot.cli.options import ProfileName, StageName, StoreUrl


def command(stage: StageName, profile: ProfileName = "local", store: StoreUrl = None) -> None:
    """Say why a stage is where it is: committed, running, failed or waiting, with every attempt that it took."""
    from polyglot.cli.session import open_submitted
    from polyglot.run.why import explain

    opened, plan = open_submitted(profile, store)
    for line in explain(plan.find(stage), opened, plan.by_key):
        print(line)
