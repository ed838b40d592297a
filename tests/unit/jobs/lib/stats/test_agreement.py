"""Agreement of raters against worked examples of the literature and against the krippendorff package."""

from math import isnan, nan
from typing import Any

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.lib.stats.agreement import (
    COEFFICIENTS,
    DECISIVE,
    SCORES,
    THREE,
    Coefficient,
    Ratings,
    agreement,
    coded,
    coefficient,
    raw_agreement,
)
from jobs.lib.stats.clusters import Clusters

# Krippendorff 2011, example C; also Gwet 2014, table 5.1: four raters, twelve units
FOUR_RATERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, nan, nan, nan],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nan, 3],
    [nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nan],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nan],
]
# Gwet 2014: two abstractors, a hundred pregnancies
ABSTRACTORS = [[13, 0, 0], [0, 20, 7], [0, 4, 56]]
# Gwet 2014: two diagnoses of 223 patients
DIAGNOSES = [[40, 4, 4, 17], [6, 25, 2, 13], [4, 1, 21, 12], [15, 5, 9, 45]]


def ratings(table: Any, values: tuple[float, ...], items: int = 1) -> Ratings:
    array = np.array(table, dtype=float)
    return Ratings(
        clusters=Clusters.by([str(column // items) for column in range(array.shape[1])]), table=array, values=values
    )


def of_counts(counts: list[list[int]]) -> Ratings:
    pairs = [
        (row, column) for row, line in enumerate(counts) for column, number in enumerate(line) for _ in range(number)
    ]
    return ratings(np.array(pairs).T, tuple(float(value) for value in range(len(counts))))


def point(of: Ratings, name: Coefficient) -> float:
    found = coefficient(of, name)
    return float(found.value(found.sums.sum(axis=0)))


class TestWorkedExamples:
    def test_krippendorff_a_two_coders_binary(self) -> None:
        table = [[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]]
        assert round(point(ratings(table, (0.0, 1.0)), "alpha nominal"), 3) == 0.095

    def test_krippendorff_b_two_coders_nominal(self) -> None:
        letters = ("aabbdcccedda", "babbbccceddd")
        table = [["abcde".index(letter) for letter in line] for line in letters]
        assert round(point(ratings(table, (0.0, 1.0, 2.0, 3.0, 4.0)), "alpha nominal"), 3) == 0.692

    @pytest.mark.parametrize(
        ("name", "expected"), [("alpha nominal", 0.743), ("alpha ordinal", 0.815), ("alpha interval", 0.849)]
    )
    def test_krippendorff_c_many_coders_with_gaps(self, name: Coefficient, expected: float) -> None:
        assert round(point(ratings(FOUR_RATERS, (1.0, 2.0, 3.0, 4.0, 5.0)), name), 3) == expected

    @pytest.mark.parametrize(
        ("name", "expected"),
        [("AC1", 0.775), ("AC2 ordinal", 0.899), ("AC2 linear", 0.859), ("AC2 quadratic", 0.914)],
    )
    def test_gwet_four_raters(self, name: Coefficient, expected: float) -> None:
        table = np.array(FOUR_RATERS)
        table[1, 11], table[2, 11] = nan, 3  # Gwet has the twelfth unit rated by the third rater
        of = ratings(table, (1.0, 2.0, 3.0, 4.0, 5.0))
        assert round(point(of, name), 3) == expected
        assert round(raw_agreement(of).interval.mean, 5) == 0.81818

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("kappa", 0.7964094),
            ("kappa linear", 0.843),
            ("kappa quadratic", 0.892),
            ("AC1", 0.8493305),
        ],
    )
    def test_gwet_abstractors(self, name: Coefficient, expected: float) -> None:
        digits = len(str(expected)) - 2
        assert round(point(of_counts(ABSTRACTORS), name), digits) == expected

    @pytest.mark.parametrize(
        ("name", "expected"), [("kappa", 0.432), ("kappa linear", 0.407), ("kappa quadratic", 0.383)]
    )
    def test_gwet_diagnoses(self, name: Coefficient, expected: float) -> None:
        assert round(point(of_counts(DIAGNOSES), name), 3) == expected


class TestProperties:
    @settings(deadline=None)
    @given(st.data())
    def test_alpha_is_that_of_the_krippendorff_package(self, data: st.DataObject) -> None:
        raters, items = data.draw(st.integers(2, 5)), data.draw(st.integers(2, 25))
        cell = st.sampled_from([1.0, 2.0, 3.0, 7.5, 10.0, nan])
        table = np.array(
            data.draw(st.lists(st.lists(cell, min_size=items, max_size=items), min_size=raters, max_size=raters))
        )
        shared = table[:, (~np.isnan(table)).sum(axis=0) > 1]
        used = np.unique(shared[~np.isnan(shared)])
        of = ratings(table, (1.0, 2.0, 3.0, 7.5, 10.0))
        for level in ("nominal", "ordinal", "interval"):
            ours = point(of, f"alpha {level}")  # type: ignore[arg-type]
            if len(used) < 2:
                assert isnan(ours)
                continue
            theirs = krippendorff.alpha(reliability_data=shared, level_of_measurement=level)
            assert ours == pytest.approx(float(theirs), abs=1e-9)

    def test_two_raters_who_always_agree_are_not_told_to_do_so_for_ever(self) -> None:
        same = np.tile(np.array([1.0, 4.0, 9.0, 10.0] * 20), (2, 1))
        found = agreement(ratings(same, SCORES), COEFFICIENTS, resamples=500)
        for interval in found.values():
            assert interval.mean == interval.high == 1.0
            assert 0.7 < interval.low < 0.97

    def test_raters_who_know_one_word_have_no_kappa(self) -> None:
        found = agreement(ratings(np.ones((2, 40)), SCORES), ["kappa", "alpha ordinal", "AC1"], resamples=500)
        assert isnan(found["kappa"].mean)
        assert isnan(found["alpha ordinal"].mean)
        assert found["AC1"].mean == 1.0

    def test_chance_is_zero_and_the_opposite_below(self) -> None:
        random = np.random.Generator(np.random.Philox(9))
        one = random.integers(0, 3, 6000).astype(float)
        two = random.integers(0, 3, 6000).astype(float)
        for name in COEFFICIENTS:
            assert abs(point(ratings([one, two], (0.0, 1.0, 2.0)), name)) < 0.05
            assert point(ratings([one, (one + 1) % 3], (0.0, 1.0, 2.0)), name) < -0.2

    def test_the_coding_says_what_counts_as_agreement(self) -> None:
        ours, theirs = ["A", "both-bad", "tie", "B", None], ["A", "tie", "B", "B", "A"]
        merged = ratings([coded(ours, THREE), coded(theirs, THREE)], (0.0, 1.0, 2.0))
        decisive = ratings([coded(ours, DECISIVE), coded(theirs, DECISIVE)], (0.0, 2.0))
        assert (raw_agreement(merged).hits, raw_agreement(merged).of) == (3, 4)
        assert (raw_agreement(decisive).hits, raw_agreement(decisive).of) == (2, 2)


class TestBadInput:
    def test_a_kappa_of_three(self) -> None:
        with pytest.raises(ValueError, match="got 3 raters, expected 2"):
            coefficient(ratings(np.ones((3, 4)), SCORES), "kappa")

    def test_a_rating_off_the_scale(self) -> None:
        with pytest.raises(ValueError, match=r"got \[11\.0\]"):
            ratings([[1, 11]], SCORES)

    def test_items_that_are_not_those_of_the_clusters(self) -> None:
        with pytest.raises(ValueError, match="expected \\(raters, 3 items\\)"):
            Ratings(clusters=Clusters.by(["1", "1", "2"]), table=np.ones((2, 4)), values=SCORES)
