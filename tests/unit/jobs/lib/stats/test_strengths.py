"""Strengths of models from their games."""

from collections.abc import Sequence
from itertools import combinations
from math import inf, isnan, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from jobs.lib.stats.grid import Floats
from jobs.lib.stats.interval import Interval
from jobs.lib.stats.strengths.davidson import Design, Tally, held, moments
from jobs.lib.stats.strengths.field import Field
from jobs.lib.stats.strengths.fit import Strengths, design_rows, strengths
from jobs.lib.stats.strengths.games import Game, Games, Resampling
from jobs.lib.stats.strengths.length import adjusted
from jobs.lib.stats.strengths.letters import letters, tie_groups

RESAMPLES = 1000
MODELS = {"a": 0.0, "b": 0.7, "c": -0.5}
LEVEL = 0.95


def fitted(games: Sequence[Game], *, ties: bool = True, slot: bool = False, resamples: int = RESAMPLES) -> Strengths:
    names = sorted({str(name) for game in games for name in (game.first, game.second)})
    resampling = Resampling.of([game.question for game in games], resamples=resamples)
    return strengths(Games.of(games, names, resampling.ids), resampling, ties=ties, slot=slot)


def gap(games: Sequence[Game], one: str, other: str, *, level: float = LEVEL, **how: bool) -> Interval:
    found = fitted(games, **how)
    return field(found).gap(*(found.games.models.index(name) for name in (one, other)), ["X"], level)


def field(found: Strengths) -> Field:
    return Field(models=found.games.models, fits={("X", None): found}, freedom=len(found.games.ids) - 1)


def played(
    seed: int,
    slot: float,
    tie: float,
    models: dict[str, float] = MODELS,
    per_doubling: float = 0.0,
    questions: int = 80,
) -> list[Game]:
    random, games = np.random.Generator(np.random.Philox(seed)), []
    for question in range(questions):
        for first in models:
            for second in models:
                for _ in range(4 if first != second else 0):
                    doublings = random.normal() + (first == "a") - (second == "a")
                    half = (models[first] - models[second] + slot + per_doubling * doublings) / 2
                    chances = np.exp([half, -half, tie])
                    outcome = str(random.choice(["first", "second", "tie"], p=chances / chances.sum()))
                    games.append(Game(str(question), first, second, outcome, doublings=doublings))
    return games


def said(counts: dict[tuple[str, str], tuple[int, int, int]]) -> list[Game]:
    """Games on a question each: how often the first, the second, and neither won."""
    rows = [
        (pair, outcome)
        for pair, numbers in counts.items()
        for outcome, number in zip(("first", "second", "tie"), numbers, strict=True)
        for _ in range(number)
    ]
    return [Game(str(place), *pair, outcome) for place, (pair, outcome) in enumerate(rows)]


