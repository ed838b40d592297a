"""How a study's budget is spread over its judge stages."""

from dataclasses import replace
from pathlib import Path

import pytest

from polyglot.attempts.journal import StoredJournal
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


class TestStagesThatAreNotDone:
    """What their attempts have spent is spent, whoever drove them, and whatever became of it."""

    PRICES = {"price_usd_per_mtok_prompt": 10.0, "price_usd_per_mtok_completion": 300.0}

    def journal(self, store: DirectoryStore, stage: Stage, attempt: int, *records: dict[str, object]) -> None:
        with StoredJournal(store, stage, attempt, 1, fit=f"fit {attempt}") as journal:
            for record in records:
                journal.append(record)

    def test_calls_of_attempts_that_failed_count_and_are_part_of_the_stages_own_share(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stages, store = judges(monkeypatch), DirectoryStore(tmp_path)
        sent = {"outcome": "sent", "cost_usd": 0.0, "cost_usd_at_most": 0.5}
        self.journal(
            store,
            stages[0].stage,
            1,
            {**sent, "id": "a"},
            {"id": "a", "outcome": "reply", "cost_usd": 0.25},
            {**sent, "id": "b"},
            {"id": "b", "outcome": "failure", "cost_usd": 0.0, "cost_usd_at_most": 0.5},
        )
        self.journal(store, stages[0].stage, 2, {**sent, "id": "c"}, {**sent, "id": "c"})  # killed, twice
        first, second, third = spending.within_budget(stages, store, 10.0)
        assert first.settings["max_usd"] == pytest.approx(1.75 + (10 - 1.75) / 3)
        assert second.settings["max_usd"] == third.settings["max_usd"] == pytest.approx((10 - 1.75) / 3)
        with pytest.raises(OverBudget, match="1.75 of 1.75 USD are spent, and 3 stages"):
            spending.within_budget(stages, store, 1.75)

    def test_characters_count_at_their_price(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        stage = Stage(kind="translate", version=1, params={"engine": "deepl"})
        planned = PlannedStage(stage=stage, label="translate", settings={"price_usd_per_mchar": 20.0})
        monkeypatch.setattr(spending, "committed_many", lambda store, wanted: {})
        store = DirectoryStore(tmp_path)
        self.journal(
            store,
            stage,
            1,
            {"id": "a", "outcome": "sent", "characters": 100_000},
            {"id": "a", "outcome": "reply", "billed": 90_000, "unseen": False},
            {"id": "b", "outcome": "sent", "characters": 10_000},
            {"id": "b", "outcome": "failure", "billed": 0, "unseen": True},
        )
        (found,) = spending.within_budget([planned], store, 5.0)
        assert found.settings["max_usd"] == pytest.approx(2.0 + 3.0)
