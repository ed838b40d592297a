"""`polyglot retry`: let a stage that failed for good be tried again."""

from polyglot.cli.options import MixName, OfStudy, ProfileName, Reason, StageName, StoreUrl


def command(
    stage: StageName,
    reason: Reason = "asked for by hand",
    study: OfStudy = None,
    mix: MixName = None,
    profile: ProfileName = "local",
    store: StoreUrl = None,
) -> None:
    """Let a permanently failed stage run again at the next submit; its record of failure stays."""
    from polyglot.artifacts.attempts import Attempts
    from polyglot.cli.session import open_stages, say
    from polyglot.core.errors import BadInput

    opened, plan = open_stages(study, mix=mix, profile=profile, store=store)
    found = plan.find(stage)
    attempts = Attempts(opened, found.stage)
    failure = attempts.blocked()
    if failure is None:
        raise BadInput(
            "nothing to retry",
            where=found.label,
            got="a stage that has not failed for good",
            remedy="`polyglot why` says where it stands",
        )
    number = attempts.allow_retry(reason)
    say(f"{found.label}: attempt {number} is allowed; it failed before because: {failure.reason}")
