"""What arms share of their spread between seeds: worked out by hand, and who borrows nothing."""

import numpy as np
import pytest

from jobs.lib.stats.grid import Floats
from jobs.lib.stats.sharing import share
from polyglot.core.detectable import SeedError

ALIKE = np.array([[1.0, 2.0, 3.0], [6.0, 5.0, 4.0], [2.0, 4.0, 3.0], [7.0, 7.0, 7.0]])  # (arms, seeds)
SCATTER = np.full(4, 0.5)


def test_the_dispersion_is_that_of_what_is_left_after_means_of_arms_and_seeds() -> None:
    found = share(ALIKE, SCATTER)
    assert found is not None
    left = ALIKE - ALIKE.mean(axis=1, keepdims=True)
    left = left - left.mean(axis=0)
    assert found.freedom == 6
    assert found.dispersion == pytest.approx((left**2).sum() / 6 / 0.5)
    assert found.errors({0: 1.0, 1: -1.0}) == (SeedError(pytest.approx((found.dispersion / 3) ** 0.5), 6),)


def test_what_a_seed_does_to_all_arms_is_in_none_of_it() -> None:
    one, other = (share(ALIKE + np.array([0.0, 5.0, -9.0]) * by, SCATTER) for by in (0, 1))
    assert one is not None
    assert other is not None
    assert other.dispersion == pytest.approx(one.dispersion)
    assert other.own == pytest.approx(one.own)


def test_an_arm_whose_seeds_scatter_more_on_given_questions_may_vary_as_much_more() -> None:
    random = np.random.Generator(np.random.Philox(2))
    scale = np.array([1.0, 1.0, 2.0, 0.5, 1.0])
    of = [share(random.normal(0, 1, (5, 3)) * scale[:, None], scale**2) for _ in range(4000)]
    doubted = np.mean([[not borrows for borrows in found.borrows] for found in of if found is not None], axis=0)
    assert doubted == pytest.approx(0.1, abs=0.025)


def test_an_arm_that_varies_plainly_more_is_left_out_and_stands_by_itself() -> None:
    points = np.vstack([ALIKE, [50.0, -50.0, 0.0]])
    found, without = share(points, np.full(5, 0.5)), share(ALIKE, SCATTER)
    assert found is not None
    assert without is not None
    assert found.borrows == (*without.borrows, False)
    assert (found.dispersion, found.freedom) == (pytest.approx(without.dispersion), without.freedom)
    deviations = points[4] - ALIKE.mean(axis=0) - (points[4] - ALIKE.mean(axis=0)).mean()
    assert found.own[4] == pytest.approx((deviations**2).sum() / 2 / 0.5)  # of the arm less the mean of the others
    part = found.errors({4: 1.0, 0: -1.0})[-1]
    assert (part.error, part.freedom) == (pytest.approx((found.own[4] * 0.5 / 3) ** 0.5), 2)


def test_an_arm_in_doubt_borrows_nothing_and_the_others_borrow_from_it() -> None:
    """F of 4.2 with 2 and 8 degrees of freedom: a chance of 6 per cent."""
    random = np.random.Generator(np.random.Philox(3))
    for _ in range(200):
        points = random.normal(0, 1, (6, 3)) * np.array([2.0, 1, 1, 1, 1, 1])[:, None]
        found = share(points, np.ones(6))
        if found is not None and found.freedom == 10 and not found.borrows[0]:
            break
    assert found is not None
    left = points - points.mean(axis=1, keepdims=True)
    left = left - left.mean(axis=0)
    assert found.dispersion == pytest.approx((left**2).sum() / 10)
    assert [part.freedom for part in found.errors({0: 1.0, 1: -1.0})] == [10, 2]


@pytest.mark.parametrize(("level", "chance"), [("doubt", 0.1), ("left out", 0.02)])
def test_so_many_arms_that_vary_alike_borrow_nothing(level: str, chance: float) -> None:
    """Of four arms the first is in doubt in a tenth of studies, and left out in a fiftieth."""
    random = np.random.Generator(np.random.Philox(4))
    of = [share(random.normal(0, 1, (4, 3)), np.ones(4)) for _ in range(4000)]
    known = [found for found in of if found is not None]
    if level == "doubt":
        assert np.mean([not found.borrows[0] for found in known]) == pytest.approx(chance, abs=0.02)
    else:
        assert np.mean([found.freedom < 6 for found in known]) == pytest.approx(4 * chance, abs=0.02)


@pytest.mark.parametrize(
    ("points", "scatter"),
    [
        (ALIKE[:2], SCATTER[:2]),
        (ALIKE, np.array([0.5, 0.5, 0.0, 0.0])),
        (np.where(ALIKE > 3, np.nan, ALIKE), SCATTER),
        (ALIKE[:, :1], SCATTER),
    ],
)
def test_two_arms_and_one_seed_share_nothing(points: np.ndarray, scatter: np.ndarray) -> None:
    assert share(points, scatter) is None


def test_arms_whose_seeds_never_differ_share_that() -> None:
    found = share(np.tile([[1.0], [2.0], [3.0]], (1, 3)), np.ones(3))
    assert found is not None
    assert (found.dispersion, found.borrows) == (0.0, (True, True, True))


def test_seeds_that_answer_alike_share_nothing_however_their_mean_rounds() -> None:
    """Three times 0.1 over 3 is not 0.1: a scatter that came of rounding is none."""
    points = np.vstack([ALIKE, np.full((1, 3), 5.1)])
    exact, rounded = (share(points, np.append(SCATTER, scatter)) for scatter in (0.0, 1e-31))
    assert exact is not None
    assert rounded is not None
    assert rounded.borrows == exact.borrows == (*share_of(ALIKE), False)
    assert (rounded.dispersion, rounded.freedom) == (exact.dispersion, exact.freedom)


def share_of(points: Floats) -> tuple[bool, ...]:
    found = share(points, SCATTER)
    assert found is not None
    return found.borrows
