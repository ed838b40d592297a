"""The card of a quality stage: counts, corpus scores, distributions by category, the worst turns with their texts."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean, quantiles

from jobs.quality.metrics import corpus
from jobs.quality.pairs import Pair, Pairs
from jobs.quality.protected import GROUPS
from polyglot.core.records import UNSET
from polyglot.kinds.data_card import Listed
from polyglot.kinds.quality import (
    QUALITY_METRICS,
    AskedMetric,
    CodeCounts,
    Distribution,
    LanguageCounts,
    LearnedMetric,
    PartCounts,
    QualityCard,
    QualityParams,
    Summary,
    TurnQuality,
    WorstTurn,
)

BINS = 20
RANGES: Mapping[str, tuple[float, float]] = {
    "chrf": (0, 100),
    "bleu": (0, 100),
    "back_chrf": (0, 100),
    "adequacy": (0, 100),
    "comet": (0, 1),
    "length_ratio": (0, 3),
    "kept_share": (0, 1),
    "untranslated_share": (0, 1),
}  # what lies outside is counted in the last bin on its side
WORST = 12
EXCERPT = 1200  # characters of a text that the card shows
LISTED = 200


def describe(params: QualityParams, found: Pairs, records: Sequence[TurnQuality]) -> QualityCard:
    """Return card.json."""
    referenced = [pair for pair in found.pairs if pair.reference]
    returned = [pair for pair in found.pairs if pair.back is not None]
    comet = LearnedMetric(model=params.comet_model, revision=params.comet_revision)
    adequacy = AskedMetric(model=params.adequacy_model, prompt=params.adequacy_prompt)
    return QualityCard(
        what=params.what,
        source=params.source,
        target=params.target,
        reference_is=params.reference_is,
        ids=len({pair.id for pair in found.pairs}),
        turns=len(records),
        untranslated=_listed(found.untranslated),
        without_source=_listed(found.without_source),
        other_turns=_listed(found.other_turns),
        corpus=corpus([p.target for p in referenced], [p.reference or "" for p in referenced]),
        corpus_back=corpus([p.back or "" for p in returned], [p.source for p in returned], bleu=False),
        overall=summary(records),
        categories={name: summary(rows) for name, rows in _grouped(records, lambda r: r.category).items()},
        roles={name: summary(rows) for name, rows in _grouped(records, lambda r: r.role).items()},
        origins=dict(sorted(Counter(pair.origin for pair in found.pairs if pair.origin).items())),
        code_not_equal=_listed(f"{r.id}:{r.turn}" for r in records if r.code_equal is False),
        worst=worst(found.pairs, records),
        comet=comet if params.comet_model else UNSET,
        adequacy=adequacy if params.adequacy_model else UNSET,
    )


def summary(records: Sequence[TurnQuality]) -> Summary:
    """Counts and distributions over some turns."""
    judged = [record for record in records if record.other_language is not None]
    blocks = [record for record in records if record.code_equal is not None]
    parts = {
        group: PartCounts(
            parts=sum(record.parts.get(group, 0) for record in records),
            kept=sum(record.parts_kept.get(group, 0) for record in records),
            added=sum(record.parts_added.get(group, 0) for record in records),
        )
        for group in GROUPS
    }
    return Summary(
        turns=len(records),
        intact=sum(record.intact for record in records),
        protected={group: some for group, some in parts.items() if some.parts or some.kept or some.added},
        code=CodeCounts(turns=len(blocks), equal=sum(bool(record.code_equal) for record in blocks)),
        language=LanguageCounts(judged=len(judged), other=sum(bool(record.other_language) for record in judged)),
        unscored=dict(sorted(Counter(r.adequacy_reason for r in records if r.adequacy_reason).items())),
        metrics={name: spread for name in QUALITY_METRICS if (spread := distribution(name, records))},
    )


def distribution(name: str, records: Iterable[TurnQuality]) -> Distribution | None:
    """Mean, quartiles, 5th and 95th percentile and a histogram of one metric; None where no turn has it."""
    values = sorted(value for record in records if (value := record.metric(name)) is not None)
    if not values:
        return None
    cuts = quantiles(values, n=20, method="inclusive") if len(values) > 1 else [values[0]] * 19
    low, high = RANGES[name]
    bins = [0] * BINS
    for value in values:
        bins[min(BINS - 1, max(0, int((value - low) / (high - low) * BINS)))] += 1
    return Distribution(
        turns=len(values),
        mean=round(fmean(values), 4),
        p05=round(cuts[0], 4),
        p25=round(cuts[4], 4),
        median=round(cuts[9], 4),
        p75=round(cuts[14], 4),
        p95=round(cuts[18], 4),
        range=(low, high),
        bins=tuple(bins),
    )


def worst(pairs: Sequence[Pair], records: Sequence[TurnQuality]) -> tuple[WorstTurn, ...]:
    """The turns that most ask to be looked at, with their texts: by the sum of what is wrong, then in order.

    Half of them are what users say where there are both roles.
    """
    ranked = sorted(zip(pairs, records, strict=True), key=lambda both: (-trouble(both[1]), both[0].id, both[0].turn))
    roles = {record.role for record in records}
    left = dict.fromkeys(roles, WORST // max(1, len(roles)))  # questions are short, and would fill the list
    shown = []
    for pair, record in ranked:
        if left[record.role]:
            left[record.role] -= 1
            shown.append(_shown(pair, record))
    return tuple(shown)


def _shown(pair: Pair, record: TurnQuality) -> WorstTurn:
    return WorstTurn(
        id=pair.id,
        turn=pair.turn,
        role=pair.role,
        category=pair.category,
        trouble=round(trouble(record), 4),
        chrf=record.chrf,
        bleu=record.bleu,
        back_chrf=record.back_chrf,
        adequacy=record.adequacy,
        comet=record.comet,
        length_ratio=record.length_ratio,
        kept_share=record.kept_share,
        untranslated_share=record.untranslated_share,
        other_language=record.other_language,
        code_equal=record.code_equal,
        language=record.language,
        lost={
            group: number - record.parts_kept.get(group, 0)
            for group, number in record.parts.items()
            if number > record.parts_kept.get(group, 0)
        },
        source=excerpt(pair.source),
        target=excerpt(pair.target),
        reference=None if pair.reference is None else excerpt(pair.reference),
        back=None if pair.back is None else excerpt(pair.back),
    )


def trouble(record: TurnQuality) -> float:
    """How much is wrong with a turn, 0 to about 5: what orders the worst turns. A rule of thumb, and no measure."""
    points = 1 - (record.kept_share if record.kept_share is not None else 1)
    points += bool(record.other_language) + record.untranslated_share
    points += 0.5 if record.code_equal is False else 0.0
    scores = ((record.chrf, 100), (record.back_chrf, 100), (record.adequacy, 100), (record.comet, 1))
    known = [1 - value / most for value, most in scores if value is not None]
    return points + (fmean(known) if known else 0.0)


def excerpt(text: str) -> str:
    """The beginning of a text; what was cut is said."""
    if len(text) <= EXCERPT:
        return text
    return f"{text[:EXCERPT]}\n[… {len(text) - EXCERPT} characters more]"


def _grouped(records: Iterable[TurnQuality], key: Callable[[TurnQuality], str]) -> dict[str, list[TurnQuality]]:
    grouped: dict[str, list[TurnQuality]] = {}
    for record in records:
        grouped.setdefault(key(record), []).append(record)
    return dict(sorted(grouped.items()))


def _listed(ids: Iterable[str]) -> Listed:
    every = tuple(ids)
    return Listed(count=len(every), ids=every[:LISTED])
