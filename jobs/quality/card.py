"""The card of a quality stage: counts, corpus scores, distributions by category, the worst turns with their texts."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, quantiles
from typing import Any

from jobs.quality.metrics import corpus
from jobs.quality.pairs import Pair, Pairs
from jobs.quality.protected import GROUPS
from polyglot.kinds.quality import QUALITY_METRICS, QualityParams

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
Record = dict[str, Any]


def describe(params: QualityParams, found: Pairs, records: Sequence[Record], about: Mapping[str, Any]) -> Record:
    """Return card.json. `about` has what the ratings by endpoint and model say of themselves."""
    referenced = [pair for pair in found.pairs if pair.reference]
    returned = [pair for pair in found.pairs if pair.back is not None]
    return {
        "what": params.what,
        "source": params.source,
        "target": params.target,
        "reference_is": params.reference_is,
        "ids": len({pair.id for pair in found.pairs}),
        "turns": len(records),
        "untranslated": _listed(found.untranslated),
        "without_source": _listed(found.without_source),
        "other_turns": _listed(found.other_turns),
        "corpus": corpus([p.target for p in referenced], [p.reference or "" for p in referenced]),
        "corpus_back": corpus([p.back or "" for p in returned], [p.source for p in returned], bleu=False),
        "overall": summary(records),
        "categories": {name: summary(rows) for name, rows in _by(records, "category").items()},
        "roles": {name: summary(rows) for name, rows in _by(records, "role").items()},
        "origins": dict(sorted(Counter(pair.origin for pair in found.pairs if pair.origin).items())),
        "code_not_equal": _listed(f"{r['id']}:{r['turn']}" for r in records if r["code_equal"] is False),
        "worst": worst(found.pairs, records),
        **about,
    }


def summary(records: Sequence[Record]) -> Record:
    """Counts and distributions over some turns."""
    judged = [record for record in records if record["other_language"] is not None]
    blocks = [record for record in records if record["code_equal"] is not None]
    parts = {
        group: {
            "parts": sum(record["parts"].get(group, 0) for record in records),
            "kept": sum(record["parts_kept"].get(group, 0) for record in records),
            "added": sum(record["parts_added"].get(group, 0) for record in records),
        }
        for group in GROUPS
    }
    return {
        "turns": len(records),
        "intact": sum(record["intact"] for record in records),
        "protected": {group: counts for group, counts in parts.items() if any(counts.values())},
        "code": {"turns": len(blocks), "equal": sum(record["code_equal"] for record in blocks)},
        "language": {"judged": len(judged), "other": sum(record["other_language"] for record in judged)},
        "unscored": dict(sorted(Counter(r["adequacy_reason"] for r in records if r["adequacy_reason"]).items())),
        "metrics": {name: spread for name in QUALITY_METRICS if (spread := distribution(name, records))},
    }


def distribution(name: str, records: Iterable[Record]) -> Record | None:
    """Mean, quartiles, 5th and 95th percentile and a histogram of one metric; None where no turn has it."""
    values = sorted(record[name] for record in records if record[name] is not None)
    if not values:
        return None
    cuts = quantiles(values, n=20, method="inclusive") if len(values) > 1 else [values[0]] * 19
    low, high = RANGES[name]
    bins = [0] * BINS
    for value in values:
        bins[min(BINS - 1, max(0, int((value - low) / (high - low) * BINS)))] += 1
    named = {"p05": cuts[0], "p25": cuts[4], "median": cuts[9], "p75": cuts[14], "p95": cuts[18]}
    rounded = {key: round(value, 4) for key, value in {"mean": fmean(values), **named}.items()}
    return {"turns": len(values), **rounded, "range": [low, high], "bins": bins}


def worst(pairs: Sequence[Pair], records: Sequence[Record]) -> list[Record]:
    """The turns that most ask to be looked at, with their texts: by the sum of what is wrong, then in order.

    Half of them are what users say where there are both roles.
    """
    ranked = sorted(zip(pairs, records, strict=True), key=lambda both: (-trouble(both[1]), both[0].id, both[0].turn))
    roles = {record["role"] for record in records}
    left = dict.fromkeys(roles, WORST // max(1, len(roles)))  # questions are short, and would fill the list
    shown = []
    for pair, record in ranked:
        if not left[record["role"]]:
            continue
        left[record["role"]] -= 1
        texts = {"source": pair.source, "target": pair.target, "reference": pair.reference, "back": pair.back}
        shown.append(
            {
                "id": pair.id,
                "turn": pair.turn,
                "role": pair.role,
                "category": pair.category,
                "trouble": round(trouble(record), 4),
                **{name: record[name] for name in (*QUALITY_METRICS, "other_language", "code_equal", "language")},
                "lost": {
                    group: number - record["parts_kept"].get(group, 0)
                    for group, number in record["parts"].items()
                    if number > record["parts_kept"].get(group, 0)
                },
                **{name: None if text is None else excerpt(text) for name, text in texts.items()},
            }
        )
    return shown


def trouble(record: Record) -> float:
    """How much is wrong with a turn, 0 to about 5: what orders the worst turns. A rule of thumb, and no measure."""
    points = 1 - (record["kept_share"] if record["kept_share"] is not None else 1)
    points += bool(record["other_language"]) + record["untranslated_share"]
    points += 0.5 if record["code_equal"] is False else 0.0
    scores = [(record["chrf"], 100), (record["back_chrf"], 100), (record["adequacy"], 100), (record["comet"], 1)]
    known = [1 - value / most for value, most in scores if value is not None]
    return float(points + (fmean(known) if known else 0.0))


def excerpt(text: str) -> str:
    """The beginning of a text; what was cut is said."""
    if len(text) <= EXCERPT:
        return text
    return f"{text[:EXCERPT]}\n[… {len(text) - EXCERPT} characters more]"


def _by(records: Iterable[Record], name: str) -> dict[str, list[Record]]:
    grouped: dict[str, list[Record]] = {}
    for record in records:
        grouped.setdefault(record[name], []).append(record)
    return dict(sorted(grouped.items()))


def _listed(ids: Iterable[str]) -> Record:
    every = list(ids)
    return {"count": len(every), "ids": every[:LISTED]}
