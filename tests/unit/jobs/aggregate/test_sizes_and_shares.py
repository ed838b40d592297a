"""What the aggregate makes of sizes and of shares, on verdict files with known effects."""

import json
from pathlib import Path
from typing import Any

import pytest

from polyglot.core.blending import simplex_design
from polyglot.kinds.aggregate import AggregateParams
from polyglot.kinds.cells import Cell
from polyglot.kinds.findings import Findings
from tests.kit.aggregated import contrasts_of, run
from tests.kit.fake_scores import contrast, study

SIZES = ("ENDE@10", "ENDE@40", "ENDE@200", "ENDE")
DESIGN = tuple(mix.canonical for mix in simplex_design(("EN", "DE", "FR")))
SHARES = ("DEFR-sampled", "ENDEFR-sampled", "EN:0.6,DE:0.2,FR:0.2", "EN:0.8,DE:0.1,FR:0.1", "EN")


def by_size(cell: Cell, language: str) -> float:
    """Ten ids are far too few, 40 and more do about as well as all."""
    return -3.0 if cell.size == 10 else 2.0 if cell.mix else -9.0


def by_share(cell: Cell, language: str) -> float:
    """German alone is hopeless; what all have does best."""
    if cell.mix in ("DE", "FR"):
        return -3.0
    return 2.0 if cell.mix and len(cell.languages) > 1 else 0.5


def thresholds(root: Path, mixes: tuple[str, ...] = SIZES, seeds: tuple[int, ...] = (0, 1, 2), **changes: Any) -> Any:
    made = study(mixes, seeds, ability=by_size, per_category=8, seed_spread=0.05, languages=("EN", "DE")).write(
        root / "in"
    )
    return json.loads(run(made, root, **changes)["thresholds.json"])


def mixtures(root: Path, mixes: tuple[str, ...], seeds: tuple[int, ...] = (0, 1, 2), **changes: Any) -> Any:
    made = study(mixes, seeds, ability=by_share, per_category=8, seed_spread=0.05, languages=("EN", "DE", "FR"))
    return json.loads(run(made.write(root / "in"), root, **changes)["mixtures.json"])


class TestSizes:
    def test_the_smallest_size_that_suffices_and_the_largest_that_falls_short(self, tmp_path: Path) -> None:
        document = thresholds(tmp_path, findings=Findings(size_margin=1.5))
        (found,) = document["found"]
        assert document["margin"] == 1.5
        assert (found["answer"], found["sufficient"], found["short"]) == ("sufficient", 40, 10)
        assert (found["mix"], found["largest"], found["on"]) == ("ENDE", None, ["EN", "DE"])
        assert found["freedom"] == 8  # two of each of four sizes
        assert [gap["size"] for gap in found["gaps"]] == [10, 40, 200]
        for gap in found["gaps"]:
            within = gap["gap"]["high"] < 1.5
            assert within == (gap["size"] >= 40)

    def test_the_gap_is_the_difference_of_the_same_arms_in_the_contrasts(self, tmp_path: Path) -> None:
        made = study(SIZES, (0, 1, 2), (contrast("size", "ENDE", "ENDE@40", on=("EN", "DE")),), languages=("EN", "DE"))
        files = run(made.write(tmp_path / "in"), tmp_path)
        (found,) = json.loads(files["thresholds.json"])["found"]
        (row,) = contrasts_of(files)
        assert found["gaps"][1]["gap"]["value"] == pytest.approx(row["difference"], abs=1e-4)

    def test_a_margin_that_is_too_narrow_is_unresolved_and_says_which_is_not(self, tmp_path: Path) -> None:
        (found,) = thresholds(tmp_path, SIZES[1:], findings=Findings(size_margin=0.01))["found"]
        assert (found["answer"], found["sufficient"], found["short"]) == ("unresolved", None, None)
        assert found["resolves"] == max(gap["gap"]["high"] - gap["gap"]["value"] for gap in found["gaps"])
        assert found["resolves"] > 0.01

    def test_nothing_is_decided_without_a_margin_or_with_one_seed(self, tmp_path: Path) -> None:
        (undeclared,) = thresholds(tmp_path / "a")["found"]
        assert (undeclared["answer"], undeclared["sufficient"]) == ("undeclared", None)
        assert undeclared["resolves"] > 0
        (single,) = thresholds(tmp_path / "b", seeds=(0,), findings=Findings(size_margin=1.5))["found"]
        assert (single["answer"], single["sufficient"], single["resolves"]) == ("one-seed", None, None)

    def test_one_size_has_no_threshold(self, tmp_path: Path) -> None:
        assert thresholds(tmp_path, ("ENDE",), findings=Findings(size_margin=1.5)) == {"margin": 1.5, "found": []}

    def test_the_band_rises_and_holds_the_means_curve(self, tmp_path: Path) -> None:
        (found,) = thresholds(tmp_path)["found"]
        for band in (found["score_band"], found["exact_band"]):
            assert [point["size"] for point in band] == [10, 40, 200, None]
            for key in ("low", "value", "high"):
                values = [point[key] for point in band]
                assert values == sorted(values)


