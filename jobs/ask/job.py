"""The ask stage: the answers of a model behind an endpoint to every turn of every question of a benchmark.

Reads `questions`; writes what the answer stage writes, `answers/<LANG>.jsonl` and `card.json`, so that a judge sees no
difference. Two turns are one conversation. The system message, the temperatures and the length limit are those of the
study's own models, unless the study says otherwise. What a model thought before its answer is left out. Every attempt
at a call is in the journal: what is on record is not asked again. A reply that was refused, or cut before anything was
said, is no answer: it is a record with the reason, and above `max_failed_share` of the questions the stage fails. An
endpoint that is not answering fails the attempt and not a question.
"""

from collections.abc import Sequence

from jobs.ask.dialogues import Dialogue, read_dialogues
from jobs.builtin.author import author_or_endpoint
from jobs.lib.answers import write_answers
from jobs.lib.chat.calls import Failure, FailureCount, Reply
from jobs.lib.chat.conversations import converse
from jobs.lib.chat.settings import CallSettings
from jobs.lib.chat.usage_log import UsageLog
from jobs.lib.context import Context
from polyglot.core.errors import Permanent
from polyglot.core.records import UNSET
from polyglot.kinds.ask import AskParams
from polyglot.kinds.rows import Question


def run(context: Context) -> None:
    """Ask turn by turn, then write. Raises Permanent, or PolyglotError for an outage of the endpoint."""
    params = AskParams.of(context.stage)
    settings = CallSettings.of(context.settings)
    if params.endpoint != "built-in":
        settings.require_prices()
    source = context.inputs["questions"]
    rows = {language: source.lines(f"questions/{language}.jsonl", Question) for language in params.languages}
    dialogues = read_dialogues(rows, params)
    usage = UsageLog(context.journal, settings)
    context.log.info("ask: %d questions, %d calls on record", len(dialogues), usage.resumed)
    try:
        with author_or_endpoint(context, params.endpoint, params.languages, settings, asker="ask") as endpoint:
            converse(context, endpoint, settings, usage, dialogues, "answers")
    finally:
        context.journal.flush()
        context.volatile |= usage.account()
    _check_failures(settings.max_failed_share, dialogues)
    replies = [result for result in usage.results.values() if isinstance(result, Reply)]
    write_answers(
        context,
        params.languages,
        (dialogue.answer() for dialogue in dialogues),
        endpoint=params.endpoint,
        model=params.model,
        served_by=tuple(sorted({reply.served_by for reply in replies if reply.served_by})),
        fingerprints=tuple(sorted({reply.fingerprint for reply in replies} - {""})) or UNSET,
    )


def _check_failures(allowed_share: float, dialogues: Sequence[Dialogue]) -> None:
    failures = FailureCount(len(dialogues), allowed_share)
    failed = [dialogue for dialogue in dialogues if dialogue.reason is not None]
    for dialogue in failed:
        if dialogue.reason is not None and dialogue.result is not None:
            failures.count(dialogue.reason, dialogue.result, 1)
    if not failures.too_many:
        return
    first = failed[0].result
    detail = f" ({first.detail})" if isinstance(first, Failure) and first.detail else ""
    raise Permanent(
        f"{len(failed)} of {len(dialogues)} questions got no answer, more than max-failed-share {allowed_share:g} "
        f"allows: {failures.commonest()}; first {failed[0].label}{detail}. Answered calls are kept. {failures.remedy()}"
    )
