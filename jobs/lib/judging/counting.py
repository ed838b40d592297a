"""Counts over verdicts of single grading, whoever gave them."""

from collections import Counter
from collections.abc import Sequence

from polyglot.kinds.judge import SingleCounts, Verdict


def counted(verdicts: Sequence[Verdict]) -> SingleCounts:
    """Count the verdicts in one language."""
    reasons = Counter(verdict.reason for verdict in verdicts if verdict.reason is not None)
    fallbacks = Counter(verdict.fallback for verdict in verdicts if verdict.fallback is not None)
    failed = reasons.total()
    return SingleCounts(
        verdicts=len(verdicts),
        failed=failed,
        failed_share=round(failed / len(verdicts), 6) if verdicts else 0.0,
        reasons=dict(sorted(reasons.items())),
        fallbacks=dict(sorted(fallbacks.items())),
        conflicting=sum(verdict.conflicting for verdict in verdicts),
    )
