"""Two translations of the same texts compared turn by turn."""

from jobs.report.quality_comparison import Check, compare


class TestComparison:
    def check(self, name: str, shift: float, ids: int = 60) -> Check:
        made = [{"id": str(n), "turn": 1, "category": "c", "chrf": 40 + n % 7 + shift} for n in range(ids)]
        return Check(name=name, of=("s",), records=made)

    def test_what_is_hard_for_both_does_not_widen_the_interval(self) -> None:
        row = compare(self.check("a", 2.0), self.check("b", 0.0), "chrf")
        assert row is not None
        assert (row["difference"], row["low"], row["high"]) == (2.0, 2.0, 2.0)

    def test_only_shared_turns_count(self) -> None:
        row = compare(self.check("a", 0.0, ids=60), self.check("b", 0.0, ids=10), "chrf")
        assert row is not None
        assert (row["turns"], row["difference"]) == (10, 0.0)
