"""Arms: which cells are one arm, and what is averaged over what."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.aggregate.arms import Arm, Averages, Replicates, cell_order, find_arms, scope
from jobs.lib.stats.resampling import Estimates, Sums
from polyglot.kinds.cells import ArmKey, Cell
from tests.kit.drawn import sums_of

LANGUAGES = ("EN", "DE", "FR")


def cell(mix: str | None, *, seed: int | None = None, draw: int = 0, **fields: Any) -> Cell:
    """A cell of the model "m"; its mix is spelt by two letters a language."""
    dataset = None if mix is None else "d"
    name = f"m/{mix}/s{seed}/d{draw}/{fields}"
    languages = tuple((mix or "")[at : at + 2] for at in range(0, len(mix or ""), 2))
    return Cell(cell=name, model="m", dataset=dataset, mix=mix, languages=languages, seed=seed, draw=draw, **fields)


def estimates(points: Sequence[Sequence[float]], draws: Sequence[Sequence[Sequence[float]]] = ()) -> Estimates:
    """Points by (cell, language) and draws by (resample, cell, language)."""
    point = np.array(points, dtype=float)
    drawn = np.array(draws, dtype=float) if draws else point[None]
    return Estimates(point=point, sums_of=lambda cells: sums_of(drawn[:, list(cells)]))


class TestFinding:
    def test_seeds_are_replicates_and_draws_are_inside_of_them(self) -> None:
        cells = [cell("EN", seed=0), cell("EN", seed=0, draw=1), cell("EN", seed=7), cell("ENDE", seed=0), cell(None)]
        first, second, third = find_arms(cells)
        assert (first.key, first.languages, first.units) == (ArmKey("m", "d", "EN"), ("EN",), {0: (0, 1), 7: (2,)})
        assert (second.key.arm, second.languages, second.units) == ("ENDE", ("EN", "DE"), {0: (3,)})
        assert (third.key, third.languages, third.units) == (ArmKey("m", None, "untuned"), (), {None: (4,)})
        assert [arm.seeds for arm in (first, second, third)] == [2, 1, 0]

    def test_a_size_and_a_judging_by_native_references_are_arms_of_their_own(self) -> None:
        sized = cell("EN", seed=0, size=100)
        arms = find_arms([cell("EN", seed=0), sized, sized.rejudged(), cell("EN", seed=0, sampled=True)])
        assert [arm.key.arm for arm in arms] == ["EN", "EN@100", "EN@100+native"]

    def test_groups_are_the_benchmarks_languages_inside_and_outside_of_the_mix(self) -> None:
        mixed, untuned = find_arms([cell("ENES", seed=0), cell(None)])
        assert mixed.group("all", LANGUAGES) == LANGUAGES
        assert mixed.group("in-mix", LANGUAGES) == ("EN",)
        assert mixed.group("out-of-mix", LANGUAGES) == ("DE", "FR")
        assert [untuned.group(name, LANGUAGES) for name in ("all", "in-mix", "out-of-mix")] == [LANGUAGES, (), ()]

    @pytest.mark.parametrize(("seeds", "said"), [(0, "this model"), (2, "this model"), (3, "mix"), (9, "mix")])
    def test_few_seeds_speak_for_themselves_only(self, seeds: int, said: str) -> None:
        assert scope(seeds, 3) == said


class TestOrder:
    def test_is_the_reports_untuned_first_then_languages_then_larger_mixes(self) -> None:
        wanted = [
            cell(None),
            cell("EN", seed=0, size=10),
            cell("EN", seed=0, size=20),
            cell("EN", seed=0),
            cell("EN", seed=0, draw=1),
            cell("EN", seed=1),
            cell("DE", seed=0),
            cell("ENDEFR", seed=0),
            cell("ENDE", seed=0),
            cell("ENFR", seed=0),
        ]
        names = [each.cell for each in sorted(wanted, key=lambda each: cell_order(each, LANGUAGES))]
        singles = [each.cell for each in wanted if len(each.languages) == 1]
        assert names[0] == wanted[0].cell
        assert [name for name in names if name in singles] == singles
        assert names.index(cell("ENDE", seed=0).cell) < names.index(cell("ENFR", seed=0).cell)

    @given(st.randoms())
    def test_does_not_depend_on_where_cells_came_from(self, random: Random) -> None:
        cells = [cell(mix, seed=seed) for mix, seed in product(("EN", "DE", "ENDE", "XXEN"), (0, 1))] + [cell(None)]
        shuffled = random.sample(cells, len(cells))
        assert sorted(shuffled, key=lambda each: cell_order(each, LANGUAGES)) == sorted(
            cells, key=lambda each: cell_order(each, LANGUAGES)
        )


class TestReplicates:
    ARM = Arm(key=ArmKey("m", "d", "EN"), languages=("EN",), units={4: (0, 1), 2: (2,)})

    def test_languages_weigh_alike_and_draws_are_averaged_within_their_seed(self) -> None:
        """Seed 4 has two draws: (2 + 4 + 6 + 8) / 4; seed 2 has one: (1 + 4) / 2."""
        made = estimates([[2, 9, 4], [6, 9, 8], [1, 9, 4]], [[[1, 0, 1], [1, 0, 1], [3, 0, 5]]])
        found = Averages(made).replicates(self.ARM, on=[0, 2])
        assert found.labels == (4, 2)
        assert found.points.tolist() == [5.0, 2.5]
        assert found.draws.tolist() == [[1.0, 4.0]]

    def test_one_number_that_is_not_there_takes_its_replicate_with_it_and_no_other(self) -> None:
        found = Averages(estimates([[1, 1, 1], [1, float("nan"), 1], [7, 7, 7]])).replicates(self.ARM, on=[0, 1])
        assert np.isnan(found.points[0])
        assert found.points[1] == 7.0

    def test_what_was_averaged_is_not_averaged_again_and_one_arm_s_draws_are_made_once(self) -> None:
        made, asked = estimates([[1, 2, 3], [4, 5, 6], [7, 8, 9], [1, 1, 1]]), list[list[int]]()

        def counted(cells: Sequence[int]) -> Sums:
            asked.append(list(cells))
            return made.sums_of(cells)

        averages = Averages(Estimates(point=made.point, sums_of=counted))
        other = Arm(key=ArmKey("m", "d", "DE"), languages=("DE",), units={None: (3,)})
        first = averages.replicates(self.ARM, [0, 2])
        averages.replicates(self.ARM, [1])
        averages.replicates(other, [1])
        assert averages.replicates(self.ARM, [0, 2]) is first
        assert asked == [[0, 1, 2], [3]]
        averages.room = 0
        averages.replicates(other, [0])
        assert averages.replicates(self.ARM, [0, 2]) is not first
        assert averages.replicates(self.ARM, [0, 2]).draws.tolist() == first.draws.tolist()

    def test_those_of_some_labels_come_in_their_order(self) -> None:
        made = Replicates(labels=(4, 2, 9), points=np.array([1.0, 2.0, 3.0]), draws=np.array([[1.0, 2.0, 3.0]]))
        found = made.of((9, 4))
        assert (found.labels, found.points.tolist(), found.draws.tolist()) == ((9, 4), [3.0, 1.0], [[3.0, 1.0]])

    def test_an_arm_without_a_seed_stands_for_itself_under_each(self) -> None:
        made = Replicates(labels=(None,), points=np.array([5.0]), draws=np.array([[5.0], [6.0]]))
        found = made.of((0, 1, 2))
        assert found.points.tolist() == [5.0, 5.0, 5.0]
        assert found.draws.tolist() == [[5.0] * 3, [6.0] * 3]

    @given(
        st.lists(st.lists(st.integers(10, 100), min_size=3, max_size=3), min_size=1, max_size=8),
        st.lists(st.integers(0, 2), min_size=8, max_size=8),
        st.sets(st.integers(0, 2), min_size=1),
    )
    def test_points_are_plain_means(self, points: list[list[int]], seeds: list[int], on: set[int]) -> None:
        cells = [
            cell("EN", seed=seed, draw=number) for number, (seed, _) in enumerate(zip(seeds, points, strict=False))
        ]
        (arm,) = find_arms(cells)
        found = Averages(estimates(points)).replicates(arm, on=sorted(on))
        for label, point in zip(found.labels, found.points.tolist(), strict=True):
            values = [points[at][k] for at in range(len(points)) if seeds[at] == label for k in on]
            assert point == pytest.approx(float(Fraction(sum(values), len(values))), rel=1e-12)
