"""Gains in every reading, worked out by hand and against the contrasts that say the same."""

import json
from pathlib import Path

import pytest

from tests.kit.aggregated import contrasts_of, edit, run
from tests.kit.fake_scores import FakeStudy, cells_of, contrast, study

MONO = ("EN", "DE")


def gains_of(files: dict[str, bytes]) -> dict[tuple[str, str], dict]:  # type: ignore[type-arg]
    rows = json.loads(files["gains.json"])
    return {(row["against"], row["over"]): row for row in rows}


def flat(scores: dict[str, dict[str, int]], root: Path) -> FakeStudy:
    """A study whose every verdict on a mix in a language is the same number."""
    made = FakeStudy(
        cells=cells_of(tuple(scores), (0,)),
        contrasts=(),
        languages=("EN", "DE", "FR"),
        ability=lambda cell, language: 0.0,
        resamples=200,
        per_category=2,
    ).write(root)
    for mix, by_language in scores.items():
        for language, score in by_language.items():
            edit(
                made,
                f"verdicts:tiny/built-in/{mix}/s0",
                f"verdicts/{language}.jsonl",
                lambda rows, score=score: [row | {"score": float(score), "reason": None} for row in rows],
            )
    return made


def test_every_reading_is_what_its_words_say(tmp_path: Path) -> None:
    made = flat(
        {
            "EN": {"EN": 8, "DE": 2, "FR": 5},  # 5 over all
            "DE": {"EN": 3, "DE": 5, "FR": 1},  # 3
            "ENDE": {"EN": 8, "DE": 6, "FR": 4},  # 6
        },
        tmp_path / "in",
    )
    found = gains_of(run(made, tmp_path))
    every, one = "all languages", "the language that gains most"
    read = {
        key: (row["selected"], row["language"], row["points"], row["percent"], row["percent_language"])
        for key, row in found.items()
    }
    assert read == {
        ("mean", every): (None, None, 2.0, 50.0, None),
        ("best", every): ("EN", None, 1.0, 20.0, None),
        ("worst", every): ("DE", None, 3.0, 100.0, None),
        ("own", every): (None, None, 0.5, pytest.approx(100 * (7 / 6.5 - 1), abs=1e-4), None),  # over EN and DE alone
        ("mean", one): (None, "EN", 2.5, pytest.approx(100 * (6 / 3.5 - 1), abs=1e-4), "DE"),
        ("best", one): ("DE", "DE", 1.0, 20.0, "DE"),
        ("worst", one): ("DE", "EN", 5.0, 300.0, "FR"),
        ("own", one): (None, "DE", 1.0, 20.0, "DE"),
    }
    assert found["worst", one]["percent_selected"] == "DE"


def test_points_over_all_languages_are_those_of_the_contrasts(tmp_path: Path) -> None:
    wanted = tuple(contrast(f"parallel - mono {which}", "ENDE", *MONO) for which in ("mean", "best", "worst"))
    files = run(study((*MONO, "ENDE"), (0, 1, 2), wanted).write(tmp_path / "in"), tmp_path)
    found = gains_of(files)
    for which, row in zip(("mean", "best", "worst"), contrasts_of(files), strict=True):
        gain = found[which, "all languages"]
        assert [gain["selected"], gain["points"], gain["points_low"], gain["points_high"], gain["seeds"]] == [
            row["selected"], row["difference"], row["low"], row["high"], row["seeds"],
        ]  # fmt: skip
        assert gain["percent_low"] < gain["percent"] < gain["percent_high"]
        # zero gained in points is zero gained in per cent
        assert (gain["percent_low"] > 0) == (row["low"] > 0)


def test_the_language_that_gains_most_gains_no_less_than_the_mean_of_languages(tmp_path: Path) -> None:
    found = gains_of(run(study((*MONO, "ENDE"), (0, 1)).write(tmp_path / "in"), tmp_path))
    for against in ("mean", "own"):
        assert found[against, "the language that gains most"]["points"] >= found[against, "all languages"]["points"]


def test_limits_in_per_cent_are_as_wide_as_those_in_points(tmp_path: Path) -> None:
    made = flat({"EN": dict.fromkeys(("EN", "DE", "FR"), 4), "DE": dict.fromkeys(("EN", "DE", "FR"), 4),
                 "ENDE": dict.fromkeys(("EN", "DE", "FR"), 5)}, tmp_path / "in")  # fmt: skip
    for row in gains_of(run(made, tmp_path)).values():
        assert (row["points"], row["percent"]) == (1.0, 25.0)
        assert row["points_low"] < 0 < row["points_high"]
        # of a control of 4, by what points are in per cent, and by how far the control may move
        assert row["percent_low"] < 25 * row["points_low"] * 0.9
        assert row["percent_high"] > 25 * row["points_high"]


def failing(made: FakeStudy, mix: str, language: str, every: int) -> None:
    """Every so many verdicts fail."""
    edit(
        made,
        f"verdicts:tiny/built-in/{mix}/s0",
        f"verdicts/{language}.jsonl",
        lambda rows: [
            row if number % every else row | {"score": None, "reason": "no-verdict"} for number, row in enumerate(rows)
        ],
    )


def test_the_share_of_failed_verdicts_is_that_of_the_languages_that_are_read(tmp_path: Path) -> None:
    made = flat({"EN": {"EN": 4, "DE": 4, "FR": 4}, "DE": {"EN": 4, "DE": 4, "FR": 4},
                 "ENDE": {"EN": 4, "DE": 6, "FR": 4}}, tmp_path / "in")  # fmt: skip
    failing(made, "DE", "DE", 2)
    found = gains_of(run(made, tmp_path))
    every, one = "all languages", "the language that gains most"
    assert found["mean", every]["failed_share"] == pytest.approx(1 / 6, abs=1e-4)
    assert found["mean", one]["failed_share"] == found["own", one]["failed_share"] == 0.5
    assert found["own", every]["failed_share"] == 0.5
    assert found["mean", one]["language"] == "DE"


@pytest.mark.parametrize("silent", ["EN", "DE", "ENDE"])
def test_a_language_without_a_verdict_on_an_arm_is_none_that_gains(tmp_path: Path, silent: str) -> None:
    made = study((*MONO, "ENDE"), (0, 1), resamples=200).write(tmp_path / "in")
    others = tuple(language for language in made.languages if language != "EN")
    wanted = gains_of(run(made, tmp_path / "others", languages=others))
    failing(made, silent, "EN", 1)
    found = gains_of(run(made, tmp_path / "silent"))
    for against in ("mean", "best", "worst"):
        assert found[against, "all languages"]["points"] is None
        row, other = (each[against, "the language that gains most"] for each in (found, wanted))
        assert row["points"] is not None
        assert row == other  # with its limits, which the choice among the others moves


def test_no_monolingual_mix_of_a_language_is_no_gain(tmp_path: Path) -> None:
    files = run(study(("EN", "ENDE", "EN@48", "DE@48", "ENDE-sampled"), (0,)).write(tmp_path / "in"), tmp_path)
    assert json.loads(files["gains.json"]) == []
