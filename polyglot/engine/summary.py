"""How a run ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from polyglot.core.errors import OverBudget, PolyglotError


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """`failed` maps keys to reasons, `blocked` keys to the key of what failed before them."""

    cached: int
    committed: int
    failed: Mapping[str, str]
    blocked: Mapping[str, str]
    over_budget: frozenset[str]  # of the failed: those that go on when the budget allows it
    seconds: float
    labels: Mapping[str, str]  # of the failed and blocked
    names: Mapping[str, str]  # of the same: what `retry` and `why` take, whatever else lies in the store
    checks: frozenset[str] = frozenset()  # of the failed: those that only look, which the next submit does anew
    findings: Mapping[str, Sequence[str]] = field(default_factory=dict)  # of failed checks: a line for each defect

    def raise_if_failed(self) -> None:
        """Raise OverBudget when spent money is all that failed, PolyglotError when anything else did."""
        if self.over_budget and self.over_budget == self.failed.keys():
            raise OverBudget(self.describe())
        if self.failed or self.blocked:
            raise PolyglotError(self.describe())

    def describe(self) -> str:
        """One line, and one more for each failure."""
        counts = [f"{self.committed} computed", f"{self.cached} cached"]
        counts += [f"{len(self.failed)} failed"] if self.failed else []
        counts += [f"{len(self.blocked)} blocked by them"] if self.blocked else []
        lines = [f"{', '.join(counts)} in {self.seconds:.1f} s"]
        for key, reason in self.failed.items():
            found = self.findings.get(key, ())
            said = f"{len(found)} problems" if len(found) > 1 else reason
            lines.append(f"  {self.labels[key]} ({self.names[key]}): {said}")
            lines += [f"    {line}" for line in found if len(found) > 1]
        if stuck := sorted(self.names[key] for key in self.failed.keys() - self.over_budget - self.checks):
            stage = stuck[0] if len(stuck) == 1 else "STAGE"
            lines.append(f"  once the cause is mended, `polyglot retry {stage}` lets it try again")
        if self.checks:
            lines.append("  mend that and submit again: it is looked at anew")
        return "\n".join(lines)
