"""A study's budget, spread over what is still to be translated and judged.

What was spent is read from the manifests of the plan's paid stages (their volatile part), and of those that are not
done from the journals of their attempts, failed and interrupted ones too; with the most that calls without a bill may
have cost. Tokens and characters of a stage that ran before it had a price count at today's. The rest is split evenly
over the paid stages that are not done: each stops before the call that would exceed its share, which it counts on top
of what its own attempts have spent. A stage whose plan says what it may cost (a probe's few calls) gets that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from polyglot.attempts.journal import all_records
from polyglot.core.canonical import Json
from polyglot.core.errors import OverBudget
from polyglot.core.stage import PlannedStage
from polyglot.kinds.registry import traits_of
from polyglot.store.committed import committed_many
from polyglot.store.futures import concurrently
from polyglot.store.store import Store


def within_budget(stages: Sequence[PlannedStage], store: Store, usd: float | None) -> tuple[PlannedStage, ...]:
    """Return the stages, the paid ones with their share as the setting `max_usd`. Raises OverBudget."""
    if usd is None:
        return tuple(stages)
    paid = [planned for planned in stages if traits_of(planned.stage).asks]
    done = committed_many(store, [planned.stage for planned in paid])
    spent = sum(_spent(done[planned.key].volatile, planned.settings) for planned in paid if planned.key in done)
    open_ = [planned for planned in paid if planned.key not in done]
    begun = concurrently(lambda planned: _recorded(all_records(store, planned.stage), planned.settings), open_)
    waiting = dict(zip([planned.key for planned in open_], begun, strict=True))
    spent += sum(waiting.values())
    if waiting and spent >= usd:
        raise OverBudget(
            f"budget: {spent:.2f} of {usd:.2f} USD are spent, and {len(waiting)} stages that cost are still to run. "
            "Raise budget.usd in the study file to go on"
        )
    of_plan = {planned.key: _number(planned.settings, "max_usd") for planned in open_ if "max_usd" in planned.settings}
    sharing = len(waiting) - len(of_plan)
    share = max(0.0, usd - spent - sum(of_plan.values())) / sharing if sharing else 0.0
    return tuple(
        replace(
            planned, settings={**planned.settings, "max_usd": waiting[planned.key] + of_plan.get(planned.key, share)}
        )
        if planned.key in waiting
        else planned
        for planned in stages
    )


def _recorded(records: Sequence[Mapping[str, Json]], settings: Mapping[str, Json]) -> float:
    """What a journal's calls have cost, those without an end at the most that they can.

    Calls of chat models are on record in dollars, DeepL's in characters.
    """
    per_character = _number(settings, "price_usd_per_mchar") / 1e6
    spent, in_flight = 0.0, dict[str, float]()
    for record in records:
        call = str(record.get("id"))
        most = _number(record, "cost_usd_at_most")
        if record.get("outcome") == "sent":
            spent += in_flight.pop(call, 0.0)  # an earlier one of this name has no end
            in_flight[call] = most + _number(record, "characters") * per_character
        elif record.get("outcome") in ("reply", "failure"):
            sent = in_flight.pop(call, 0.0)
            unseen = sent if record.get("unseen") else 0.0
            spent += _number(record, "cost_usd") + most + _number(record, "billed") * per_character + unseen
    return spent + sum(in_flight.values())


def _number(given: Mapping[str, Json], name: str) -> float:
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
