"""`polyglot cancel`: stop a study that runs on a cluster."""

from polyglot.cli.looking import open_view
from polyglot.cli.options import DataOnly, MixName, ProfileName, StoreUrl, StudyGiven
from polyglot.cli.output import say
from polyglot.core.errors import BadInput
from polyglot.schedulers.site import DetachedSite
from polyglot.store.submissions import plans


def command(
    study: StudyGiven,
    mix: MixName = None,
    data_only: DataOnly = False,
    profile: ProfileName = "local",
    store: StoreUrl = None,
) -> None:
    """Stop a study: its driver first, so that nothing starts anew, then its Jobs, each with its grace to save.

    Returns when all of them are gone. What is committed or checkpointed is kept; `submit` goes on from there. A mix
    stops what was submitted as that mix alone, --data-only what was submitted so. Nightly evaluations go on.
    """
    view = open_view(study, mix=mix, profile=profile, store=store, data_only=data_only)
    site, name = view.site, view.plan.study
    if not isinstance(site, DetachedSite):
        remedy = "Interrupt their submit: Ctrl-C"
        raise BadInput("nothing to cancel", where=f"profile {profile}", got="local processes", remedy=remedy)
    keys = {planned.key for planned in view.plan}
    part = mix is not None or data_only
    if not part:  # the file may have been edited since
        keys |= {row["key"] for row in plans(view.store, name)}
    num_stopped = 0
    for stopped in site.cancel(name, keys, view.title if part else None):
        say(f"stopped {stopped}")
        num_stopped += 1
    if not num_stopped:
        say(f"{view.title}: nothing runs in {site.where}")
