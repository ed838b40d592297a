"""The aggregate job on verdict files with known effects."""

import csv
import hashlib
import random
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from polyglot.core.errors import Corrupt, Permanent
from polyglot.kinds.aggregate import AggregateParams
from polyglot.kinds.cells import ArmKey, Contrast, Family
from tests.kit.aggregated import FILES, contrasts_of, edit, rows, run
from tests.kit.fake_scores import (
    LANGUAGES,
    FakeStudy,
    cells_of,
    contrast,
    study,
    untuned,
    usual_ability,
)

MONO = LANGUAGES


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> tuple[FakeStudy, dict[str, bytes]]:
    root = tmp_path_factory.mktemp("usual")
    contrasts = (
        *(contrast(f"parallel - mono {which}", "ENDEFRITES", *MONO) for which in ("mean", "best", "worst")),
        contrast("parallel - sampled", "ENDEFRITES", "ENDEFRITES-sampled"),
        contrast("left out", "DEFRITES", "DE", "FR", "IT", "ES", on=("EN",)),
    )
    mixes = (*MONO, "ENDEFRITES", "ENDEFRITES-sampled", "DEFRITES")
    made = study(mixes, (0, 1, 2), contrasts, failed_share=0.02).write(root / "in")
    return made, run(made, root)


class TestBasics:
    def test_a_language_is_the_mean_of_its_turn_scores(self, tmp_path: Path) -> None:
        made = study(("EN",), (0,)).write(tmp_path / "in")

        def scored(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [record | {"score": 10.0 if record["turn"] == 1 else 7.0} for record in records]

        edit(made, "verdicts:tiny/built-in/EN/s0", "verdicts/DE.jsonl", scored)
        files = run(made, tmp_path)
        (row,) = rows(files, "cells", cell="tiny/built-in/EN/s0", language="DE", category=None, turn=None)
        assert (row["mean"], row["exact_share"]) == (8.5, 0.5)
        assert (row["low"], row["high"]) == (7.6834, 8.6633)  # 8.5 on each of 32 questions: 0.025 ** (1 / 32)
        (second,) = rows(files, "cells", cell="tiny/built-in/EN/s0", language="DE", turn=2)
        assert (second["mean"], second["exact_share"]) == (7.0, 0.0)

    def test_all_is_the_unweighted_mean_of_languages(self, usual: tuple[FakeStudy, dict[str, bytes]]) -> None:
        _, files = usual
        parts = [rows(files, "arms", arm="DEFRITES", language=name)[0]["mean"] for name in LANGUAGES]
        (every,) = rows(files, "arms", arm="DEFRITES", language="all")
        assert every["mean"] == pytest.approx(sum(parts) / 5, abs=1e-4)

    def test_in_mix_and_out_of_mix_stand_apart_where_both_exist(
        self, usual: tuple[FakeStudy, dict[str, bytes]]
    ) -> None:
        _, files = usual
        (inside,) = rows(files, "arms", arm="DEFRITES", language="in-mix")
        (outside,) = rows(files, "arms", arm="DEFRITES", language="out-of-mix")
        assert (inside["languages"], outside["languages"]) == (["DE", "FR", "IT", "ES"], ["EN"])
        assert inside["exact_share"] > 0.5 > outside["exact_share"]
        assert not rows(files, "arms", arm="ENDEFRITES", language="out-of-mix")
        assert not rows(files, "arms", arm="untuned", language="in-mix")

    def test_limits_hold_the_estimate_and_stay_on_the_scale(self, usual: tuple[FakeStudy, dict[str, bytes]]) -> None:
        _, files = usual
        for row in rows(files, "arms"):
            assert 1 <= row["low"] <= row["mean"] <= row["high"] <= 10
            assert 0 <= row["exact_low"] <= row["exact_share"] <= row["exact_high"] <= 1

    def test_three_seeds_make_a_claim_about_the_mix_and_two_do_not(self, tmp_path: Path) -> None:
        for seeds, claim in (((0, 1, 2), "mix"), ((0, 1), "this model")):
            made = study(("EN", "DE"), seeds, (contrast("custom", "EN", "DE"),)).write(tmp_path / "in")
            files = run(made, tmp_path)
            assert {row["claim"] for row in rows(files, "arms", arm="EN")} == {claim}
            assert [row["claim"] for row in contrasts_of(files)] == [claim]

    def test_draws_under_one_seed_are_averaged_within_it(self, tmp_path: Path) -> None:
        first = cells_of(("ENDE-sampled",), (0, 1))
        again = [replace(cell, draw=1, cell=f"{cell.cell}/d1") for cell in first]
        made = FakeStudy(cells=(*first, *again), ability=usual_ability, resamples=200, per_category=4)
        files = run(made.write(tmp_path / "in"), tmp_path)
        (row,) = rows(files, "arms", language="all")
        assert (row["seeds"], row["seed_ids"]) == (2, [0, 1])
        cells = {cell.cell: rows(files, "cells", cell=cell.cell, category=None, turn=None) for cell in made.cells}
        means = {name: sum(found["mean"] for found in each) / 5 for name, each in cells.items()}
        expected = (means[first[0].cell] + means[again[0].cell]) / 2
        assert row["per_seed"][0] == pytest.approx(expected, abs=2e-4)

    @pytest.mark.parametrize("seeds", [(0,), (7,), (0, 1)])
    def test_an_arm_with_draws_is_paired_by_seed_with_one_that_has_none(
        self, tmp_path: Path, seeds: tuple[int, ...]
    ) -> None:
        sampled = cells_of(("ENDE-sampled",), seeds)
        again = [replace(cell, draw=draw, cell=f"{cell.cell}/d{draw}") for draw in (1, 2) for cell in sampled]
        made = FakeStudy(
            cells=(*cells_of(("EN",), seeds), *sampled, *again),
            contrasts=(contrast("sampled - mono mean", "ENDE-sampled", "EN"),),
            ability=usual_ability,
            resamples=200,
            per_category=2,
        ).write(tmp_path / "in")
        score = {"EN": lambda cell: 3.0, "ENDE-sampled": lambda cell: 4.0 + 2 * cell.draw}
        for cell in made.cells:
            value = score[cell.mix or ""](cell)
            for language in LANGUAGES:
                edit(
                    made,
                    f"verdicts:{cell.cell}",
                    f"verdicts/{language}.jsonl",
                    lambda records, value=value: [record | {"score": value} for record in records],
                )
        files = run(made, tmp_path)
        means = {row["arm"]: row["mean"] for row in rows(files, "arms", language="all")}
        assert means == {"EN": 3.0, "ENDE-sampled": 6.0}
        (row,) = contrasts_of(files)
        assert (row["difference"], row["seed_ids"], row["seeds"]) == (3.0, list(seeds), len(seeds))
        assert {pair["arm"] for pair in row["aa"]} == ({"EN", "ENDE-sampled"} if len(seeds) > 1 else set())

    def test_csv_says_what_json_says(self, usual: tuple[FakeStudy, dict[str, bytes]]) -> None:
        _, files = usual
        table = list(csv.DictReader(files["contrasts.csv"].decode().splitlines()))
        assert [float(row["difference"]) for row in table] == [row["difference"] for row in contrasts_of(files)]
        scores = list(csv.DictReader(files["scores.csv"].decode().splitlines()))
        arms = [row for row in scores if row["table"] == "arm"]
        assert [float(row["mean"]) for row in arms] == [row["mean"] for row in rows(files, "arms")]


class TestFailures:
    def test_failed_verdicts_are_counted_and_never_averaged(self, tmp_path: Path) -> None:
        made = study(("EN",), (0,)).write(tmp_path / "in")

        def broken(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [
                record | ({"score": 8.0} if number % 3 else {"score": None, "reason": "http-503"})
                for number, record in enumerate(records)
            ]

        edit(made, "verdicts:tiny/built-in/EN/s0", "verdicts/FR.jsonl", broken)
        files = run(made, tmp_path)
        (row,) = rows(files, "cells", cell="tiny/built-in/EN/s0", language="FR", category=None, turn=None)
        assert (row["mean"], row["low"], row["high"]) == (8.0, 7.2378, 8.2178)  # 32 questions that all give 8
        assert (row["verdicts"], row["failed"]) == (64, 22)

    def test_a_verdict_that_is_not_there_is_a_failed_one(self, tmp_path: Path) -> None:
        made = study(("EN",), (0,)).write(tmp_path / "in")
        edit(made, "verdicts:tiny/built-in/EN/s0", "verdicts/IT.jsonl", lambda records: records[5:])
        (row,) = rows(run(made, tmp_path), "cells", cell="tiny/built-in/EN/s0", language="IT", category=None, turn=None)
        assert (row["verdicts"], row["failed"]) == (64, 5)

    def test_a_language_without_any_valid_verdict_has_no_mean_and_neither_has_all(self, tmp_path: Path) -> None:
        made = study(("EN",), (0,)).write(tmp_path / "in")
        edit(
            made,
            "verdicts:tiny/built-in/EN/s0",
            "verdicts/ES.jsonl",
            lambda records: [record | {"score": None} for record in records],
        )
        files = run(made, tmp_path)
        assert rows(files, "arms", arm="EN", language="ES")[0]["mean"] is None
        assert rows(files, "arms", arm="EN", language="all")[0]["low"] is None
        assert rows(files, "arms", arm="EN", language="in-mix")[0]["mean"] is not None

    def test_the_share_of_answers_cut_at_the_limit_is_given(self, tmp_path: Path) -> None:
        made = study(("EN",), (0,)).write(tmp_path / "in")

        def cut(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
            for number, record in enumerate(records):
                for turn in record["turns"]:
                    turn["finish"] = ("length", "stop", "eos", "eos")[number % 4]
            return records

        edit(made, "answers:tiny/built-in/EN/s0", "answers/DE.jsonl", cut)
        (row,) = rows(run(made, tmp_path), "cells", cell="tiny/built-in/EN/s0", language="DE", category=None, turn=None)
        assert (row["cut"], row["answer_turns"], row["cut_share"], row["stopped"]) == (16, 64, 0.25, 16)
        (row,) = rows(run(made, tmp_path), "cells", cell="tiny/built-in/EN/s0", language="EN", category=None, turn=None)
        assert (row["cut"], row["answer_turns"], "stopped" in row) == (0, 64, False)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda records: [*records, records[0]], "two verdicts on sample 0"),
            (lambda records: [records[0] | {"id": "999"}], "the benchmark does not have"),
            (lambda records: [records[0] | {"turn": 3}], "the benchmark does not have"),
            (lambda records: [records[0] | {"score": 11.0}], "got score 11.0, expected 1 to 10 or null"),
            (lambda records: [records[0] | {"score": float("nan")}], "EN.jsonl:1: JSON is malformed"),
            (lambda records: [records[0] | {"score": "7"}], "EN.jsonl:1: Expected `float . null`, got `str`"),
        ],
    )
    def test_verdicts_that_cannot_be_are_refused(self, tmp_path: Path, change: Any, message: str) -> None:
        made = study(("EN",), (0,)).write(tmp_path / "in")
        edit(made, "verdicts:tiny/built-in/EN/s0", "verdicts/EN.jsonl", change)
        with pytest.raises((Permanent, Corrupt), match=message):
            run(made, tmp_path)

    def test_a_contrast_with_an_arm_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        made = study(("EN",), (0,), (contrast("custom", "EN", "DE"),)).write(tmp_path / "in")
        with pytest.raises(Permanent, match="the study has no arm 'DE' of tiny"):
            run(made, tmp_path)


