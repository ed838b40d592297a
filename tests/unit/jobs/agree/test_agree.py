"""The agree stage: how far raters agree with each other, and metrics with them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec import convert

from jobs.agree import job as agree
from jobs.agree.agreement import agreement
from polyglot.core.canonical import sha256_bytes
from polyglot.core.errors import Permanent
from polyglot.core.records import write_lines
from polyglot.kinds.agree import AgreeParams, Alpha, Correlation, Rating
from polyglot.kinds.quality import TurnQuality
from tests.kit.data_ingests import json_lines
from tests.kit.data_jobs import DataContext, data_context, staged


def rating(rater: str, n: int, points: int) -> dict[str, Any]:
    faults = {"accuracy": ["minor"] * points} if points else {}
    return {"rater": rater, "check": "a", "id": str(n), "turn": 1, "penalty": points, "faults": faults, "score": None}


def measured(n: int, **metrics: float) -> TurnQuality:
    """A turn of which nothing but these metrics matters."""
    rest: dict[str, Any] = dict.fromkeys(("length_ratio", "kept_share", "code_equal", "language", "other_language"))
    rest |= dict.fromkeys(("parts", "parts_kept", "parts_added"), {}) | {"intact": True, "untranslated_share": 0.0}
    rest |= {"role": "user", "category": "c", "source_characters": 1, "target_characters": 1}
    return TurnQuality(id=str(n), turn=1, **(rest | metrics))


class TestAgreement:
    RECORDS = {("a", str(n), 1): measured(n, chrf=50 - n) for n in range(6)}

    def test_raters_who_agree_have_alpha_one_and_a_metric_that_sees_it_correlates(self) -> None:
        both = [convert(rating(who, n, n), Rating) for who in ("anna", "bert") for n in range(6)]
        found = agreement(both, self.RECORDS, ("accuracy", "style"))
        assert found.alpha["penalty"] == Alpha(alpha=1.0, units=6)
        assert found.alpha["style"].alpha is None  # nobody found any: there is nothing to agree on
        assert found.correlations[0] == Correlation(metric="chrf", turns=6, kendall=1.0, spearman=1.0)
        assert found.categories == {"accuracy": 30}

    def test_one_rater_has_no_agreement(self) -> None:
        found = agreement([convert(rating("anna", n, n), Rating) for n in range(6)], self.RECORDS, ("accuracy",))
        assert found.alpha["penalty"] == Alpha(alpha=None, units=0)


def agreed(root: Path, rows: Sequence[Mapping[str, Any]]) -> DataContext:
    """Run the agree stage over one check of five turns and the ratings of one file."""
    (root / "check").mkdir(parents=True)
    records = [measured(n, chrf=50.5 - n, length_ratio=1 + n / 8) for n in range(5)]
    write_lines(root / "check" / "rows.jsonl", records)
    context = data_context(root / "job", inputs={"quality:a": root / "check"})
    ratings = context.offer("ratings.jsonl", json_lines(rows))
    agree.run(staged(context, AgreeParams(checks=("a",), ratings=(ratings,)), ("quality:a",)))
    return context


class TestTheAgreeJob:
    def test_its_output_changes_only_with_the_version(self, tmp_path: Path) -> None:
        """When this fails because its meaning changed, raise the version, then write the new digest here."""
        both = [rating(who, n, n + (who == "bert")) | {"score": 90 - n} for who in ("anna", "bert") for n in range(5)]
        context = agreed(tmp_path, both)
        found = sha256_bytes((context.out / "agreement.json").read_bytes())
        assert (AgreeParams.version, found[:16]) == (1, "8d141f5acebfdd81")

    def test_a_comment_may_hold_what_other_programs_take_for_a_line_end(self, tmp_path: Path) -> None:
        rows = [rating("anna", n, n) | {"comment": "one\u2028two\x85three"} for n in range(3)]
        assert json.loads((agreed(tmp_path, rows).out / "agreement.json").read_bytes())["ratings"] == 3

    def test_a_turn_of_another_study_is_refused_with_its_line(self, tmp_path: Path) -> None:
        with pytest.raises(Permanent, match=r"ratings.jsonl, line 2: got a 7:1; expected a turn of this study's"):
            agreed(tmp_path, [rating("anna", 0, 0), rating("anna", 7, 0)])

    @pytest.mark.parametrize(
        ("row", "said"), [({"rater": "anna"}, "required field `check`"), ([], "got `array`"), (None, "got `null`")]
    )
    def test_what_is_no_rating_is_refused_with_its_line(self, tmp_path: Path, row: Any, said: str) -> None:
        with pytest.raises(Permanent, match=rf"^ratings.jsonl, line 1: not a rating \(.*{said}.*sheet import"):
            agreed(tmp_path, [row])

    def test_empty_files_say_so(self, tmp_path: Path) -> None:
        with pytest.raises(Permanent, match=r"^ratings: the files are empty"):
            agreed(tmp_path, [])
