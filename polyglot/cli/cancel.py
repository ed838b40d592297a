"""`polyglot cancel`: stop a study that runs on a cluster."""

from polyglot.cli.options import MixName, ProfileName, StoreUrl, StudyFile


def command(study: StudyFile, mix: MixName = None, profile: ProfileName = "local", store: StoreUrl = None) -> None:
    """Stop a study: its driver first, so that nothing starts anew, then its Jobs, each with its grace to save.

    Returns when all of them are gone. What is committed or checkpointed is kept; `submit` goes on from there.
    """
    from polyglot.cli.session import open_session, say
    from polyglot.core.errors import BadInput
    from polyglot.core.slug import slug
    from polyglot.run.kubernetes.api import Api
    from polyglot.run.kubernetes.stop import stop_study

    session = open_session(study, mix=mix, profile=profile, store=store)
    cluster = session.profile.cluster
    if cluster is None:
        remedy = "Interrupt their submit: Ctrl-C"
        raise BadInput("nothing to cancel", where=f"profile {profile}", got="local processes", remedy=remedy)
    api = Api.connect(cluster.namespace, context=cluster.context)
    keys = {planned.key for planned in session.plan}
    for name in stop_study(api, slug(session.plan.study), keys=keys):
        say(f"stopped {name}")
