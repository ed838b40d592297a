"""Bets on the nights' scores: what one is worth, that nobody wins on nothing, and a real swap that is found."""

import csv
from itertools import combinations
from math import cosh, exp, log

import numpy as np
import pytest

from jobs.drift.attribution import blame, limit, run_there
from jobs.lib.stats.detector import Wealth
from jobs.lib.stats.exchangeable import (
    NOVELTIES,
    TILTS,
    Channels,
    Table,
    novelty_evidence,
    score_evidence,
)
from tests.kit.shared import SHARED

SWAP = SHARED / "judging" / "ja-judge-swap.csv"


def table(*items: tuple[dict[float, int], float], categories: tuple[int, ...] = ()) -> Table:
    """Items by all of their scores, tonight's included, and tonight's."""
    values = sorted({score for times, _ in items for score in times})
    return Table(
        values=np.array(values),
        counts=np.array([[times.get(value, 0) for value in values] for times, _ in items], dtype=float),
        tonight=np.array([values.index(tonight) for _, tonight in items]),
        language=np.zeros(len(items), dtype=np.intp),
        category=np.array(categories or (0,) * len(items), dtype=np.intp),
    )


class TestOneItem:
    def test_a_bet_that_scores_rise_wins_by_its_tilt_over_the_mean_of_both_places(self) -> None:
        (found,) = score_evidence(table(({8.0: 1, 9.0: 1}, 9.0)))
        assert found == pytest.approx([tilt / 2 - log(cosh(tilt / 2)) for tilt in TILTS])

    @pytest.mark.parametrize("times", [{8.0: 1, 9.0: 1}, {3.0: 2, 8.0: 5, 10.0: 1}, {7.0: 4}])
    def test_whoever_of_an_item_s_scores_is_tonight_s_the_mean_is_one(self, times: dict[float, int]) -> None:
        number = sum(times.values())
        for evidence in (score_evidence, novelty_evidence):
            mean = sum(count / number * np.exp(evidence(table((times, one)))[0]) for one, count in times.items())
            assert mean == pytest.approx(np.ones(mean.shape))

    def test_agreement_says_nothing_of_two_scores_and_much_of_the_first_new_one_in_eleven(self) -> None:
        assert novelty_evidence(table(({8.0: 1, 3.0: 1}, 3.0)))[0] == pytest.approx([0.0] * len(NOVELTIES))
        (found,) = novelty_evidence(table(({8.0: 10, 9.0: 1}, 9.0)))
        assert found == pytest.approx([-log((10 * exp(-0.9 * novelty) + 1) / 11) for novelty in NOVELTIES])

    def test_an_item_without_a_score_tonight_is_no_evidence(self) -> None:
        one = table(({8.0: 3, 9.0: 1}, 9.0))
        none = Table(**{**{name: getattr(one, name) for name in Table.__slots__}, "tonight": np.array([-1])})
        assert not score_evidence(none).any()
        assert not novelty_evidence(none).any()


class TestChannels:
    def test_weights_sum_to_one_and_each_sum_stands_at_its_channel(self) -> None:
        channels = Channels.of(("EN", "DE"), ("math", "writing"))
        assert channels.weights.sum() == pytest.approx(1)
        items = [({8.0: 1, 9.0: 1}, 9.0), ({5.0: 2, 2.0: 2}, 2.0), ({4.0: 1, 6.0: 1}, 6.0)]
        seen = table(*items, categories=(0, 1, 1))
        seen = Table(**{**{name: getattr(seen, name) for name in Table.__slots__}, "language": np.array([0, 0, 1])})
        moved, novel, found = score_evidence(seen), novelty_evidence(seen), channels.evidence(seen)
        assert len(found) == len(channels.each)
        for channel, value in zip(channels.each, found, strict=True):
            own = [
                row
                for row in range(3)
                if channel.language in ("all", channels.languages[seen.language[row]])
                and channel.category in ("", channels.categories[seen.category[row]])
            ]
            source, bets = (novel, NOVELTIES) if channel.test == "flips" else (moved, TILTS)
            assert value == pytest.approx(source[own, bets.index(channel.bet)].sum()), channel

    def test_one_language_and_one_category_have_no_parts(self) -> None:
        channels = Channels.of(("EN",), ("math",))
        assert {(one.test, one.language, one.category) for one in channels.each} == {
            ("mean", "all", ""),
            ("flips", "all", ""),
        }
        assert channels.weights.sum() == pytest.approx(1)


