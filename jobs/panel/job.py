"""The panel job: one verdict out of those of several judges on the same answers.

Reads `verdicts:<judge>` or `comparisons:<judge>`, all on the same answers; writes verdicts/<LANG>.jsonl or
comparisons/<LANG>.jsonl, and card.json. Nobody is asked.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean, median
from typing import TypeVar

import msgspec

from jobs.lib.context import Context, Input, of_role, rows_of
from jobs.lib.judging import counting, orders
from polyglot.core import records
from polyglot.core.errors import Permanent
from polyglot.kinds.compare import CompareCard, Outcome, PairCounts, PairVerdict
from polyglot.kinds.judge import JudgeCard, SingleCounts, Verdict
from polyglot.kinds.panel import ENDPOINT, PanelParams

T = TypeVar("T", Verdict, PairVerdict)
DIGITS = 6  # of a mean
_UNSAID = {"conflicting": False, "text": "", "prompt_tokens": 0, "completion_tokens": 0}  # nobody was asked


def run(context: Context) -> None:
    """Make one verdict of each turn's, language by language."""
    params = PanelParams.of(context.stage)
    judges = list(of_role(context.inputs, params.what).values())
    (context.out / params.what).mkdir(parents=True, exist_ok=True)
    card = _singles(context, params, judges) if params.what == "verdicts" else _pairs(context, params, judges)
    (context.out / "card.json").write_bytes(records.to_json(card) + b"\n")
    context.metrics["judges"] = len(judges)
    context.metrics["verdicts"] = sum(entry.verdicts for entry in card.languages.values())
    context.metrics["failed"] = sum(entry.failed for entry in card.languages.values())


def _singles(context: Context, params: PanelParams, judges: Sequence[Input]) -> JudgeCard:
    languages: dict[str, SingleCounts] = {}
    for name, language in _files(params):
        rows = [score(said, params.rule == "mean") for said in _turns(judges, name, Verdict)]
        records.write_lines(context.out / name, rows)
        languages[language] = counting.counted(rows)
    return JudgeCard(endpoint=ENDPOINT, model=f"panel-{params.rule}", served_by=(), languages=languages)


def _pairs(context: Context, params: PanelParams, judges: Sequence[Input]) -> CompareCard:
    languages: dict[str, PairCounts] = {}
    for name, language in _files(params):
        rows = [decide(said) for said in _turns(judges, name, PairVerdict)]
        records.write_lines(context.out / name, rows)
        languages[language] = orders.counted(rows)
    return CompareCard(endpoint=ENDPOINT, model=f"panel-{params.rule}", served_by=(), languages=languages)


def _files(params: PanelParams) -> Iterator[tuple[str, str]]:
    return ((f"{params.what}/{language}.jsonl", language) for language in params.languages)


def _turns(judges: Sequence[Input], name: str, kind: type[T]) -> Iterator[tuple[T, ...]]:
    """What each judge says of each turn, in the order of the first. Raises Permanent where they judged others."""
    found = [{(row.id, row.sample, row.turn): row for row in rows_of(judge, name, kind)} for judge in judges]
    for place in found[0]:
        said = tuple(rows[place] for rows in found if place in rows)
        if len(said) < len(found):
            raise Permanent(f"{name}: not all judges have a line on question {place[0]}, turn {place[2]}")
        yield said


def score(said: Sequence[Verdict], mean: bool) -> Verdict:
    """The mean, or the median, of the scores; none where a judge gave none, for the first such judge's reason."""
    scores = [one.score for one in said if one.score is not None]
    reason = _reason(said)
    return msgspec.structs.replace(
        said[0],
        score=round(fmean(scores) if mean else median(scores), DIGITS) if reason is None else None,
        reason=reason,
        **_UNSAID,
    )


def decide(said: Sequence[PairVerdict]) -> PairVerdict:
    """The outcome that more than half of the judges give, else a tie. Nobody said it in either order."""
    reason = _reason(said)
    outcome: Outcome | None = None
    if reason is None:
        most, times = Counter(one.outcome for one in said).most_common(1)[0]
        outcome = most if 2 * times > len(said) else "tie"
    return msgspec.structs.replace(said[0], outcome=outcome, consistent=None, reason=reason, orders=())


def _reason(said: Iterable[Verdict | PairVerdict]) -> str | None:
    return next((one.reason for one in said if one.reason is not None), None)
