"""Counts over verdicts, whoever gave them."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from polyglot.kinds.compare import PairVerdict
from polyglot.kinds.judge import SingleCounts, Verdict


def counted(verdicts: Sequence[Verdict]) -> SingleCounts:
    """Count the verdicts in one language."""
    return SingleCounts(**failures(verdicts), conflicting=sum(verdict.conflicting for verdict in verdicts))


def failures(verdicts: Sequence[Verdict | PairVerdict]) -> dict[str, Any]:
    """The fields of VerdictCounts, which verdicts of every kind have."""
    reasons = Counter(verdict.reason for verdict in verdicts if verdict.reason is not None)
    fallbacks = Counter(verdict.fallback for verdict in verdicts if verdict.fallback is not None)
    failed = reasons.total()
    return {
        "verdicts": len(verdicts),
        "failed": failed,
        "failed_share": round(failed / len(verdicts), 6) if verdicts else 0.0,
        "reasons": dict(sorted(reasons.items())),
        "fallbacks": dict(sorted(fallbacks.items())),
    }