class TestWealth:
    def test_every_night_a_new_unit_is_put_in_and_all_of_it_rides(self) -> None:
        wealth = Wealth.none(1)
        for night in (1, 2, 3):
            wealth = wealth.bet(np.array([log(2)]), night)
        assert exp(wealth.log[0]) == pytest.approx(2 + 4 + 8)
        assert wealth.evidence(np.ones(1), 7)[()] == pytest.approx(log(14 / 7))

    def test_what_began_is_dated_from_where_the_wealth_was_lowest(self) -> None:
        wealth = Wealth.none(1)
        for night, evidence in enumerate([-1.0, 0.5, -1.0, 2.0, 2.0], 1):
            wealth = wealth.bet(np.array([evidence]), night)
        assert wealth.since[0] == 4


class TestBlame:
    def test_a_doubtful_judge_takes_the_blame_from_the_models_and_a_changed_one_has_it(self) -> None:
        alarm = limit(0.05, 2) + 0.1
        judge, there = np.array([-3.0, 1.0, limit(0.05), -3.0]), np.array([[1.9, 0]] * 3 + [[2.1, 0]])
        told = blame(judge, np.array([[alarm, 0.0]] * 4), there, error=0.05, watched=2)
        assert told.judge.tolist() == [False, False, True, False]
        assert told.cells[:, 0].tolist() == [True, False, False, False]
        assert told.unclear[:, 0].tolist() == [False, True, False, True]
        assert not (told.cells | told.unclear)[:, 1].any()

    def test_the_anchors_are_looked_at_where_the_cell_s_bet_is_and_in_its_direction(self) -> None:
        each = Channels.of(("EN",), ("math", "writing")).each
        run = np.arange(float(len(each)))
        for index, channel in enumerate(each):
            same = [other for other in each if other[:3] == channel[:3] and other.bet * channel.bet > 0]
            assert run_there(run, np.array(index)) == max(each.index(other) for other in same)

    def test_more_cells_need_more_evidence(self) -> None:
        assert limit(0.05, 10) - limit(0.05) == pytest.approx(log(10))


@pytest.mark.skipif(not SWAP.exists(), reason=f"no {SWAP.parent.name}/{SWAP.name} in the shared folder")
def test_a_real_swap_of_the_judge_is_found_on_its_first_night() -> None:
    """23 models x 160 answers; two models are the anchors, and one verdict each is all that is known of before."""
    with SWAP.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if "-1" not in (row["GPT-4-Turbo"], row["GPT-4o"])]
    pairs = np.array([[float(row["GPT-4-Turbo"]), float(row["GPT-4o"])] for row in rows])
    assert (len(rows), round(float((pairs[:, 1] - pairs[:, 0]).mean()), 4)) == (3675, -0.5219)
    models = sorted({row["model"] for row in rows})
    mean = {
        model: np.mean([one for row, (one, _) in zip(rows, pairs, strict=True) if row["model"] == model])
        for model in models
    }
    ranked = sorted(models, key=lambda model: float(mean[model]))
    low, high = ranked[len(ranked) // 4], ranked[3 * len(ranked) // 4]
    assert _evidence(rows, pairs, {low, high}) > limit(0.05) > _evidence(rows, pairs[:, :1].repeat(2, 1), {low, high})
    found = [_evidence(rows, pairs, {*two}) > limit(0.05) for two in combinations(models, 2)]
    assert (sum(found), len(found)) == (222, 253)


def _evidence(rows: list[dict[str, str]], pairs: np.ndarray, anchors: set[str]) -> float:
    """Of the first night after a baseline of one verdict, the categories by MT-Bench's numbers."""
    items, categories = [], []
    for row, (before, tonight) in zip(rows, pairs, strict=True):
        if row["model"] in anchors:
            times = {before: 2} if before == tonight else {before: 1, tonight: 1}
            items.append((times, tonight))
            categories.append((int(row["question_id"]) - 1) // 10 % 8)
    channels = Channels.of(("JA",), tuple(map(str, range(8))))
    wealth = Wealth.none(len(channels.each)).bet(channels.evidence(table(*items, categories=tuple(categories))), 1)
    return float(wealth.evidence(channels.weights, 90))
