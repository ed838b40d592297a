"""A study's budget, spread over what is still to be translated and judged.

What was spent is read from the manifests of the plan's paid stages (their volatile part), with the most that calls
without a bill may have cost; tokens and characters of a stage that ran before it had a price count at today's. The rest
is split evenly over the paid stages that are not done: each stops before the call that would exceed its share. A stage
whose plan says what it may cost (`max_usd`: a probe's few calls) gets that and no more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from polyglot.core.canonical import Json
from polyglot.core.errors import OverBudget
from polyglot.core.stage import PlannedStage
from polyglot.kinds.registry import traits_of
from polyglot.store.committed import committed_many
from polyglot.store.store import Store


def within_budget(stages: Sequence[PlannedStage], store: Store, usd: float | None) -> tuple[PlannedStage, ...]:
    """Return the stages, the paid ones with their share as the setting `max_usd`. Raises OverBudget."""
    if usd is None:
        return tuple(stages)
    paid = [planned for planned in stages if traits_of(planned.stage).asks]
    done = committed_many(store, [planned.stage for planned in paid])
    spent = sum(_spent(done[planned.key].volatile, planned.settings) for planned in paid if planned.key in done)
    waiting = [planned.key for planned in paid if planned.key not in done]
    if waiting and spent >= usd:
        raise OverBudget(
            f"budget: {spent:.2f} of {usd:.2f} USD are spent, and {len(waiting)} stages that cost are still to run. "
            "Raise budget.usd in the study file to go on"
        )
    capped = [planned for planned in paid if planned.key in waiting and "max_usd" in planned.settings]
    sharing = {*waiting} - {planned.key for planned in capped}
    left = usd - spent - sum(_number(planned.settings, "max_usd") for planned in capped)
    share = max(0.0, left) / len(sharing) if sharing else 0.0
    return tuple(
        replace(planned, settings={**planned.settings, "max_usd": share}) if planned.key in sharing else planned
        for planned in stages
    )


def _number(given: Mapping[str, Json], name: str) -> float:
    """A number among settings or figures; 0 where there is none."""
    value = given.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _spent(volatile: Mapping[str, Json], settings: Mapping[str, Json]) -> float:
    """What a stage that is done has cost."""
    told = sum(_number(volatile, name) for name in ("cost_usd", "cost_usd_unseen_at_most"))
    priced = (
        ("prompt_tokens", "price_usd_per_mtok_prompt"),
        ("completion_tokens", "price_usd_per_mtok_completion"),
        ("characters_billed", "price_usd_per_mchar"),
        ("characters_unseen_at_most", "price_usd_per_mchar"),
    )
    return told or sum(_number(volatile, amount) * _number(settings, price) for amount, price in priced) / 1e6
