"""What a study could show, before it runs."""

import json
from pathlib import Path

import numpy as np
import pytest

from polyglot.cli.options import Output
from polyglot.cli.power import print_power
from polyglot.core.errors import BadInput
from polyglot.core.student import student_quantile
from polyglot.estimates.power import Expected, power
from polyglot.plan.build import build_plan
from polyglot.study.profile import load_profile
from tests.kit.small_studies import locked

EXPECTED = Expected(questions=80, categories=8, seeds=3, seed_sd=0.1, question_sd=1.0)


def test_four_studies_of_five_find_it() -> None:
    """Simulated from its words: a difference with two sources of error, limits that are joined from both."""
    random = np.random.Generator(np.random.Philox(1))
    wanted, studies = EXPECTED.detectable(), 20_000
    questions, seeds = 1.0 / 80**0.5, 0.1 * 2**0.5
    each = random.normal(0, seeds, (studies, 3))
    found = wanted + random.normal(0, questions, studies) + each.mean(axis=1)
    reach = np.hypot(
        student_quantile(0.975, 72) * questions, student_quantile(0.975, 2) * each.std(axis=1, ddof=1) / 3**0.5
    )
    assert (found > reach).mean() == pytest.approx(0.8, abs=0.015)


def test_one_seed_knows_of_questions_alone() -> None:
    one = Expected(questions=80, categories=8, seeds=1, seed_sd=0.5, question_sd=1.0)
    assert one.detectable() == pytest.approx((1.9935 + 0.8416) / 80**0.5, abs=5e-4)


def test_more_seeds_and_questions_find_less_and_a_family_finds_more_only_when_larger() -> None:
    five = Expected(questions=80, categories=8, seeds=5, seed_sd=0.1, question_sd=1.0)
    more = Expected(questions=160, categories=8, seeds=3, seed_sd=0.1, question_sd=1.0)
    assert max(five.detectable(), more.detectable()) < EXPECTED.detectable() < EXPECTED.detectable(0.99)


def test_more_arms_alike_find_less_and_two_know_no_more_than_one_contrast() -> None:
    two, three, nine = (EXPECTED.detectable(arms=arms) for arms in (2, 3, 9))
    assert nine < three < two == EXPECTED.detectable()
    assert EXPECTED.detectable(0.997, arms=9) < 0.6 * EXPECTED.detectable(0.997)


def test_every_family_of_a_study_has_a_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = build_plan(locked(tmp_path, mixes="[EN, DE, ENDE]"), load_profile("local"))
    print_power(plan, EXPECTED, Output.JSON)
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["families"]}
    assert {name: row["contrasts"] for name, row in rows.items()} == {
        "primary: ENDE - EN": 1, "parallel - mono": 3, "untuned": 3,
    }  # fmt: skip
    assert rows["primary: ENDE - EN"]["alone"] == rows["primary: ENDE - EN"]["adjusted"]
    mono = rows["parallel - mono"]  # the best and the worst of several are chosen: their seeds alone are known
    assert mono["adjusted"] == pytest.approx(EXPECTED.detectable(1 - 0.05 / 3, arms=2))
    assert mono["adjusted"] > EXPECTED.detectable(1 - 0.05 / 3, arms=3)
    assert rows["untuned"]["adjusted"] == pytest.approx(EXPECTED.detectable(1 - 0.05 / 3))
    print_power(plan, EXPECTED, Output.TABLE)
    assert "3 seeds, SD 0.1 between seeds and 1 between questions" in capsys.readouterr().err
    with pytest.raises(BadInput, match="no such study"):
        print_power(plan, Expected(questions=1, categories=1, seeds=3, seed_sd=0.1, question_sd=1.0), Output.TABLE)


def test_a_study_that_compares_nothing_has_no_rows() -> None:
    assert power((), (), EXPECTED) == []
