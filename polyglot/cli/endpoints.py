"""Looks at every endpoint that a study will ask, before anything is started: what is wrong would show hours later."""

from collections.abc import Mapping, Sequence

from polyglot.core.endpoint import ENDPOINTS
from polyglot.core.errors import BadInput
from polyglot.core.stage import PlannedStage
from polyglot.kinds.registry import traits_of
from polyglot.plan.plan import checks
from polyglot.schedulers.site import Site
from polyglot.store.committed import committed_many
from polyglot.store.store import Store


def check_endpoints(stages: Sequence[PlannedStage], store: Store, site: Site, environ: Mapping[str, str]) -> None:
    """Raise BadInput when an endpoint that is still to be asked has no address or key that can work.

    Stages that judge, write references, rate translations or translate by a chat model or DeepL are looked at. Nothing
    is asked of an endpoint. `environ` is this process's.
    """
    probes = checks(stages)  # they ask as what comes after them does
    asking = [planned for planned in stages if traits_of(planned.stage).asks and planned not in probes]
    done = committed_many(store, [planned.stage for planned in asking])
    looked_at: set[tuple[str | None, ...]] = set()
    for planned in asking:
        kind, asks = planned.stage.kind, traits_of(planned.stage).asks
        names = (ENDPOINTS[asks].url_setting, ENDPOINTS[asks].key_setting)
        url, key_file = (None if (value := planned.settings.get(name)) is None else str(value) for name in names)
        if planned.key in done or (kind, asks, url, key_file) in looked_at:
            continue
        looked_at.add((kind, asks, url, key_file))
        try:
            site.check_endpoint(planned.stage, url, key_file, environ)
        except BadInput as error:
            where = f"{planned.label}: {error.where}" if error.where else planned.label
            raise BadInput(
                error.what, where=where, got=error.got, expected=error.expected, remedy=error.remedy
            ) from None
