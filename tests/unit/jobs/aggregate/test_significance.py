"""Contrasts tested: Holm within families, the primary one by itself, p-values that agree with limits."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from polyglot.kinds.cells import Contrast
from tests.kit.aggregated import contrasts_of, run
from tests.kit.fake_scores import contrast, study

MIXES = ("EN", "DE", "FR", "ENDEFR", "ENDEFR-sampled")


def asked() -> tuple[Contrast, ...]:
    mono = ("EN", "DE", "FR")
    return (
        replace(contrast("primary", "ENDEFR", "EN"), primary=True),
        contrast("parallel - mono mean", "ENDEFR", *mono),
        contrast("parallel - mono best", "ENDEFR", *mono),
        contrast("parallel - mono worst", "ENDEFR", *mono),
        contrast("parallel - sampled", "ENDEFR", "ENDEFR-sampled"),
        *(contrast("untuned", mix, "untuned") for mix in MIXES),
    )


@pytest.mark.parametrize("metric", ["", "exact_"])
@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)])
def test_p_values_agree_with_limits_and_are_adjusted_within_what_compares_the_same(
    tmp_path: Path, seeds: tuple[int, ...], metric: str
) -> None:
    rows = contrasts_of(run(study(MIXES, seeds, asked()).write(tmp_path / "in"), tmp_path))
    for row in rows:
        low, high = row[f"{metric}low"], row[f"{metric}high"]
        assert (row[f"{metric}p"] < 0.05) == (low > 0 or high < 0)
        assert row[f"{metric}p_holm"] >= row[f"{metric}p"]
        sign = 1 if row[f"{metric}difference"] > 0 else -1
        assert row[f"{metric}shown"] == (sign if row[f"{metric}p_holm"] < 0.05 else 0)
        reach = max(row[f"{metric}difference"] - low, high - row[f"{metric}difference"])
        assert row[f"{metric}detectable"] > (reach if len(seeds) == 1 else 0.7 * reach)
    assert [row["family_size"] for row in rows] == [1, 3, 3, 3, 1, 5, 5, 5, 5, 5]
    assert [row["primary"] for row in rows] == [True] + [False] * 9
    assert rows[0][f"{metric}p_holm"] == rows[0][f"{metric}p"]
    mono = sorted(rows[1:4], key=lambda row: row[f"{metric}p"])
    expected, largest = [], 0.0
    for rank, row in enumerate(mono):
        largest = max(largest, min(1.0, row[f"{metric}p"] * (3 - rank)))
        expected.append(largest)
    assert [row[f"{metric}p_holm"] for row in mono] == pytest.approx(expected, abs=1e-4)


def test_the_smallest_p_value_is_said(tmp_path: Path) -> None:
    files = run(study(MIXES, (0,), asked()).write(tmp_path / "in"), tmp_path)
    least = json.loads(files["scores.json"])["method"]["smallest_p"]
    assert least == min(row["p"] for row in contrasts_of(files))  # tuned is far from untuned


def test_nothing_to_average_has_no_p_value_and_counts_in_no_family(tmp_path: Path) -> None:
    made = study(("EN", "DE", "FR"), (0,), tuple(contrast("custom", mix, "EN") for mix in ("DE", "FR")))
    made.failed_share = 0.0
    made.write(tmp_path / "in")
    path = made.inputs["verdicts:tiny/built-in/DE/s0"].path("verdicts/EN.jsonl")
    rows = [json.loads(line) | {"score": None, "reason": "no-verdict"} for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    none, some = contrasts_of(run(made, tmp_path))
    assert (none["p"], none["p_holm"], none["shown"], none["detectable"]) == (None, None, None, None)
    assert (some["family_size"], some["p_holm"]) == (1, some["p"])
