"""A study's budget, spread over what is still to be translated and judged.

What was spent is read from the manifests of the plan's paid stages (their volatile part), with the most that calls
without a bill may have cost. The rest is split evenly
over the paid stages that are not done: each stops before the call that would exceed its share.
"""

from collections.abc import Sequence
from dataclasses import replace

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
    counted = ("cost_usd", "cost_usd_unseen_at_most")
    spent = sum(float(manifest.volatile.get(name, 0)) for manifest in done.values() for name in counted)
    waiting = [planned.key for planned in paid if planned.key not in done]
    if waiting and spent >= usd:
        raise OverBudget(
            f"budget: {spent:.2f} of {usd:.2f} USD are spent, and {len(waiting)} stages that cost are still to run. "
            "Raise budget.usd in the study file to go on"
        )
    share = (usd - spent) / len(waiting) if waiting else 0.0
    return tuple(
        replace(planned, settings={**planned.settings, "max_usd": share}) if planned.key in waiting else planned
        for planned in stages
    )