class TestEstimates:
    def test_known_strengths_slot_and_ties_are_found(self) -> None:
        found = fitted(played(1, slot=0.5, tie=-0.3), slot=True)
        for one, other in combinations(range(3), 2):
            interval = field(found).gap(one, other, ["X"], 0.999)
            assert interval.low < MODELS["abc"[one]] - MODELS["abc"[other]] < interval.high
        slot = field(found).other("first_slot", ["X"], 0.999)
        assert slot.low < 0.5 < slot.high
        assert slot.low > 0
        assert found.point.found[0, -1] == pytest.approx(-0.3, abs=0.15)

    def test_it_is_the_maximum_of_the_likelihood(self) -> None:
        games = played(4, slot=0.8, tie=0.2, questions=3)
        found = fitted(games, slot=True).point.found[0]

        def loss(theta: Floats) -> float:
            total = 0.0
            for game in games:
                half = (theta["abc".index(str(game.first))] - theta["abc".index(str(game.second))] + theta[3]) / 2
                total += np.logaddexp.reduce([half, -half, theta[4]])
                total -= {"first": half, "second": -half, "tie": theta[4]}[game.outcome]
            return float(total)

        best = minimize(loss, np.zeros(5), tol=1e-10).x
        assert found[:3] == pytest.approx(best[:3] - best[:3].mean(), abs=1e-4)
        assert found[3:] == pytest.approx(best[3:], abs=1e-4)

    def test_two_models_have_the_log_odds_of_their_games(self) -> None:
        assert gap(said({("a", "b"): (30, 10, 7)}), "a", "b", ties=False).mean == pytest.approx(log(3))

    def test_davidsons_ties_of_two_models(self) -> None:
        found = fitted(said({("a", "b"): (20, 5, 10)}))
        assert found.gap(0, 1).point == pytest.approx(log(4))  # n_tie / sqrt(n_first n_second) is exp(t)
        assert found.point.found[0, -1] == pytest.approx(0.0, abs=1e-6)

    def test_unequal_counts_and_a_model_that_met_one_other_alone(self) -> None:
        found = gap(said({("a", "b"): (30, 10, 0), ("b", "c"): (4, 2, 0)}), "a", "c")
        assert found.mean == pytest.approx(log(3) + log(2))

    def test_an_order_bias_moves_no_gap(self) -> None:
        games = said({("a", "b"): (36, 4, 0), ("b", "a"): (30, 10, 0)})
        fair = gap(games, "a", "b", slot=True)
        assert fair.mean == pytest.approx((log(36 / 4) - log(30 / 10)) / 2)
        first = field(fitted(games, slot=True)).other("first_slot", ["X"], LEVEL)
        assert first.mean == pytest.approx((log(36 / 4) + log(30 / 10)) / 2)
        assert first.low > 0

    def test_copies_of_games_say_nothing_more(self) -> None:
        games = played(2, slot=0.0, tie=-1.0)
        once, twice = gap(games, "b", "a"), gap([*games, *games], "b", "a")
        assert (twice.low, twice.high) == pytest.approx((once.low, once.high), abs=1e-6)
        halves = gap([game._replace(weight=0.5) for game in (*games, *games)], "b", "a")
        assert (halves.low, halves.high) == pytest.approx((once.low, once.high), abs=1e-6)

    @settings(max_examples=15, deadline=None)
    @given(st.permutations(range(60)))
    def test_the_order_of_rows_changes_nothing(self, order: list[int]) -> None:
        games = played(3, slot=0.3, tie=-0.5, questions=3)[:60]
        one, two = (fitted(rows, slot=True, resamples=50) for rows in (games, [games[place] for place in order]))
        assert one.draws.found == pytest.approx(two.draws.found, abs=1e-9)

    def test_lengths_are_held_equal(self) -> None:
        games = played(5, slot=0.2, tie=-0.5, per_doubling=0.6)  # a's answers are twice as long on average
        raw = fitted(games, slot=True)
        resampling = Resampling.of([game.question for game in games], resamples=RESAMPLES)
        equal = adjusted(raw, resampling)
        assert equal is not None
        doubling = field(equal).other("per_doubling", ["X"], 0.999)
        assert doubling.low < 0.6 < doubling.high
        held = field(equal).gap(0, 1, ["X"], 0.999)
        assert held.low < -0.7 < held.high < field(raw).gap(0, 1, ["X"], 0.5).low
        assert adjusted(fitted([game._replace(doublings=np.nan) for game in games]), resampling) is None

    def test_one_step_from_the_estimate_is_a_full_fit_nearly(self) -> None:
        games = [game._replace(doublings=0.0) for game in played(6, slot=0.2, tie=-0.5)]
        raw = fitted(games, slot=True)
        equal = adjusted(raw, Resampling.of([game.question for game in games], resamples=RESAMPLES))
        assert equal is not None
        assert equal.gap(0, 1).draws == pytest.approx(raw.gap(0, 1).draws, abs=0.03)

    def test_the_spread_of_the_draws_is_that_of_a_sandwich_by_question(self) -> None:
        found = fitted(played(11, slot=0.4, tie=-0.5), slot=True)
        games, point = found.games, found.point.found
        rows, kind = design_rows(games, slot=True)
        design = Design(rows=rows, together=np.ones((3, 3)), ties=True)
        counts = np.zeros((3, len(games.ids), len(rows)))
        np.add.at(counts, (games.outcome, games.question, kind), games.weight)
        whole = Tally.of(counts.sum(axis=1, keepdims=True))
        bread = np.linalg.inv((moments(point, whole, design).information + held(design, whole))[0])
        slopes = moments(np.repeat(point, len(games.ids), axis=0), Tally.of(counts), design).slopes
        covariance = bread @ (slopes.T @ slopes) @ bread * len(slopes) / (len(slopes) - 1)
        spread = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
        assert found.gap(0, 1).draws.std() == pytest.approx(np.sqrt(spread), rel=0.08)

    def test_an_outcome_that_is_none(self) -> None:
        with pytest.raises(ValueError, match=r"got \['draw'\]"):
            fitted([Game("1", "a", "b", "draw")])


