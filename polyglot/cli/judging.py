"""Looks at the judge's endpoint before anything is started: what is wrong with it would show after the training."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from polyglot.cli.session import Session
    from polyglot.core.stage import Stage


def check_judge(session: "Session", environ: Mapping[str, str]) -> None:
    """Raise BadInput when an endpoint that is still to be asked has no address or key that can work.

    Workers of this machine have this environment. Those of another backend get their keys there, so only the address is
    looked at. Nothing is asked of the endpoint.
    """
    rated = [p.stage for p in session.plan if p.stage.kind == "quality" and p.stage.engine == "openai"]
    asked = [p.stage for p in session.plan if p.stage.kind == "judge" and p.stage.params["endpoint"] == "openai"]
    written = [p.stage for p in session.plan if p.stage.kind == "reference" and p.stage.params["endpoint"] == "openai"]
    for kind, stages in (("judge", asked), ("quality", rated), ("reference", written)):
        _check(session, environ, kind, stages)


def _check(session: "Session", environ: Mapping[str, str], kind: str, asked: "list[Stage]") -> None:
    """One kind's settings, when some of its stages are still to be asked."""
    from polyglot.artifacts.committed import committed_many
    from polyglot.core.endpoint import find_endpoint, find_url

    if len(committed_many(session.store, asked)) == len(asked):
        return
    settings = session.profile.settings[kind]
    if session.profile.backend == "local":
        find_endpoint(settings.get("base_url"), settings.get("key_file"), environ)
    else:
        find_url(settings.get("base_url"), environ)
