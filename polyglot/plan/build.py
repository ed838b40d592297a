"""A locked study under a profile -> its plan. Pure: no clock, no I/O, no environment, no randomness."""

from polyglot.core.errors import BadInput
from polyglot.core.mix import Mix
from polyglot.plan.cells import (
    CellStages,
    baseline_stages,
    cell_stages,
    panel_stages,
    rejudged_stages,
    retest_stage,
    untuned_stages,
)
from polyglot.plan.checks import checked
from polyglot.plan.data import data_report
from polyglot.plan.pairs import imported_pair_stages, pair_stages
from polyglot.plan.plan import Plan, make_plan
from polyglot.plan.planner import Planner
from polyglot.plan.sources import source_stages
from polyglot.plan.tables import Trust, add_tables
from polyglot.study.lock import Locked
from polyglot.study.profile import Profile


def build_plan(locked: Locked, profile: Profile, *, mix: str | None = None, data_only: bool = False) -> Plan:
    """Return the stages of a study, or of one mix of it (and what is not tuned), the report last.

    With `data_only` it is a report of data and mixes, and nothing is trained. Raises BadInput when `mix` is none of the
    study's.
    """
    planner = Planner(profile)
    mixes = _arms(locked, mix)
    sources = source_stages(planner, locked)
    if data_only or not locked.study.models:
        page = data_report(planner, locked, sources, mixes)
        return make_plan(locked.study.name, checked(planner, locked, sources, page))
    cells: list[CellStages] = []
    for model in locked.study.models:
        if locked.study.untuned:
            cells.append(untuned_stages(planner, locked, sources, model))
        for dataset in locked.study.datasets:
            for arm in mixes:
                cells += cell_stages(planner, locked, sources, model, dataset, arm)
    cells += [baseline_stages(planner, locked, sources, name) for name in locked.study.baselines]
    cells += [again for row in cells for again in rejudged_stages(planner, locked, sources, row)]
    cells += [other for row in cells for other in panel_stages(planner, locked, sources, row)]
    pairs = pair_stages(planner, locked, sources, cells)
    retest = retest_stage(planner, locked, sources, cells)
    imported = imported_pair_stages(planner, locked, sources, cells)
    trust = Trust(pairs=pairs, imported=imported, retest=retest)
    report = add_tables(planner, locked, sources, cells, mixes, trust)
    return make_plan(locked.study.name, checked(planner, locked, sources, report))


def _arms(locked: Locked, only: str | None) -> list[Mix]:
    """The study's mixes at its sizes; those of one mix (whatever its size) when `only` names it."""
    study, arms = locked.study, list(locked.study.arms())
    if only is None:
        return arms
    wanted = Mix.parse(only)
    chosen = [arm for arm in arms if arm == wanted or (wanted.size is None and arm.form == wanted)]
    if not chosen:
        raise BadInput(
            "the study has no such mix",
            where=f"study {study.name}",
            got=wanted.canonical,
            expected="one of " + ", ".join(arm.canonical for arm in arms),
            remedy="Add it to `mixes` in the study file, or choose one of these",
        )
    return chosen
