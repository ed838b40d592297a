"""Looks at every endpoint that a study will ask, before anything is started: what is wrong would show hours later."""

import difflib
from collections.abc import Iterator, Mapping, Sequence

from polyglot.core.endpoint import ENDPOINTS
from polyglot.core.errors import BadInput
from polyglot.core.stage import PlannedStage
from polyglot.kinds.registry import traits_of
from polyglot.plan.plan import checks
from polyglot.schedulers.site import Site
from polyglot.store.committed import committed_many
from polyglot.store.store import Store
from polyglot.study.baselines import Baseline
from polyglot.study.judge import PanelJudge
from polyglot.study.profile import Profile
from polyglot.study.study import Study


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


def strange_endpoints(study: Study, profile: Profile) -> Iterator[str]:
    """Yield a line for each name under the profile's `endpoints` that may be meant for somebody of a study.

    A profile may serve many studies, so a name that one of them does not have is no fault; but where somebody of it who
    is asked has no entry, and so is asked where all are, it may be misspelt.
    """
    asked: dict[str, PanelJudge | Baseline] = {**study.judge.members, **study.baselines}
    names = [name for name, one in asked.items() if one.endpoint not in (None, "built-in")]
    without = [name for name in names if name not in profile.endpoints]
    for name in profile.endpoints:
        if name not in names and without:
            near = difflib.get_close_matches(name, without, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            yield (
                f"endpoints.{name} of the profile is for nobody of this study, and {', '.join(without)} "
                f"{'has' if len(without) == 1 else 'have'} no entry there: asked where all are.{hint}"
            )
