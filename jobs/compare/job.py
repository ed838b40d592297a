"""The compare job: every (question, sample, turn) of two models' answers is judged twice, once in each order.

Reads `first`, `second`, `questions` and, where the benchmark has them, `references`; writes comparisons/<LANG>.jsonl
and card.json. Orders that contradict each other make a tie and are counted; an order without a verdict leaves its pair
without one, with a reason, and no tie.
"""

from collections.abc import Mapping

from jobs.builtin.grader import templates
from jobs.builtin.server import JudgeServer
from jobs.lib.context import Context
from jobs.lib.judging.grading import Judged, grade, served_by
from jobs.lib.judging.orders import counted, settle
from jobs.lib.judging.targets import Target, collect
from polyglot.core import records
from polyglot.kinds.compare import CompareCard, CompareParams, OrderVerdict, PairVerdict


def run(context: Context) -> None:
    """Compare everything, then write it. Raises Permanent, or PolyglotError for an outage of the endpoint."""
    params: CompareParams = CompareParams.of(context.stage)
    prompt_files = {language: context.blob(params.prompts_sha256[language]) for language in params.languages}
    targets = collect(context.inputs, params, prompt_files, "first", "second")
    results = grade(context, params, targets, lambda: JudgeServer(templates(prompt_files, "pair")), "pair")
    (context.out / "comparisons").mkdir(parents=True, exist_ok=True)
    languages = {}
    for language in params.languages:
        pairs = [_pair(target, results) for target in targets if target.language == language]
        records.write_lines(context.out / "comparisons" / f"{language}.jsonl", pairs)
        languages[language] = counted(pairs)
    card = CompareCard(endpoint=params.endpoint, model=params.model, served_by=served_by(results), languages=languages)
    (context.out / "card.json").write_bytes(records.to_json(card) + b"\n")
    context.metrics["verdicts"] = sum(entry.verdicts for entry in languages.values())
    context.metrics["failed"] = sum(entry.failed for entry in languages.values())
    context.metrics["inconsistent"] = sum(entry.inconsistent for entry in languages.values())


def _pair(target: Target, results: Mapping[str, Judged]) -> PairVerdict:
    """What was said of one target; without requests an answer was missing."""
    orders = tuple(_order(results[request.id]) for request in target.requests)
    outcome, consistent, reason = settle(orders) if orders else (None, None, "no-answer")
    return PairVerdict(
        id=target.id,
        language=target.language,
        category=target.category,
        sample=target.sample,
        turn=target.turn,
        outcome=outcome,
        consistent=consistent,
        reason=reason,
        prompt=target.prompt,
        fallback=target.fallback,
        orders=orders,
        characters=(target.characters[0], target.characters[1]) if target.characters else (0, 0),
    )


def _order(judged: Judged) -> OrderVerdict:
    return OrderVerdict(
        said=judged.reading.winner,
        reason=judged.reading.reason,
        conflicting=judged.reading.conflicting,
        text=judged.text,
        prompt_tokens=judged.prompt_tokens,
        completion_tokens=judged.completion_tokens,
    )
