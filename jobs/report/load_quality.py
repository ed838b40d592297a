"""What a report says of translations: the cards of its quality stages, and engine against engine."""

from collections.abc import Iterator, Mapping

import msgspec

from jobs.lib.context import Input
from jobs.report.load_artifacts import FORMAT, data_cards
from jobs.report.quality_comparison import LEVEL, Check, compare_all
from polyglot.kinds.agree import Agreement
from polyglot.kinds.quality import QualityCard, TurnQuality
from polyglot.kinds.report import KeyedAgreement, NamedQuality, Quality, QualityReport, ReportParams


def load_quality(params: ReportParams, inputs: Mapping[str, Input]) -> QualityReport:
    """Return the document of a page about translations."""
    named, checks = [], []
    for name in params.checks:
        source = inputs[f"quality:{name}"]
        card = source.read("card.json", QualityCard)
        named.append(NamedQuality(name=name, key=source.key, card=card))
        of = (source.made_from.get("source", ""), card.what, card.source, card.target)
        checks.append(Check(name=name, of=of, turns=list(source.lines("rows.jsonl", TurnQuality))))
    agreement = None
    if "agree" in inputs:
        found = inputs["agree"].read("agreement.json", Agreement)
        agreement = KeyedAgreement(**msgspec.structs.asdict(found), key=inputs["agree"].key)
    return QualityReport(
        format=FORMAT,
        study=params.study,
        question=params.question,
        data=data_cards(inputs),
        quality=Quality(level=LEVEL, checks=tuple(named), comparisons=compare_all(checks), agreement=agreement),
    )


def quality_rows(quality: Quality) -> Iterator[dict[str, object]]:
    """One flat row for each check and category ("all" first), as quality.csv has it."""
    for check in quality.checks:
        card = check.card
        for category, summary in {"all": card.overall, **card.categories}.items():
            row: dict[str, object] = {
                "check": check.name,
                "source": card.source,
                "target": card.target,
                "category": category,
                "reference_is": card.reference_is or "",
                "turns": summary.turns,
                "intact": summary.intact,
                "code_turns": summary.code.turns,
                "code_equal": summary.code.equal,
                "language_judged": summary.language.judged,
                "language_other": summary.language.other,
            }
            for metric, spread in summary.metrics.items():
                row |= {f"{metric}_mean": plain(spread.mean), f"{metric}_median": plain(spread.median)}
            yield row


def plain(value: float) -> float:
    """A number as the card's file has it: whole ones without a point."""
    return int(value) if value == int(value) else value
