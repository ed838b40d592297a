"""Two translations of the same texts compared turn by turn."""

from jobs.report.quality_comparison import Check, compare
from polyglot.kinds.quality import TurnQuality


def turn_quality(identity: str, chrf: float) -> TurnQuality:
    return TurnQuality(
        id=identity,
        turn=1,
        role="assistant",
        category="c",
        source_characters=9,
        target_characters=9,
        length_ratio=1.0,
        parts={},
        parts_kept={},
        parts_added={},
        kept_share=None,
        intact=True,
        code_equal=None,
        language="ES",
        other_language=False,
        untranslated_share=0.0,
        chrf=chrf,
    )


class TestComparison:
    def check(self, name: str, shift: float, ids: int = 60) -> Check:
        return Check(name=name, of=("s",), turns=[turn_quality(str(n), 40 + n % 7 + shift) for n in range(ids)])

    def test_what_is_hard_for_both_does_not_widen_the_interval(self) -> None:
        row = compare(self.check("a", 2.0), self.check("b", 0.0), "chrf")
        assert row is not None
        assert (row.difference, row.low, row.high) == (2.0, 2.0, 2.0)

    def test_only_shared_turns_count(self) -> None:
        row = compare(self.check("a", 0.0, ids=60), self.check("b", 0.0, ids=10), "chrf")
        assert row is not None
        assert (row.turns, row.difference) == (10, 0.0)
