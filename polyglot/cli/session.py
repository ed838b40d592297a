"""What a verb works with: the locked study, the profile, the plan and the store, opened from its arguments."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from polyglot.core.errors import BadInput
from polyglot.core.mix import Mix
from polyglot.core.stage import PlannedStage
from polyglot.engine.submission import submission_of_night
from polyglot.engine.survey import Observation, survey
from polyglot.plan.build import build_plan
from polyglot.plan.plan import Plan, restore_plan
from polyglot.schedulers.site import Site, site_of
from polyglot.store.locate import open_store
from polyglot.store.nights import nights
from polyglot.store.store import Store
from polyglot.store.submissions import names, plans
from polyglot.study.load import load_study
from polyglot.study.lock import Locked, lock_study
from polyglot.study.profile import Profile, load_profile


@dataclass(frozen=True)
class Session:
    """One study as one command sees it. `title` names the study and what it was narrowed to: a mix, its data."""

    locked: Locked
    profile: Profile
    plan: Plan
    store: Store
    title: str

    @cached_property
    def site(self) -> Site:
        """Where its attempts run."""
        return site_of(self.profile)


def open_session(study: Path, *, mix: str | None, profile: str, store: str | None, data_only: bool = False) -> Session:
    """Load, lock and plan a study, and open its store. Raises BadInput for whatever does not fit; starts nothing."""
    chosen = load_profile(profile)
    locked = lock_study(load_study(study))
    plan = build_plan(locked, chosen, mix=mix, data_only=data_only)
    title = plan.study if mix is None else f"{plan.study}-{Mix.parse(mix).canonical}"
    if data_only and locked.study.models:
        title += "-data"
    return Session(locked, chosen, plan, open_store(chosen.store if store is None else store), title)


def open_stages(
    study: Path | None,
    stage: str | None,
    *,
    mix: str | None,
    profile: str,
    store: str | None,
    data_only: bool = False,
) -> tuple[Store, Plan]:
    """Open a store with the plan in which a stage is looked up by name.

    That is the plan of `study`, or else the union of the plans that were ever submitted to the store, where a label
    that several stages share fits none of them alone; with the nights' when no plan has such a stage.
    """
    if study is not None:
        session = open_session(study, mix=mix, profile=profile, store=store, data_only=data_only)
        return session.store, session.plan
    if mix is not None:
        raise BadInput("a mix of no study", where="--mix", got=repr(mix), remedy="Name the study with --study FILE")
    opened = open_store(load_profile(profile).store if store is None else store)
    rows = [row for name in names(opened) for row in plans(opened, name)]
    if not rows:
        raise BadInput("no study was submitted to this store", where=opened.url, remedy="`polyglot submit STUDY` does")
    plan = restore_plan("(all submitted)", rows)
    if stage is not None and not plan.has(stage):
        rows += [row for name in names(opened) for row in _rows_of_nights(opened, name)]
        plan = restore_plan(plan.study, rows)
    return opened, plan


def find_stage(session: Session, text: str) -> PlannedStage:
    """The stage that a user means, of the session's plan, or else of the study's nights. Raises BadInput."""
    plan = session.plan
    if not plan.has(text) and (rows := list(_rows_of_nights(session.store, plan.study))):
        plan = restore_plan(plan.study, [*plan.document(), *rows])
    return plan.find(text)


def _rows_of_nights(store: Store, study: str) -> Iterator[dict[str, Any]]:
    """The stages of a study's nights, as rows of plans."""
    for night in nights(store, study):
        yield from Plan(study, submission_of_night(store, night.submission, night.name).stages).document()


def survey_session(session: Session) -> dict[str, Observation]:
    """Where every stage of the session's plan is; its site says whether a worker is alive."""
    return survey(session.plan.stages, session.store, alive=session.site.alive(session.store.url))