class TestShares:
    def test_mixes_that_are_much_worse_leave_the_set_and_equal_shares_never_do(self, tmp_path: Path) -> None:
        document = mixtures(tmp_path, DESIGN, findings=Findings(mixture_margin=0.5))
        (found,) = document["found"]
        assert (found["components"], found["blending"], found["why_not"]) == (["EN", "DE", "FR"], "common", "")
        rows = {row["arm"]: row for row in found["tried"]}
        assert not rows["DE"]["in_set"]
        assert rows["DE"]["behind"]["low"] > 0.5
        for row in found["tried"]:
            assert row["may_be_best"] == (row["behind"]["low"] == 0)
            assert row["enough"] == (row["behind"]["high"] <= 0.5)
            assert row["in_set"] == (row["may_be_best"] or row["enough"] or row["arm"] == "ENDEFR-sampled")
        assert rows["ENDEFR-sampled"]["in_set"]
        assert found["equal"]["arm"] == "ENDEFR-sampled"
        assert found["best"]["behind"]["value"] == 0
        assert found["reach"]["DE"][1] < 1
        assert sum(found["best"]["shares"].values()) == pytest.approx(1, abs=1e-5)
        assert found["freedom"] == 2 * len(DESIGN)

    def test_a_sweep_is_a_curve_of_one_share_and_the_rest(self, tmp_path: Path) -> None:
        (found,) = mixtures(tmp_path, SHARES)["found"]  # without a margin: mixes by shares are compared anyway
        assert found["components"] == ["EN", "DEFR"]
        assert list(found["coefficients"]) == ["EN", "DEFR", "EN x DEFR"]
        assert {row["enough"] for row in found["tried"]} == {False}
        assert len(found["surface"]) == 22  # twentieths, and the third that equal shares have
        assert found["departure_sd"] is not None

    def test_too_few_mixes_for_the_model_are_compared_as_they_are(self, tmp_path: Path) -> None:
        mixes = ("EN", "DE", "FR", "ENDEFR-sampled")
        (found,) = mixtures(tmp_path, mixes, findings=Findings(mixture_margin=0.5))["found"]
        assert (found["blending"], found["coefficients"], found["surface"]) == ("none", {}, [])
        assert {row["arm"]: row["in_set"] for row in found["tried"]}["DE"] is False
        assert found["equal"]["arm"] == "ENDEFR-sampled"

    def test_one_seed_and_two_mixes_have_no_set(self, tmp_path: Path) -> None:
        declared = Findings(mixture_margin=0.5)
        (single,) = mixtures(tmp_path / "a", SHARES, (0,), findings=declared)["found"]
        (two,) = mixtures(tmp_path / "b", ("EN", "ENDE-sampled"), findings=declared)["found"]
        assert (single["why_not"], two["why_not"]) == ("one-seed", "few-mixes")
        assert single["tried"] == two["tried"] == []

    def test_a_study_that_asks_nothing_of_shares_has_none(self, tmp_path: Path) -> None:
        assert mixtures(tmp_path, ("EN", "DE", "FR", "ENDEFR-sampled", "ENDEFR"))["found"] == []


def test_what_a_study_does_not_declare_is_in_no_key() -> None:
    plain = AggregateParams(languages=("EN",), cells=())
    assert "findings" not in plain.document()
    declared = AggregateParams(languages=("EN",), cells=(), findings=Findings(size_margin=0.5))
    assert declared.document()["findings"] == {"size_margin": 0.5}
    assert AggregateParams.model_validate(declared.document()) == declared
