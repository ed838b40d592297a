"""A study as one command sees it: the plan that it looks at, the store and the profile that it looks with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from polyglot.core.stage import PlannedStage, PlanRow
from polyglot.engine.submission import submission_of_night
from polyglot.engine.survey import Observation, StageState, survey
from polyglot.plan.plan import Plan, restore_plan
from polyglot.schedulers.site import Site, site_of
from polyglot.store.nights import nights
from polyglot.store.store import Store
from polyglot.study.profile import Profile

_LEFT = {StageState.WAITING, StageState.INTERRUPTED}
_GOING = {StageState.RUNNING, StageState.PENDING, StageState.STUCK}


@dataclass(frozen=True, kw_only=True)
class View:
    """`title` names the study and what it was narrowed to: a mix, its data. Nothing in it is of a local file."""

    profile: Profile
    plan: Plan
    store: Store
    title: str

    @cached_property
    def site(self) -> Site:
        """Where its attempts run."""
        return site_of(self.profile)

    def survey(self) -> dict[str, Observation]:
        """Where every stage of the plan is; the site says whether a worker is alive."""
        return survey(self.plan.stages, self.store, alive=self.site.alive(self.store.url))

    def is_stopped(self, seen: Mapping[str, Observation]) -> bool:
        """Whether stages of a survey wait while none runs and nobody drives the study, as far as that is known here."""
        states = {row.state for row in seen.values()}
        return (
            bool(states & _LEFT) and not states & _GOING and self.site.driven(self.plan.study, self.store.url) is False
        )

    @property
    def stopped(self) -> str:
        """What is said then, in a line."""
        place = f"in {self.site.where}" if self.site.where else "on this machine"
        return f"{self.title}: nobody runs it {place}; `polyglot submit STUDY` goes on"

    def find_stage(self, text: str) -> PlannedStage:
        """The stage that a user means, of the plan, or else of the study's nights. Raises BadInput."""
        plan = self.plan
        if not plan.has(text) and (rows := list(rows_of_nights(self.store, plan.study))):
            plan = restore_plan(plan.study, [*plan.document(), *rows])
        return plan.find(text)


def rows_of_nights(store: Store, study: str) -> Iterator[PlanRow]:
    """The stages of a study's nights, as rows of plans."""
    for night in nights(store, study):
        yield from Plan(study, submission_of_night(store, night).stages).document()