class TestContrasts:
    def test_a_difference_is_the_mean_over_seeds_of_paired_differences(
        self, usual: tuple[FakeStudy, dict[str, bytes]]
    ) -> None:
        _, files = usual
        row = contrasts_of(files)[3]
        ours = rows(files, "arms", arm="ENDEFRITES", language="all")[0]["per_seed"]
        theirs = rows(files, "arms", arm="ENDEFRITES-sampled", language="all")[0]["per_seed"]
        assert row["per_seed"] == pytest.approx([a - b for a, b in zip(ours, theirs, strict=True)], abs=2e-4)
        assert row["difference"] == pytest.approx(sum(row["per_seed"]) / 3, abs=1e-4)

    def test_known_effects_are_found(self, usual: tuple[FakeStudy, dict[str, bytes]]) -> None:
        _, files = usual
        mean, best, worst, same, left_out = contrasts_of(files)
        assert mean["exact_low"] > 0.3
        assert worst["difference"] >= mean["difference"] >= best["difference"] > 0
        assert same["low"] < 0 < same["high"]  # drawn 0.25 logits apart: too little for these seeds
        assert left_out["exact_low"] > 0 or left_out["exact_difference"] > 0.03

    def test_best_and_worst_name_the_arm_and_are_the_extremes(self, usual: tuple[FakeStudy, dict[str, bytes]]) -> None:
        _, files = usual
        means = {arm: rows(files, "arms", arm=arm, language="all")[0]["mean"] for arm in MONO}
        _, best, worst, *_ = contrasts_of(files)
        assert best["selected"] == max(means, key=lambda arm: means[arm])
        assert worst["selected"] == min(means, key=lambda arm: means[arm])

    def test_every_pair_of_seeds_of_every_arm_stands_beside_a_contrast(
        self, usual: tuple[FakeStudy, dict[str, bytes]]
    ) -> None:
        _, files = usual
        mean, *_, left_out = contrasts_of(files)
        assert len(mean["aa"]) == 6 * 3
        pair = next(pair for pair in left_out["aa"] if pair["arm"] == "DEFRITES" and pair["pair"] == [0, 2])
        seeds = rows(files, "arms", arm="DEFRITES", language="EN")[0]["per_seed"]
        assert pair["difference"] == pytest.approx(seeds[0] - seeds[2], abs=2e-4)

    def test_one_seed_has_no_pairs(self, tmp_path: Path) -> None:
        made = study(("EN", "DE"), (0,), (contrast("custom", "EN", "DE"),)).write(tmp_path / "in")
        (row,) = contrasts_of(run(made, tmp_path))
        assert (row["aa"], row["seeds"], row["claim"]) == ([], 1, "this model")

    def test_all_against_nothing_is_not_certain(self, tmp_path: Path) -> None:
        made = study(("EN", "DE"), (0, 1, 2), (contrast("custom", "EN", "DE"),), per_category=1).write(tmp_path / "in")
        for cell in made.cells:
            value = 10.0 if cell.mix == "EN" else 1.0
            for language in LANGUAGES:
                edit(
                    made,
                    f"verdicts:{cell.cell}",
                    f"verdicts/{language}.jsonl",
                    lambda records, value=value: [record | {"score": value} for record in records],
                )
        files = run(made, tmp_path)
        miss = 1 - 0.025 ** (1 / 8)  # Clopper and Pearson for 0 of 8 questions
        for arm, low, high in (("EN", 1 - miss, 1.0), ("DE", 0.0, miss)):
            (row,) = rows(files, "arms", arm=arm, language="all")
            assert (row["exact_low"], row["exact_high"]) == pytest.approx((low, high), abs=1e-4)
            assert (row["low"], row["high"]) == pytest.approx((1 + 9 * low, 1 + 9 * high), abs=1e-4)
        (row,) = contrasts_of(files)
        assert (row["exact_low"], row["exact_high"]) == pytest.approx((1 - miss * 2**0.5, 1.0), abs=1e-4)
        assert (row["low"], row["high"]) == pytest.approx((9 - 9 * miss * 2**0.5, 9.0), abs=1e-4)

    def test_a_claim_needs_seeds_that_are_paired(self, tmp_path: Path) -> None:
        made = FakeStudy(
            cells=(*cells_of(("EN",), (0, 1, 2)), *cells_of(("DE",), (2, 3, 4))),
            contrasts=(contrast("custom", "EN", "DE"),),
            ability=usual_ability,
            resamples=100,
            per_category=2,
        )
        (row,) = contrasts_of(run(made.write(tmp_path / "in"), tmp_path))
        assert (row["seed_ids"], row["seeds"], row["claim"]) == ([2], 1, "this model")

    def test_an_arm_minus_itself_is_nothing_with_no_interval(self, tmp_path: Path) -> None:
        made = study(("EN",), (0, 1, 2), (contrast("custom", "EN", "EN"),)).write(tmp_path / "in")
        (row,) = contrasts_of(run(made, tmp_path))
        assert (row["difference"], row["low"], row["high"]) == (0.0, 0.0, 0.0)


