"""Looks at the judge's endpoint before anything is started: what is wrong with it would show after the training."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from polyglot.artifacts.store import Store
    from polyglot.cli.session import Session
    from polyglot.core.stage import PlannedStage, Stage


def check_judge(session: "Session", environ: Mapping[str, str]) -> None:
    """Raise BadInput when an endpoint that is still to be asked has no address or key that can work.

    Workers of this machine have this environment. Those of another backend get their keys there, so only the address is
    looked at. Nothing is asked of the endpoint.
    """
    check_endpoints(session.plan.stages, session.store, environ, here=session.profile.backend == "local")


def check_endpoints(
    stages: "Sequence[PlannedStage]", store: "Store", environ: Mapping[str, str], *, here: bool
) -> None:
    """The same of any stages, whose workers are `here` or on another backend."""
    from polyglot.artifacts.committed import committed_many
    from polyglot.core.endpoint import find_endpoint, find_url

    asked = [planned for planned in stages if _asks(planned.stage)]
    done = committed_many(store, [planned.stage for planned in asked])
    for planned in asked:
        if planned.key in done:
            continue
        url, key_file = (planned.settings.get(name) for name in ("base_url", "key_file"))
        if here:
            find_endpoint(str(url) if url else None, str(key_file) if key_file else None, environ)
        else:
            find_url(str(url) if url else None, environ)


def _asks(stage: "Stage") -> bool:
    """True for a stage that asks an OpenAI-compatible endpoint, whose settings are named as the judge's are."""
    if stage.kind == "quality":
        return stage.engine == "openai"
    return stage.kind in ("judge", "reference") and stage.params["endpoint"] == "openai"
