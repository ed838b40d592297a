"""`polyglot cancel`: stop a study that runs on a cluster."""

from polyglot.cli.options import DataOnly, MixName, ProfileName, StoreUrl, StudyFile


def command(
    study: StudyFile,
    mix: MixName = None,
    data_only: DataOnly = False,
    profile: ProfileName = "local",
    store: StoreUrl = None,
) -> None:
    """Stop a study: its driver first, so that nothing starts anew, then its Jobs, each with its grace to save.

    Returns when all of them are gone. What is committed or checkpointed is kept; `submit` goes on from there. A mix
    stops what was submitted as that mix alone, --data-only what was submitted so. Nightly evaluations go on.
    """
    from polyglot.cli.session import open_session, say
    from polyglot.core.errors import BadInput
    from polyglot.schedulers.kubernetes.api import Api
    from polyglot.schedulers.kubernetes.stop import stop_study
    from polyglot.store.submissions import plans

    session = open_session(study, mix=mix, profile=profile, store=store, data_only=data_only)
    cluster = session.profile.cluster
    if cluster is None:
        remedy = "Interrupt their submit: Ctrl-C"
        raise BadInput("nothing to cancel", where=f"profile {profile}", got="local processes", remedy=remedy)
    api = Api.connect(cluster.namespace, context=cluster.context)
    name = session.plan.study
    keys = {planned.key for planned in session.plan}
    part = mix is not None or data_only
    if not part:  # the file may have been edited since
        keys |= {row["key"] for row in plans(session.store, name)}
    num_stopped = 0
    for job in stop_study(api, name, keys=keys, title=session.title if part else None):
        say(f"stopped {job}")
        num_stopped += 1
    if not num_stopped:
        say(f"{session.title}: nothing runs in namespace {cluster.namespace}")