class TestNotEstimable:
    """Where there is no number there is none: not a large one."""

    def test_a_model_that_never_lost_has_a_lower_limit_alone(self) -> None:
        found = gap(said({("a", "b"): (40, 0, 0), ("b", "a"): (0, 40, 0)}), "a", "b", slot=True)
        assert (found.mean, found.high) == (inf, inf)
        assert 2 < found.low < log(79)
        turned = gap(said({("a", "b"): (40, 0, 0), ("b", "a"): (0, 40, 0)}), "b", "a", slot=True)
        assert (turned.mean, turned.low, turned.high) == (-inf, -inf, pytest.approx(-found.low))

    def test_few_wins_and_no_loss_are_no_difference(self) -> None:
        few, many = (gap(said({("a", "b"): (wins, 0, 78)}), "a", "b") for wins in (2, 40))
        assert few.mean == many.mean == inf
        assert few.low < 0 < many.low

    def test_the_others_have_their_gaps_beside_one_that_always_loses(self) -> None:
        counts = {("a", "b"): (30, 10, 5), ("a", "c"): (20, 0, 0), ("b", "c"): (20, 0, 0)}
        found = fitted(said(counts))
        assert found.gap(0, 1).point == pytest.approx(log(3))
        assert (found.gap(0, 2).point, found.gap(2, 1).point) == (inf, -inf)

    def test_resamples_without_a_maximum_reach_as_far_as_they_say(self) -> None:
        found = gap(said({("a", "b"): (38, 2, 0)}), "a", "b")  # in one resample of eight nobody loses
        assert found.mean == pytest.approx(log(19))
        assert found.high == inf
        assert 1 < found.low < log(19)

    def test_a_judge_that_always_says_the_first_tells_no_strengths(self) -> None:
        games = said({("a", "b"): (40, 0, 0), ("b", "a"): (40, 0, 0)})
        assert isnan(gap(games, "a", "b", slot=True).mean)
        assert fitted(games, slot=True).first_slot.point == inf

    def test_ties_alone_tell_nothing(self) -> None:
        assert isnan(gap(said({("a", "b"): (0, 0, 40)}), "a", "b").mean)

    def test_models_that_never_met(self) -> None:
        games = said({("a", "b"): (3, 2, 0), ("c", "d"): (3, 2, 0)})
        assert isnan(gap(games, "a", "c").mean)
        assert gap(games, "a", "b").mean == pytest.approx(log(1.5))

    def test_a_model_alone(self) -> None:
        resampling = Resampling.of(["1", "2"], resamples=RESAMPLES)
        found = strengths(Games.of([], ["a"], resampling.ids), resampling, ties=True, slot=True)
        assert field(found).strength(0, (0,), ["X"], LEVEL) == Interval(mean=0.0, low=0.0, high=0.0)
        assert isnan(found.first_slot.point)

    def test_what_no_question_differs_in_is_not_known_exactly(self) -> None:
        games = [
            Game(str(question), "a", "b", outcome) for question in range(20) for outcome in ("first", "first", "second")
        ]
        found = gap(games, "a", "b")
        assert found.mean == pytest.approx(log(2))
        assert found.low < 0.5 < 0.9 < found.high


class TestSeveral:
    """Languages and training seeds."""

    def fits(self, *games: list[Game]) -> tuple[Strengths, ...]:
        return tuple(fitted(rows, slot=True) for rows in games)

    def test_all_languages_are_the_mean_and_share_their_resamples(self) -> None:
        games = played(7, slot=0.3, tie=-0.5)
        one, two = self.fits(games, games)
        both = Field(models=one.games.models, fits={("DE", None): one, ("EN", None): two}, freedom=79)
        alone, together = (both.gap(0, 1, languages, LEVEL) for languages in (["DE"], ["DE", "EN"]))
        assert (together.mean, together.low) == pytest.approx((alone.mean, alone.low))
        assert isnan(both.gap(0, 1, ["DE", "FR"], LEVEL).mean)

    def test_seeds_come_on_top_of_questions(self) -> None:
        seeds = [played(seed, 0.3, -0.5, MODELS | {"b": better}) for seed, better in ((8, 0.4), (9, 0.7), (10, 1.0))]
        fits = dict(enumerate(self.fits(*seeds)))
        models = fits[0].games.models
        three = Field(models=models, fits={("X", seed): found for seed, found in fits.items()}, freedom=79)
        found, one = three.gap(1, 0, ["X"], LEVEL), Field(models=models, fits={("X", 1): fits[1]}, freedom=79)
        assert found.mean == pytest.approx(np.mean([each.gap(1, 0).point for each in fits.values()]))
        assert found.high - found.low > 2 * (one.gap(1, 0, ["X"], LEVEL).high - one.gap(1, 0, ["X"], LEVEL).low)


class TestLetters:
    @given(st.sets(st.sampled_from([*combinations(range(6), 2)])))
    def test_two_share_a_letter_unless_they_are_apart(self, apart: set[tuple[int, int]]) -> None:
        groups = tie_groups(6, apart)
        for pair in combinations(range(6), 2):
            assert any({*pair} <= group for group in groups) == (pair not in apart)
        assert not any(one < other for one in groups for other in groups)

    def test_a_chain(self) -> None:
        assert letters(3, {(0, 2)}) == ["a", "ab", "b"]
        assert letters(3, set()) == ["a"] * 3
        assert letters(2, {(0, 1)}) == ["a", "b"]
