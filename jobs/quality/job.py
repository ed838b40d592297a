"""The quality stage: a translation beside its source, turn by turn, and beside a reference where there is one.

Reads `source` and `translated` (rows, questions or references of one language each), and where they are given
`reference` (the same ids in the target language), `back` (the translation, translated back) and `questions`
(categories). Writes `rows.jsonl`, one record a turn without its texts, and `card.json`: corpus scores with sacrebleu's
signatures, distributions by category, and the worst turns with theirs. docs/translation-quality.md says what each
figure means. Promises: equal inputs give equal bytes unless an endpoint is asked; a rating that could not be had is
counted with its reason, and in no mean; asked to stop, it loses no answered call.
"""

import os

from msgspec.structs import replace

from jobs.lib.chat.asking import Asking
from jobs.lib.chat.endpoint import announced
from jobs.lib.chat.request_scheduler import Observer
from jobs.lib.chat.reuse import Reuse
from jobs.lib.chat.settings import CallSettings
from jobs.lib.chat.usage_log import UsageLog
from jobs.lib.context import Context
from jobs.quality import adequacy, comet
from jobs.quality.card import describe
from jobs.quality.metrics import measure
from jobs.quality.pairs import Pair, collect
from polyglot.core.errors import Interrupted
from polyglot.core.records import to_json, write_lines
from polyglot.kinds.quality import QualityParams, TurnQuality

_CHECK_EVERY = 100  # turns between two looks at whether the attempt was asked to stop


def run(context: Context) -> None:
    """Measure every turn, have it rated where the study asks, then describe the whole."""
    params = QualityParams.of(context.stage)
    if params.comet_model:
        comet.library()  # before anything that costs
    found = collect(context.inputs, params)
    records: list[TurnQuality] = []
    for pair in found.pairs:
        records.append(measure(pair, params.target))
        if len(records) % _CHECK_EVERY == 0:
            context.progress(len(records), len(found.pairs), "turns")
            context.raise_if_stopping()
    if params.comet_model:
        scores = comet.rate(found.pairs, params.comet_model, params.comet_revision, gpus=context.resources.gpus)
        records = [replace(record, comet=score) for record, score in zip(records, scores, strict=True)]
    if params.adequacy_model:
        records = _rate(context, params, found.pairs, records)
    write_lines(context.out / "rows.jsonl", records)
    (context.out / "card.json").write_bytes(to_json(describe(params, found, records)) + b"\n")
    context.metrics.update(turns=len(records), untranslated=len(found.untranslated))


def _rate(context: Context, params: QualityParams, pairs: list[Pair], records: list[TurnQuality]) -> list[TurnQuality]:
    settings = CallSettings.of(context.settings)
    settings.require_prices("Set adequacy's two prices in the study file")
    usage = UsageLog(context.journal, settings)

    def asking(observer: Observer) -> Asking:
        endpoint = announced(settings, os.environ, context.log, asker="adequacy")
        return Asking(context, endpoint, settings, usage, observer)

    try:
        with Reuse(context, usage, settings) as reuse:
            ratings = adequacy.rate(
                pairs,
                params,
                settings,
                usage,
                reuse,
                asking,
                stopping=context.stopping,
                remark=context.remark,
                progress=lambda done, total: context.progress(min(done, total), total, "ratings"),
            )
    finally:
        context.volatile |= usage.account()
    if ratings is None:
        raise Interrupted("asked to stop; answered calls are kept")
    return [
        replace(record, adequacy=score, adequacy_reason=reason)
        for record, (score, reason) in zip(records, ratings, strict=True)
    ]
