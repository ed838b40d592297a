"""What failed verdicts could hide, and that nothing is shown where too many failed."""

import json
from pathlib import Path

import pytest

from tests.kit.aggregated import contrasts_of, edit, rows, run
from tests.kit.fake_scores import FakeStudy, contrast, study


def failing(tmp_path: Path, every: int) -> FakeStudy:
    """Every so many verdicts on DE in English failed; all others are 5."""
    made = study(("EN", "DE"), (0,), (contrast("untuned", "DE", "untuned"), contrast("untuned", "EN", "untuned")))
    made.failed_share = 0.0
    made.write(tmp_path / "in")
    none = {"score": None, "reason": "no-verdict"}
    edit(
        made,
        "verdicts:tiny/built-in/DE/s0",
        "verdicts/EN.jsonl",
        lambda found: [row | (none if at % every == 0 else {"score": 5.0}) for at, row in enumerate(found)],
    )
    return made


def test_bounds_are_the_means_with_failed_verdicts_at_both_ends(tmp_path: Path) -> None:
    files = run(failing(tmp_path, 4), tmp_path)
    (row,) = rows(files, "arms", arm="DE", language="EN")
    assert (row["mean"], row["failed_share"]) == (5.0, 0.25)
    assert (row["lowest"], row["highest"]) == (4.0, 6.25)  # three fives and a one, three fives and a ten
    (whole,) = rows(files, "arms", arm="DE", language="all")
    assert whole["failed_share"] == pytest.approx(0.05)
    assert whole["highest"] - whole["lowest"] == pytest.approx(9 * 0.25 / 5, abs=2e-4)
    assert "lowest" not in rows(files, "arms", arm="EN", language="all")[0]


@pytest.mark.parametrize(("every", "shown"), [(4, 1), (3, 0)])
def test_with_more_than_a_twentieth_failed_nothing_is_shown(tmp_path: Path, every: int, shown: int) -> None:
    failed, sound = contrasts_of(run(failing(tmp_path, every), tmp_path))
    assert failed["p_holm"] < 0.05
    assert (failed["shown"], sound["shown"]) == (shown, 1)
    assert json.dumps(failed["failed_share"]) == json.dumps(round((64 + every - 1) // every / 320, 4))