class TestDeterminism:
    def test_bytes_do_not_depend_on_the_order_of_records_and_cells(self, tmp_path: Path) -> None:
        made = study(("EN", "DE", "ENDE"), (0, 1), (contrast("custom", "ENDE", "EN", "DE"),), failed_share=0.1)
        made.write(tmp_path / "in")
        before = run(made, tmp_path)
        shuffler = random.Random(1)
        for role, source in made.inputs.items():
            for name in source.names():
                if name.endswith(".jsonl"):
                    edit(made, role, name, lambda records: shuffler.sample(records, len(records)))
        assert run(made, tmp_path, cells=shuffler.sample(made.cells, len(made.cells))) == before

    def test_a_changed_meaning_needs_a_new_version(self, tmp_path: Path) -> None:
        # When this digest changes, tables of the same verdicts say something else: raise AggregateParams.version.
        made = study(("EN", "DE", "ENDE"), (0, 1), (contrast("parallel - mono best", "ENDE", "EN", "DE"),))
        files = run(made.write(tmp_path / "in"), tmp_path)
        digest = hashlib.sha256(b"".join(files[name] for name in FILES)).hexdigest()
        assert (AggregateParams.version, digest[:16]) == (9, "9fffa774c89ea2bf")


def test_a_formula_stays_text_for_a_spreadsheet(tmp_path: Path) -> None:
    hostile = Contrast(
        name='=HYPERLINK("http://x")',
        family=Family.CUSTOM,
        model="tiny",
        dataset="built-in",
        treatment=(ArmKey("tiny", "built-in", "EN"),),
        control=(ArmKey("tiny", "built-in", "DE"),),
        on=("EN",),
    )
    made = study(("EN", "DE"), (0,), (hostile,)).write(tmp_path / "in")
    (row,) = csv.DictReader(run(made, tmp_path)["contrasts.csv"].decode().splitlines())
    assert row["name"].startswith("'=")


def test_the_untuned_model_alone_is_a_study(tmp_path: Path) -> None:
    made = FakeStudy(cells=(untuned(),), ability=usual_ability, resamples=100, per_category=2).write(tmp_path / "in")
    files = run(made, tmp_path)
    assert {row["language"] for row in rows(files, "arms")} == {*LANGUAGES, "all"}
    assert files["contrasts.csv"].startswith(b"name,family,model,")


def test_cells_of_two_models_are_apart(tmp_path: Path) -> None:
    cells = (untuned("a"), untuned("b"))
    made = FakeStudy(cells=cells, ability=usual_ability, resamples=100, per_category=2).write(tmp_path / "in")
    assert {row["model"] for row in rows(run(made, tmp_path), "arms")} == {"a", "b"}
