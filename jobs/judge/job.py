"""The judge job: every (question, sample, turn) of the answers is rated once, by one chat completion.

Reads `answers`, `questions` and, where the benchmark has them, `references`; writes verdicts/<LANG>.jsonl and
card.json. A verdict that could not be had is a record with a reason: it is counted, and never averaged.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from jobs.builtin.grader import templates
from jobs.builtin.server import JudgeServer
from jobs.lib.context import Context
from jobs.lib.judging.counting import counted
from jobs.lib.judging.grading import Judged, fingerprints, grade, served_by
from jobs.lib.judging.targets import Target, collect
from jobs.lib.judging.verdict import Reading
from polyglot.core import records
from polyglot.core.canonical import sha256_bytes
from polyglot.core.records import UNSET
from polyglot.kinds.judge import JudgeCard, JudgeParams, Verdict

_UNASKED = Judged(reading=Reading(reason="no-answer"), reply=None)


def run(context: Context) -> None:
    """Rate everything, then write the verdicts. Raises Permanent, or PolyglotError for an outage of the endpoint."""
    params: JudgeParams = JudgeParams.of(context.stage)
    prompt_files = {language: context.blob(params.prompts_sha256[language]) for language in params.languages}
    targets = collect(context.inputs, params, prompt_files, "answers")
    if params.items is not None:
        targets = [again for target in drawn(targets, params.items) for again in repeated(target, params.repeats)]
    _write(
        context,
        params,
        targets,
        grade(context, params, targets, lambda: JudgeServer(templates(prompt_files)), "single"),
    )


def drawn(targets: Sequence[Target], items: int) -> list[Target]:
    """So many targets of each language that can be asked, the same ones whatever else there is."""
    chosen: set[int] = set()
    for language in {target.language for target in targets}:
        there = [at for at, target in enumerate(targets) if target.language == language and target.requests]
        chosen.update(sorted(there, key=lambda at: sha256_bytes(_place(targets[at])))[:items])
    return [target for at, target in enumerate(targets) if at in chosen]


def _place(target: Target) -> bytes:
    return f"{target.id} {target.sample} {target.turn}".encode()


def repeated(target: Target, times: int) -> Iterator[Target]:
    """The same, to be asked so many times."""
    for number in range(times):
        requests = tuple(replace(request, sample=number) for request in target.requests)
        yield replace(target, requests=requests, repeat=number)


def _write(context: Context, params: JudgeParams, targets: Sequence[Target], results: Mapping[str, Judged]) -> None:
    """Write verdicts/<LANG>.jsonl in the order of questions, samples and turns, and card.json."""
    (context.out / "verdicts").mkdir(parents=True, exist_ok=True)
    languages = {}
    for language in params.languages:
        verdicts = [
            _verdict(target, results[target.requests[0].id] if target.requests else _UNASKED)
            for target in targets
            if target.language == language
        ]
        lines = b"".join(records.to_json(verdict) + b"\n" for verdict in verdicts)
        (context.out / "verdicts" / f"{language}.jsonl").write_bytes(lines)
        languages[language] = counted(verdicts)
    card = JudgeCard(
        endpoint=params.endpoint,
        model=params.model,
        served_by=served_by(results),
        languages=languages,
        fingerprints=fingerprints(results),
    )
    (context.out / "card.json").write_bytes(records.to_json(card) + b"\n")
    context.metrics["verdicts"] = sum(entry.verdicts for entry in languages.values())
    context.metrics["failed"] = sum(entry.failed for entry in languages.values())


def _verdict(target: Target, judged: Judged) -> Verdict:
    return Verdict(
        id=target.id,
        language=target.language,
        category=target.category,
        sample=target.sample,
        turn=target.turn,
        prompt=target.prompt,
        fallback=target.fallback,
        score=judged.reading.score,
        reason=judged.reading.reason,
        conflicting=judged.reading.conflicting,
        text=judged.text,
        prompt_tokens=judged.prompt_tokens,
        completion_tokens=judged.completion_tokens,
        repeat=UNSET if target.repeat is None else target.repeat,
    )
