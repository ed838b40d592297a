"""Looks at every endpoint that a study will ask, before anything is started: what is wrong would show hours later."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from polyglot.core.stage import PlannedStage
    from polyglot.store.store import Store
    from polyglot.study.cluster import Cluster


def check_endpoints(
    stages: "Sequence[PlannedStage]", store: "Store", cluster: "Cluster | None", environ: Mapping[str, str]
) -> None:
    """Raise BadInput when an endpoint that is still to be asked has no address or key that can work.

    Stages that judge, write references, rate translations or translate by a chat model or DeepL are looked at.
    Workers of this machine have `environ`; those of a cluster have the profile's plain variables, and keys from its
    Secrets, of which only the names can be looked at. Nothing is asked of an endpoint.
    """
    from polyglot.core.errors import BadInput
    from polyglot.kinds.registry import traits_of
    from polyglot.store.committed import committed_many

    asking = [planned for planned in stages if traits_of(planned.stage).asks]
    done = committed_many(store, [planned.stage for planned in asking])
    looked_at: set[tuple[str, str]] = set()
    for planned in asking:
        kind, asks = planned.stage.kind, traits_of(planned.stage).asks
        if planned.key in done or (kind, asks) in looked_at:
            continue
        looked_at.add((kind, asks))
        try:
            _check(planned, cluster, environ)
        except BadInput as error:
            where = f"{planned.label}: {error.where}" if error.where else planned.label
            raise BadInput(
                error.what, where=where, got=error.got, expected=error.expected, remedy=error.remedy
            ) from None


def _check(planned: "PlannedStage", cluster: "Cluster | None", environ: Mapping[str, str]) -> None:
    """Look at the endpoint of one stage; all stages of its kind that ask the same have the same one."""
    from polyglot.core.endpoint import find_deepl, find_endpoint, find_url, needs_key
    from polyglot.core.errors import BadInput
    from polyglot.kinds.registry import traits_of

    stage = planned.stage
    asks = traits_of(stage).asks
    deepl = asks == "deepl"
    names = ("deepl_url", "deepl_key_file") if deepl else ("base_url", "key_file")
    url, key_file = (str(value) if (value := planned.settings.get(name)) else None for name in names)
    if cluster is None:
        (find_deepl if deepl else find_endpoint)(url, key_file, environ)
        return
    url = find_url(url, cluster.environment, asks=asks)
    secret = cluster.deepl_secret_of(stage) if deepl else cluster.judge_secret_of(stage)
    if secret is None and key_file is None and needs_key(url, asks):
        section = "deepl-secret" if deepl else "judge-secret"
        remedy = f"Name a Secret that has it under kubernetes.{section} of the profile"
        raise BadInput(f"no key for {'DeepL' if deepl else 'api.openai.com'}", remedy=remedy)
