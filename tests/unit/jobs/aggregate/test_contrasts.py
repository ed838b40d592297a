"""Contrasts worked out by hand, and what holds for all of them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from jobs.aggregate.arms import Arm, Averages, find_arms
from jobs.aggregate.contrasts import Difference, pair_up, same_arm_pairs
from jobs.aggregate.seeds import SideErrors
from jobs.lib.stats.interval import Interval
from jobs.lib.stats.resampling import Estimates
from polyglot.core.errors import Permanent
from polyglot.kinds.cells import ArmKey, Cell, Contrast, Family
from tests.kit.drawn import sums_of

LANGUAGES = ("EN", "DE")
QUESTIONS = 10**12  # so many that nothing is widened for what they may hide
Seeds = Mapping[int | None, Sequence[float]]  # label -> the value in each resample; the first is the point too


def contrast(
    treatment: tuple[str, ...],
    control: tuple[str, ...],
    *,
    family: Family = Family.CUSTOM,
    on: tuple[str, ...] = ("EN",),
) -> Contrast:
    ours, theirs = (tuple(map(_key, side)) for side in (treatment, control))
    return Contrast(name="t - c", family=family, model="m", dataset="d", treatment=ours, control=theirs, on=on)


def _key(name: str) -> ArmKey:
    return ArmKey.untuned("m") if name == "untuned" else ArmKey("m", "d", name)


class Compared(NamedTuple):
    """What comes of one contrast."""

    interval: Interval
    labels: tuple[int | None, ...]
    per_seed: tuple[float, ...]
    seeds: int
    selected: str | None


def limits(interval: Interval) -> tuple[float, float, float]:
    return interval.low, interval.mean, interval.high


class Study:
    """Arms by name, each with its seeds; every language has the same numbers, plus ten times its place."""

    def __init__(self, **arms: Seeds) -> None:
        cells, points, draws = [], [], []
        for name, seeds in arms.items():
            for seed, values in seeds.items():
                untuned, is_baseline = name == "untuned", name == "baseline"
                tuned = not untuned and not is_baseline
                cells.append(
                    Cell(
                        cell=f"{name}/s{seed}",
                        model="chat" if is_baseline else "m",
                        dataset="d" if tuned else None,
                        mix=name if tuned else None,
                        baseline="model" if is_baseline else "",
                        languages=("EN",),
                        seed=seed,
                    )
                )
                points.append([values[0], values[0] + 10])
                draws.append([[value, value + 10] for value in values])
        self.arms: dict[ArmKey, Arm] = {arm.key: arm for arm in find_arms(cells)}
        self.point, self.draws = np.array(points, float), np.array(draws, float).transpose(1, 0, 2)

    @property
    def averages(self) -> Averages:
        """Of the points and draws as they are now."""
        found = Estimates(point=self.point, sums_of=lambda cells: sums_of(self.draws[:, list(cells)]))
        return Averages(found, tuple(self.arms.values()))

    def compare(
        self, what: Contrast, *, questions: int = QUESTIONS, scale: tuple[float, float] = (-1e3, 1e3)
    ) -> Compared:
        paired = pair_up(what, self.arms, self.averages, LANGUAGES)
        return Compared(
            Difference.of(paired, questions, scale).interval(0.5),
            paired.labels,
            tuple(paired.points.tolist()),
            paired.seeds,
            paired.selected,
        )


class TestMean:
    def test_differences_are_paired_by_seed(self) -> None:
        study = Study(T={0: [8, 8], 1: [6, 6]}, C={0: [5, 5], 1: [5, 5]})
        found = study.compare(contrast(("T",), ("C",)))
        assert (found.labels, found.per_seed, found.seeds, found.selected) == ((0, 1), (3.0, 1.0), 2, None)
        assert found.interval.mean == 2.0

    def test_only_seeds_of_every_arm_count_in_the_treatments_order(self) -> None:
        study = Study(T={2: [8], 0: [6], 5: [9]}, C={0: [1], 2: [2], 7: [3]})
        found = study.compare(contrast(("T",), ("C",)))
        assert (found.labels, found.per_seed) == ((2, 0), (6.0, 5.0))

    def test_several_arms_on_a_side_are_averaged(self) -> None:
        study = Study(A={0: [8]}, B={0: [4]}, C={0: [1]}, D={0: [2]}, E={0: [6]})
        found = study.compare(contrast(("A", "B"), ("C", "D", "E")))
        assert found.per_seed == (3.0,)  # (8 + 4) / 2 - (1 + 2 + 6) / 3

    def test_languages_weigh_alike(self) -> None:
        study = Study(T={0: [8]}, C={0: [5]})
        study.point[0, 1] = 25.0  # the treatment in DE, against 15
        assert study.compare(contrast(("T",), ("C",), on=("EN", "DE"))).per_seed == (6.5,)

    def test_one_seed_has_the_limits_of_its_resamples(self) -> None:
        """At level 0.5 the quartiles of 0, 1, 2, 3, 4."""
        found = Study(T={0: [2, 0, 1, 3, 4]}, C={0: [0] * 5}).compare(contrast(("T",), ("C",)))
        assert limits(found.interval) == pytest.approx((1.0, 2.0, 3.0))

    def test_what_varies_alike_on_both_sides_is_no_uncertainty(self) -> None:
        hard = [5, 1, 9, 3, 7]
        found = Study(T={0: [value + 2 for value in hard]}, C={0: hard}).compare(contrast(("T",), ("C",)))
        assert limits(found.interval) == pytest.approx((2.0, 2.0, 2.0))

    def test_seeds_that_differ_widen_by_students_t(self) -> None:
        """Two seeds, 3 and 1: error 1, and the quartile of t with one degree of freedom is 1."""
        found = Study(T={0: [3], 1: [1]}, C={0: [0], 1: [0]}).compare(contrast(("T",), ("C",)))
        assert limits(found.interval) == pytest.approx((1.0, 2.0, 3.0))

    def test_the_untuned_model_stands_under_every_seed(self) -> None:
        study = Study(T={0: [8], 1: [6]}, C={0: [5], 1: [5]}, untuned={None: [1]})
        found = study.compare(contrast(("T",), ("untuned",)))
        assert (found.labels, found.per_seed, found.seeds) == ((0, 1), (7.0, 5.0), 2)

    def test_against_one_model_the_seeds_of_the_mix_and_the_questions_are_the_uncertainty(self) -> None:
        """As against an arm whose seeds all agree: nothing is added for the model, and no question is unpaired."""
        hard = [5, 1, 9, 3, 7]
        ours = {0: [value + 3 for value in hard], 1: [value + 1 for value in hard]}
        one = Study(T=ours, untuned={None: hard}).compare(contrast(("T",), ("untuned",)))
        same = Study(T=ours, C={0: hard, 1: hard}).compare(contrast(("T",), ("C",)))
        assert limits(one.interval) == limits(same.interval) == pytest.approx((1.0, 2.0, 3.0))

    def test_a_baseline_is_of_no_model_and_data_set(self) -> None:
        study = Study(T={0: [8], 1: [6]}, baseline={None: [1]})
        what = contrast(("T",), ())
        found = study.compare(replace(what, control=(ArmKey.baseline("chat"),)))
        assert (found.labels, found.per_seed) == ((0, 1), (7.0, 5.0))
        back = study.compare(replace(what, treatment=(ArmKey.baseline("chat"),), control=what.treatment))
        assert (back.labels, back.per_seed, back.seeds) == ((0, 1), (-7.0, -5.0), 2)

    def test_a_baseline_that_the_study_lacks_is_named(self) -> None:
        what = replace(contrast(("T",), ()), control=(ArmKey.baseline("other"),))
        with pytest.raises(Permanent, match="the study has no arm 'baseline:other' of other"):
            Study(T={0: [8]}).compare(what)

    def test_two_that_have_no_seed_are_one_pair_without_one(self) -> None:
        study = Study(T={None: [8]}, C={None: [5]})
        found = study.compare(contrast(("T",), ("C",)))
        assert (found.labels, found.per_seed, found.seeds) == ((None,), (3.0,), 0)

    def test_a_difference_stays_on_its_scale(self) -> None:
        found = Study(T={0: [10], 1: [10]}, C={0: [1], 1: [1]}).compare(contrast(("T",), ("C",)), scale=(1, 10))
        assert (found.interval.mean, found.interval.high) == (9.0, 9.0)

    def test_few_questions_widen_what_does_not_vary(self) -> None:
        study, what = Study(T={0: [10, 10]}, C={0: [1, 1]}), contrast(("T",), ("C",))
        few, many = (study.compare(what, questions=number, scale=(1, 10)).interval for number in (10, 100))
        assert few.low < many.low < 9.0


class TestChoice:
    STUDY = Study(T={0: [8], 1: [8]}, A={0: [5], 1: [7]}, B={0: [6], 1: [6]}, C={0: [1], 1: [9]})

    @pytest.mark.parametrize(
        ("family", "chosen", "per_seed"),
        [(Family.PARALLEL_BEST, "A", (3.0, 1.0)), (Family.PARALLEL_WORST, "C", (7.0, -1.0))],
    )
    def test_one_control_is_chosen_by_its_mean_over_seeds(
        self, family: Family, chosen: str, per_seed: tuple[float, ...]
    ) -> None:
        """A and B have the same mean: the first is taken."""
        found = self.STUDY.compare(contrast(("T",), ("A", "B", "C"), family=family))
        assert (found.selected, found.per_seed) == (chosen, per_seed)

    def test_the_choice_is_made_anew_in_every_resample(self) -> None:
        """A is best on the real questions; where it is not, another one would have been taken."""
        study = Study(T={0: [10] * 5}, A={0: [6, 6, 1, 1, 1]}, B={0: [5, 5, 9, 9, 9]})
        alone = study.compare(contrast(("T",), ("A",)))
        chosen = study.compare(contrast(("T",), ("A", "B"), family=Family.PARALLEL_BEST))
        assert limits(alone.interval) == pytest.approx((4.0, 4.0, 9.0))
        assert chosen.selected == "A"
        assert limits(chosen.interval) == pytest.approx((1.0, 4.0, 9.0))  # 10 - 9, in three resamples of five


class TestSeeds:
    """Four arms of one group, whose seeds scatter on questions; one of another, and one that is not tuned."""

    def study(self) -> Study:
        random = np.random.Generator(np.random.Philox(5))
        names = {"T": 8, "A": 5, "B": 6, "C": 4, "D@50": 7}
        return Study(
            untuned={None: [1.0] * 50},
            **{name: {seed: random.normal(mean, 1, 50).tolist() for seed in range(3)} for name, mean in names.items()},
        )

    def errors(self, treatment: tuple[str, ...], control: tuple[str, ...]) -> tuple[int | None, SideErrors | None]:
        study = self.study()
        for key, arm in study.arms.items():
            size = 50 if "@" in key.arm else None
            peers = None if arm.peers is None else arm.peers._replace(size=size)
            study.arms[key] = dataclasses.replace(arm, peers=peers)
        paired = pair_up(contrast(treatment, control), study.arms, study.averages, LANGUAGES)
        return paired.seed_freedom, paired.errors

    def test_arms_of_a_group_know_how_much_seeds_vary_from_all_of_it(self) -> None:
        freedom, errors = self.errors(("T",), ("A",))
        assert freedom == 6  # (4 - 1) x (3 - 1)
        assert errors is not None
        assert [len(side) for side in errors] == [1, 1]

    def test_several_arms_on_a_side_vary_less(self) -> None:
        one, several = self.errors(("T",), ("A",))[1], self.errors(("T",), ("A", "B", "C"))[1]
        assert one is not None
        assert several is not None
        assert several.treatment == one.treatment
        assert several.control[0].error < 0.8 * one.control[0].error

    def test_what_stands_on_both_sides_cancels(self) -> None:
        both = self.errors(("T", "A"), ("A",))[1]
        alone = self.errors(("T",), ("A",))[1]
        assert both is not None
        assert alone is not None
        assert sum(part.error**2 for side in both for part in side) == pytest.approx(
            sum(part.error**2 for side in alone for part in side) / 4
        )

    @pytest.mark.parametrize("control", ["D@50", "untuned"])
    def test_across_groups_a_contrast_stands_with_its_own_seeds(self, control: str) -> None:
        assert self.errors(("T",), (control,)) == (2, None)


class TestRefusal:
    STUDY = Study(T={0: [8]}, C={1: [5]})

    @pytest.mark.parametrize(
        ("what", "said"),
        [
            (contrast(("X",), ("C",)), "the study has no arm 'X' of m"),
            (contrast(("T",), ("C",)), "its arms share no training seed"),
            (contrast(("T",), ("T",), on=("EN", "FR")), r"the benchmark is not in \['FR'\]"),
            (contrast(("T",), ("T",), on=()), "the benchmark is not in any of its languages"),
        ],
    )
    def test_what_cannot_be_compared_is_named(self, what: Contrast, said: str) -> None:
        with pytest.raises(Permanent, match=f"^contrast 't - c': {said}"):
            self.STUDY.compare(what)


class TestSameArmPairs:
    def test_every_two_seeds_of_every_arm_once(self) -> None:
        study = Study(T={0: [8], 1: [6], 2: [3]}, C={0: [5], 1: [1]})
        found = same_arm_pairs(contrast(("T",), ("C", "T")), study.arms, study.averages, LANGUAGES)
        assert [(pair.arm, pair.pair, pair.difference) for pair in found] == [
            ("T", (0, 1), 2.0),
            ("T", (0, 2), 5.0),
            ("T", (1, 2), 3.0),
            ("C", (0, 1), 4.0),
        ]

    def test_one_seed_has_nothing_to_be_compared_with(self) -> None:
        study = Study(T={0: [8]}, C={0: [5]})
        assert same_arm_pairs(contrast(("T",), ("C",)), study.arms, study.averages, LANGUAGES) == []


VALUES = st.lists(st.integers(1, 10), min_size=4, max_size=4)
ARMS = st.integers(1, 3).flatmap(
    lambda seeds: st.dictionaries(st.integers(0, 4), VALUES, min_size=seeds, max_size=seeds)
)


@st.composite
def studies(draw: st.DrawFn) -> Study:
    """Arms T, A and B, with one seed in common at least."""
    return Study(**{name: draw(ARMS) | {9: draw(VALUES)} for name in ("T", "A", "B")})


@given(studies())
def test_turned_round_a_difference_has_the_other_sign(study: Study) -> None:
    there = study.compare(contrast(("T",), ("A",)), scale=(1, 10))
    back = study.compare(contrast(("A",), ("T",)), scale=(1, 10))
    assert sorted(there.per_seed) == sorted(-value for value in back.per_seed)
    low, mean, high = limits(back.interval)
    assert limits(there.interval) == pytest.approx((-high, -mean, -low))


@given(studies(), st.integers(-5, 5))
def test_what_is_added_everywhere_changes_no_difference(study: Study, added: int) -> None:
    before = study.compare(contrast(("T",), ("A", "B")))
    study.point[:] += added
    study.draws[:] += added
    after = study.compare(contrast(("T",), ("A", "B")))
    assert after.per_seed == pytest.approx(before.per_seed)
    assert limits(after.interval) == pytest.approx(limits(before.interval), abs=1e-6)


@given(studies(), st.sampled_from([Family.PARALLEL_BEST, Family.PARALLEL_WORST, Family.CUSTOM]))
def test_the_estimate_is_the_mean_over_seeds_and_inside_of_its_limits(study: Study, family: Family) -> None:
    found = study.compare(contrast(("T",), ("A", "B"), family=family), scale=(1, 10))
    assert found.interval.mean == pytest.approx(sum(found.per_seed) / len(found.per_seed))
    assert -9 <= found.interval.low <= found.interval.mean <= found.interval.high <= 9


@given(studies(), st.sampled_from([(Family.PARALLEL_BEST, min), (Family.PARALLEL_WORST, max)]))
def test_a_choice_is_the_extreme_of_single_contrasts_and_no_more_certain(
    study: Study, chosen: tuple[Family, object]
) -> None:
    family, extreme = chosen
    common = [label for label in study.compare(contrast(("T",), ("A", "B"))).labels]
    for arm in study.arms.values():  # so that the three contrasts are over the same seeds
        study.arms[arm.key] = Arm(
            key=arm.key, languages=arm.languages, units={label: arm.units[label] for label in common}
        )
    found = study.compare(contrast(("T",), ("A", "B"), family=family))
    single = {name: study.compare(contrast(("T",), (name,))) for name in ("A", "B")}
    assert found.selected is not None
    alone = single[found.selected]
    means = [each.interval.mean for each in single.values()]
    assert found.interval.mean == pytest.approx(min(means) if family is Family.PARALLEL_BEST else max(means))
    assert found.per_seed == alone.per_seed
    assert found.interval.low <= alone.interval.low + 1e-9
    assert found.interval.high >= alone.interval.high - 1e-9
