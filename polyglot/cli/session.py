"""What a verb that may start something works with: the locked study, planned as its files are now, and its view."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from polyglot.cli.endpoints import strange_endpoints
from polyglot.cli.view import View
from polyglot.core.mix import Mix
from polyglot.core.stage import PlannedStage
from polyglot.estimates.estimate import Estimated, estimate
from polyglot.estimates.fits import few_cpus, sized
from polyglot.estimates.room import rooms
from polyglot.estimates.sources import Outside
from polyglot.plan.build import build_plan
from polyglot.store.locate import open_store
from polyglot.store.store import Store
from polyglot.study.load import load_study
from polyglot.study.lock import Locked, lock_study
from polyglot.study.profile import load_profile


@dataclass(frozen=True, kw_only=True)
class Session(View):
    """One study by its file, whose folder is `folder`."""

    locked: Locked
    folder: Path

    @cached_property
    def estimated(self) -> tuple[Estimated, ...]:
        """What every stage will need, and what those that are done have used."""
        return self._estimated(self.store)

    @property
    def expected_seconds(self) -> Mapping[str, float]:
        """What every stage is estimated to take, by key, where anything is known of it."""
        return {row.planned.key: row.forecast.seconds for row in self.estimated if row.forecast.seconds is not None}

    @property
    def stages(self) -> tuple[PlannedStage, ...]:
        """The plan's stages with their memory by estimate, where the profile names none."""
        return sized(self.estimated, self.profile, self.site.capacity)

    @property
    def unseen_stages(self) -> tuple[PlannedStage, ...]:
        """The same without a look at the store: by what is known before anything is done."""
        return sized(self._estimated(None), self.profile, self.site.capacity)

    @property
    def oddities(self) -> tuple[str, ...]:
        """What is odd about study and profile, and no error, in lines."""
        return (*strange_endpoints(self.locked.study, self.profile), *few_cpus(self.plan.stages))

    def _estimated(self, store: Store | None) -> tuple[Estimated, ...]:
        workers = self.profile.cluster.environment if self.profile.cluster else None
        outside = Outside(self.locked, self.folder, workers)
        room_of = rooms(self.profile, self.site.capacity)
        return estimate(self.plan.stages, store, outside, self.profile.device_of, room_of)


def open_session(study: Path, *, mix: str | None, profile: str, store: str | None, data_only: bool = False) -> Session:
    """Load, lock and plan a study, and open its store. Raises BadInput for whatever does not fit; starts nothing."""
    chosen = load_profile(profile)
    locked = lock_study(load_study(study))
    plan = build_plan(locked, chosen, mix=mix, data_only=data_only)
    title = title_of(plan.study, mix)
    if data_only and locked.study.models:
        title += DATA
    opened = open_store(chosen.store if store is None else store)
    return Session(locked=locked, folder=study.parent, profile=chosen, plan=plan, store=opened, title=title)


DATA = "-data"  # behind the title of a study of models that was submitted with its data alone


def title_of(study: str, mix: str | None) -> str:
    """A study's name, with the mix that it is narrowed to. Raises BadInput."""
    return study if mix is None else f"{study}-{Mix.parse(mix).canonical}"
