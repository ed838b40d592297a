"""Strengths of models from their games."""

import numpy as np
import pytest

from jobs.lib.stats.strengths import strengths

RESAMPLES = 2000
MODELS = {"a": 0.0, "b": 0.7, "c": -0.5}


def played(random: np.random.Generator, slot: float, tie: float) -> tuple[list[str], list[tuple[str, str, str]]]:
    questions, games = [], []
    for question in range(80):
        for first in MODELS:
            for second in MODELS:
                for _ in range(5 if first != second else 0):
                    half = (MODELS[first] - MODELS[second] + slot) / 2
                    chances = np.exp([half, -half, tie])
                    outcome = random.choice(["first", "second", "tie"], p=chances / chances.sum())
                    questions.append(str(question))
                    games.append((first, second, str(outcome)))
    return questions, games


def test_known_strengths_slot_and_ties_are_found() -> None:
    questions, games = played(np.random.Generator(np.random.Philox(1)), slot=0.5, tie=-0.3)
    found = strengths(questions, games, ties=True, slot=True, resamples=RESAMPLES)
    for one, other in (("b", "a"), ("b", "c"), ("a", "c")):
        gap = found.gap(one, other, level=0.999)
        assert gap.low < MODELS[one] - MODELS[other] < gap.high
    assert found.slot(level=0.999).low < 0.5 < found.slot(level=0.999).high
    assert found.point[-1] == pytest.approx(-0.3, abs=0.15)


def test_two_models_have_the_log_odds_of_their_games() -> None:
    games = [("a", "b", "first")] * 30 + [("a", "b", "second")] * 10 + [("a", "b", "tie")] * 7
    found = strengths([str(row) for row in range(47)], games, ties=False, slot=False, resamples=RESAMPLES)
    assert found.gap("a", "b").mean == pytest.approx(np.log(3), abs=1e-5)
    assert found.slot().low == found.slot().high == 0.0


def test_davidsons_ties_of_two_models() -> None:
    games = [("a", "b", "first")] * 20 + [("a", "b", "second")] * 5 + [("a", "b", "tie")] * 10
    found = strengths([str(row) for row in range(35)], games, ties=True, slot=False, resamples=RESAMPLES)
    assert found.gap("a", "b").mean == pytest.approx(np.log(4), abs=1e-5)  # n_tie / sqrt(n_first n_second) is exp(t)
    assert found.point[-1] == pytest.approx(0.0, abs=1e-5)


def test_a_model_that_never_lost_stays_finite() -> None:
    games = [("a", "b", "first"), ("b", "a", "second")] * 20
    gap = strengths([str(row) for row in range(40)], games, ties=False, slot=False, resamples=RESAMPLES).gap("a", "b")
    assert 5 < gap.mean < 50


def test_copies_of_games_say_nothing_more() -> None:
    questions, games = played(np.random.Generator(np.random.Philox(2)), slot=0.0, tie=-1.0)
    once = strengths(questions, games, ties=True, slot=True, resamples=RESAMPLES).gap("b", "a")
    twice = strengths(questions * 2, games * 2, ties=True, slot=True, resamples=RESAMPLES).gap("b", "a")
    assert (twice.low, twice.high) == pytest.approx((once.low, once.high), abs=1e-5)


def test_models_that_never_met() -> None:
    games = [("a", "b", "first"), ("c", "d", "tie")]
    with pytest.raises(ValueError, match=r"no game between \['a', 'b'\] and \['c', 'd'\]"):
        strengths(["1", "2"], games, ties=True, slot=False, resamples=2)


def test_an_outcome_that_is_none() -> None:
    with pytest.raises(ValueError, match=r"got \['draw'\]"):
        strengths(["1"], [("a", "b", "draw")], ties=True, slot=False, resamples=2)
