"""The reference stage: reference answers written natively in each language, instead of translated English ones.

Reads `questions`; writes references/<LANG>.jsonl in the form of an ingest, rejected.jsonl, and card.json with the same
checks as an ingest's: code blocks that do not parse, broken fences, language, code and identifiers beside the English
references. Two turns are one conversation: the second is asked when the first is answered. Calls go through the chat
client: what is on record in the journal is not asked again, by a restart as little as by a later attempt. A reply that
was refused, cut or empty is no reference: it is counted by its reason, and above `max_failed_share` the stage fails. An
endpoint that is not answering fails the attempt and not a question.
"""

from collections import Counter
from collections.abc import Sequence

from jobs.builtin.author import author_or_endpoint
from jobs.lib.card.card import describe_files
from jobs.lib.chat.calls import Reply, remedy_for
from jobs.lib.chat.conversations import converse
from jobs.lib.chat.settings import CallSettings
from jobs.lib.chat.usage_log import UsageLog
from jobs.lib.context import Context
from jobs.reference.drafts import Draft, read_drafts
from jobs.reference.prompt import VERSION
from polyglot.core.errors import Permanent
from polyglot.core.records import to_json, write_lines
from polyglot.kinds.data_card import DataCard, LanguageCard, Source
from polyglot.kinds.reference import ReferenceParams
from polyglot.kinds.rows import Question, Reference


def run(context: Context) -> None:
    """Ask turn by turn, then write. Raises Permanent, or PolyglotError for an outage of the endpoint."""
    params = ReferenceParams.of(context.stage)
    settings = CallSettings.of(context.settings)
    _check(params, settings)
    rows = {language: _questions(context, language) for language in params.languages}
    drafts = read_drafts(rows, params)
    if not drafts:
        raise Permanent(f"no question is of a category that needs references: {params.shown_categories}")
    usage = UsageLog(context.journal, settings)
    context.log.info("reference: %d questions, %d calls on record", len(drafts), usage.resumed)
    try:
        with author_or_endpoint(context, params.endpoint, params.languages, settings, asker="reference") as endpoint:
            converse(context, endpoint, settings, usage, drafts, "references")
    finally:
        context.journal.flush()
        context.volatile |= usage.account()
    _check_failures(settings.max_failed_share, drafts)
    _write(context, params, drafts, usage)


def _check(params: ReferenceParams, settings: CallSettings) -> None:
    if params.prompt != VERSION:
        raise Permanent(f"prompt: got version {params.prompt}; expected {VERSION}, the one that this program has")
    if params.endpoint != "built-in":
        settings.require_prices()


def _questions(context: Context, language: str) -> list[Question]:
    return list(context.inputs["questions"].lines(f"questions/{language}.jsonl", Question))


def _check_failures(allowed_share: float, drafts: Sequence[Draft]) -> None:
    failed = [draft for draft in drafts if draft.reason is not None]
    if len(failed) <= allowed_share * len(drafts):
        return
    reasons = Counter(str(draft.reason) for draft in failed)
    commonest = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common(3))
    detail = f" ({failed[0].detail})" if failed[0].detail else ""
    raise Permanent(
        f"{len(failed)} of {len(drafts)} questions got no whole reference, more than max-failed-share "
        f"{allowed_share:g} allows: {commonest}; first {failed[0].label}{detail}. Answered calls are kept. "
        f"{remedy_for(reasons)}"
    )


def _write(context: Context, params: ReferenceParams, drafts: Sequence[Draft], usage: UsageLog) -> None:
    folder = context.out / "references"
    folder.mkdir(parents=True, exist_ok=True)
    counts: dict[str, LanguageCard] = {}
    rejected = [row for draft in drafts if (row := draft.rejection()) is not None]
    for language in params.languages:
        mine = [draft for draft in drafts if draft.language == language]
        accepted = write_lines(folder / f"{language}.jsonl", (form for draft in mine if (form := draft.form())))
        reasons = Counter(draft.reason for draft in mine if draft.reason is not None)
        counts[language] = LanguageCard(
            records=len(mine),
            accepted=accepted,
            rejected=reasons.total(),
            reasons=dict(sorted(reasons.items())),
            notes={},
            finish=dict(sorted(Counter(finish for draft in mine for finish in draft.finishes).items())),
            prompt_tokens=sum(draft.prompt_tokens for draft in mine),
            completion_tokens=sum(draft.completion_tokens for draft in mine),
        )
    write_lines(context.out / "rejected.jsonl", rejected)
    replies = [result for result in usage.results.values() if isinstance(result, Reply)]
    found = describe_files(counts, folder, Reference, context)
    card = DataCard(
        what="references",
        source=Source(kind="model", format=None, hub=None, revision=None, model=params.model),
        licence=None,
        pivot=found.pivot,
        languages=found.languages,
        defects=found.defects,
        rules=found.rules,
        parallel=found.parallel,
        endpoint=params.endpoint,
        served_by=tuple(sorted({reply.served_by for reply in replies if reply.served_by})),
        prompt=params.prompt,
    )
    (context.out / "card.json").write_bytes(to_json(card))
    context.metrics["references"] = {language: entry.accepted for language, entry in counts.items()}
    context.metrics["rejected"] = {language: entry.rejected or 0 for language, entry in counts.items()}
