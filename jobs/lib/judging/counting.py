"""Counts over verdicts, whoever gave them."""

from collections import Counter
from collections.abc import Sequence
from typing import TypedDict

from polyglot.kinds.compare import PairVerdict
from polyglot.kinds.judge import SingleCounts, Verdict


class Failures(TypedDict):
    """The fields of VerdictCounts."""

    verdicts: int
    failed: int
    failed_share: float
    reasons: dict[str, int]
    fallbacks: dict[str, int]


def counted(verdicts: Sequence[Verdict]) -> SingleCounts:
    """Count the verdicts in one language."""
    return SingleCounts(**failures(verdicts), conflicting=sum(verdict.conflicting for verdict in verdicts))


def failures(verdicts: Sequence[Verdict | PairVerdict]) -> Failures:
    """What verdicts of every kind are counted by."""
    reasons = Counter(verdict.reason for verdict in verdicts if verdict.reason is not None)
    fallbacks = Counter(verdict.fallback for verdict in verdicts if verdict.fallback is not None)
    failed = reasons.total()
    return Failures(
        verdicts=len(verdicts),
        failed=failed,
        failed_share=round(failed / len(verdicts), 6) if verdicts else 0.0,
        reasons=dict(sorted(reasons.items())),
        fallbacks=dict(sorted(fallbacks.items())),
    )
