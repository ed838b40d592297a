"""How a study's budget is spread over its judge stages."""

from dataclasses import replace
from pathlib import Path

import pytest

from polyglot.core.errors import OverBudget
from polyglot.core.stage import PlannedStage, Stage
from polyglot.engine import budget as spending
from polyglot.store.directory import DirectoryStore
from polyglot.store.manifest import Manifest


def judges(monkeypatch: pytest.MonkeyPatch, *spent: dict[str, float]) -> list[PlannedStage]:
    """Three judge stages, the first of which are done at these costs."""
    stages = [
        PlannedStage(stage=Stage(kind="judge", version=1, params={"endpoint": "openai", "n": n}), label=f"judge {n}")
        for n in range(3)
    ]
    done = {
        planned.key: Manifest(stage=planned.stage, inputs={}, files=(), volatile=volatile)
        for planned, volatile in zip(stages, spent, strict=False)
    }
    monkeypatch.setattr(spending, "committed_many", lambda store, wanted: done)
    return stages


def test_calls_whose_bill_was_not_seen_count_at_the_most_that_they_can_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = judges(monkeypatch, {"cost_usd": 1.0, "cost_usd_unseen_at_most": 3.0})
    _, *waiting = spending.within_budget(stages, DirectoryStore(tmp_path), 10.0)
    assert [planned.settings["max_usd"] for planned in waiting] == [3.0, 3.0]
    with pytest.raises(OverBudget, match="4.00 of 4.00 USD are spent, and 2 stages"):
        spending.within_budget(stages, DirectoryStore(tmp_path), 4.0)


def test_a_stage_that_says_what_it_may_cost_gets_that_and_the_others_share_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe, *others = judges(monkeypatch)
    stages = [replace(probe, settings={"max_usd": 0.5}), *others]
    found = spending.within_budget(stages, DirectoryStore(tmp_path), 10.0)
    assert [planned.settings["max_usd"] for planned in found] == [0.5, 4.75, 4.75]


def test_a_stage_that_ran_before_it_had_a_price_has_cost_what_its_tokens_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = {"cost_usd": 0.0, "prompt_tokens": 100_000, "completion_tokens": 10_000}
    prices = {"price_usd_per_mtok_prompt": 10.0, "price_usd_per_mtok_completion": 300.0}
    stages = [replace(planned, settings=prices) for planned in judges(monkeypatch, tokens)]
    _, *waiting = spending.within_budget(stages, DirectoryStore(tmp_path), 10.0)
    assert [planned.settings["max_usd"] for planned in waiting] == [3.0, 3.0]
