"""A blending model gives back what mixes were made of, and the best one stays in the set."""

import numpy as np
import pytest
from scipy.stats import f

from jobs.lib.stats.grid import Floats
from jobs.lib.stats.interval import student_quantile
from jobs.lib.stats.pooling import Pooled
from jobs.lib.stats.simplex_set import fisher_quantile, fit, tried_alone
from polyglot.core.blending import find_components, shares_of, simplex_design
from tests.bench.mixture_ratio import DESIGNS, TRUTHS, make, simulate

SHARES = [shares_of(mix) or {} for mix in simplex_design(("EN", "DE", "FR"))]
COMPONENTS = find_components(SHARES)
assert COMPONENTS is not None
TERMS = np.array([COMPONENTS.terms(COMPONENTS.at(one), "common") for one in SHARES])


def pooled(means: Floats, noise: float = 0.0, sd: float = 0.1) -> Pooled:
    """Ten mixes with three seeds; `noise` is that of questions, each mix's own."""
    random = np.random.Generator(np.random.Philox(5))
    draws = means + random.normal(0, noise, (4000, len(means))) + random.normal(0, 3, (4000, 1))
    return Pooled(means=means, draws=draws, seeds=np.full(len(means), 3.0), variance=sd**2, freedom=20, crossed=0.0)


def test_what_was_mixed_comes_out_and_what_all_share_is_no_error_of_differences() -> None:
    truth = np.array([7.0, 6.5, 6.0, 1.2, 0.8])
    surface = fit(pooled(TERMS @ truth), TERMS, 0.95, 72)
    assert surface.coefficients == pytest.approx(truth)
    assert surface.departure == 0
    compared = surface.compare(TERMS, [None] * 10)
    assert compared.reach.max() < 1.0  # questions that are hard for all mixes have an SD of 3
    assert np.allclose(np.diag(compared.reach), 0)
    assert np.allclose(compared.reach, compared.reach.T)


def test_mixes_that_depart_from_the_model_widen_the_limits() -> None:
    bent = TERMS @ np.array([7.0, 6.5, 6.0, 1.2, 0.8]) + np.array([0, 0, 0, 1, -1, 1, 0, -1, 1, -1.0])
    straight = fit(pooled(TERMS @ np.ones(5)), TERMS, 0.95, 72)
    surface = fit(pooled(bent), TERMS, 0.95, 72)
    assert surface.departure > 0.5
    new = [None] * 10
    assert surface.compare(TERMS, new).reach[0, 1] > 3 * straight.compare(TERMS, new).reach[0, 1]
    seen = surface.compare(TERMS, range(10))  # a tried mix is about as it was measured, and known as well
    assert seen.values == pytest.approx(bent, abs=0.05)
    assert seen.reach[0, 1] < 0.5 * surface.compare(TERMS, new).reach[0, 1]


def test_mixes_that_do_not_tell_the_coefficients_are_refused() -> None:
    with pytest.raises(ValueError, match="4 mixes do not tell 5 coefficients"):
        fit(pooled(np.ones(4)), TERMS[:4], 0.95, 72)


def test_without_a_model_a_mix_is_compared_with_the_others_at_a_shared_level() -> None:
    means = np.array([8.0, 7.9, 6.0])
    compared = tried_alone(pooled(means, sd=0.1), 0.95, 72).compare(np.eye(3), range(3))
    reach = student_quantile(1 - 0.05 / 2, 20) * 0.1 * np.sqrt(2 / 3)
    assert compared.reach[0, 1] == pytest.approx(reach)
    assert compared.behind == pytest.approx([0, 0.1, 2.0])
    assert compared.at_least == pytest.approx([0, 0, 2.0 - reach])  # the third is shown to be worse, the second is not
    assert compared.at_most == pytest.approx([max(0, reach - 0.1), 0.1 + reach, 2.0 + reach])


@pytest.mark.parametrize(("numerator", "denominator"), [(1, 5), (2, 10), (6, 28)])
def test_fisher_quantiles(numerator: int, denominator: int) -> None:
    assert fisher_quantile(0.95, numerator, denominator) == pytest.approx(f.ppf(0.95, numerator, denominator))


@pytest.mark.parametrize("truth", ["blending", "a fifth of English is needed"])
def test_the_bench_keeps_the_best_mix_in_the_set(truth: str) -> None:
    tally = simulate(make(DESIGNS["simplex, three languages"], TRUTHS[truth]), 0.1, 40, 10)
    assert tally.inside >= 36
    assert tally.size < 10  # it is not all of them, either
