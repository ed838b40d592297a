"""The page about translations: cards of quality stages -> one HTML page, by the report's own rules and style.

Promises: texts are data (escaped, each in a block with `dir="auto"`, so that right-to-left text and code stand as they
are and cannot reach outside); a likeness to machine translations is nowhere called quality; nothing is computed here.
"""

from collections.abc import Mapping
from typing import NamedTuple

from markupsafe import Markup

from jobs.report.numbers import share, whole
from jobs.report.plots.dots import Dot, draw_axis, draw_dots
from jobs.report.plots.scale import Scale, linear
from jobs.report.plots.spread import draw_spread
from polyglot.core.pages import templates
from polyglot.kinds.metrics import DASH, MINUS, MISSING
from polyglot.kinds.quality import QualityCard, Summary, WorstTurn
from polyglot.kinds.report import Comparison, NamedQuality, Quality, QualityReport

HUMAN, MACHINE = "human", "machine"
LABELS = {HUMAN: "quality", MACHINE: "agreement", None: "no reference"}  # what a likeness to the reference is called
KINDS = {"dataset": "instruction rows", "questions": "benchmark questions", "references": "benchmark reference answers"}
RULES = (
    ("quality or agreement", "chrF and BLEU say how much a translation looks like the reference. Against translations "
     "by people that is a figure of quality; against published machine translations it is likeness to another engine, "
     "and called agreement: a better translation may well score lower."),
    ("a turn is one segment", "Scores are of whole turns, code included; they compare with scores of the same turns."),
    ("back chrF", "The translation is translated back and compared with its source. It measures both directions, "
     "and rewards an engine that changes little: a copy of the source would do well."),
    ("parts kept", "Code, links, numbers (by their digits), placeholders, LaTeX and markup of the source that the "
     "translation has too. Code blocks are also compared whole, byte for byte."),
    ("other language", "Turns whose prose py3langid takes for another language, the claimed one under 1 % probable."),
    ("worst rows", "The order adds up lost parts, another language, untranslated lines, code that differs, and low "
     "scores: a rule of thumb for where to look first."),
)  # fmt: skip


class Metric(NamedTuple):
    """What the page calls a metric, and how it shows it."""

    title: str
    digits: int
    factor: float = 1

    def show(self, value: float | None) -> str:
        """A figure."""
        return MISSING if value is None else f"{value * self.factor:.{self.digits}f}{'%' if self.factor == 100 else ''}"

    def signed(self, value: float) -> str:
        """A difference."""
        text = f"{abs(value) * self.factor:.{max(self.digits, 1)}f}"
        return text if float(text) == 0 else ("+" if value > 0 else MINUS) + text


METRICS: Mapping[str, Metric] = {
    "chrf": Metric(title="chrF", digits=1),
    "bleu": Metric(title="BLEU", digits=1),
    "back_chrf": Metric(title="back chrF", digits=1),
    "adequacy": Metric(title="adequacy", digits=0),
    "comet": Metric(title="COMET", digits=3),
    "length_ratio": Metric(title="length ratio", digits=2),
    "kept_share": Metric(title="parts kept", digits=1, factor=100),
    "untranslated_share": Metric(title="left untranslated", digits=1, factor=100),
}


class SpreadRow(NamedTuple):
    """One category's distribution of a metric."""

    category: str
    turns: int
    median: str
    plot: Markup


class Spread(NamedTuple):
    """A metric by category."""

    metric: str
    axis: Markup
    rows: tuple[SpreadRow, ...]


class Worst(NamedTuple):
    """A turn to look at: what is wrong with it, and its texts by label."""

    turn: WorstTurn
    facts: tuple[str, ...]
    texts: tuple[tuple[str, str], ...]


class Check(NamedTuple):
    """One translation."""

    name: str
    key: str
    card: QualityCard
    pair: str
    what: str
    label: str
    code: str
    other: str
    spreads: tuple[Spread, ...]
    worst: tuple[Worst, ...]


class Difference(NamedTuple):
    """One metric of two translations, first minus second."""

    first: str
    second: str
    means: str
    value: str
    interval: str
    tone: str
    plot: Markup


class Differences(NamedTuple):
    """A metric: every two translations of the same rows on one axis."""

    metric: str
    note: str
    axis: Markup
    rows: tuple[Difference, ...]


def render_quality(document: QualityReport, *, name: str) -> str:
    """Return the page of a document; `name` is its file's, without ending."""
    environment = templates("jobs.report")
    quality = document.quality
    environment.filters |= {"whole": whole, "coefficient": _coefficient}
    checks = [_check(check) for check in quality.checks]
    shown = {name for check in checks for name in check.card.overall.metrics} - {"untranslated_share"}
    return environment.get_template("quality.html.j2").render(
        document=document,
        name=name,
        checks=checks,
        columns={key: metric for key, metric in METRICS.items() if key in shown},
        share=share,
        metrics=METRICS,
        comparisons=_comparisons(quality),
        level=f"{100 * quality.level:g}%",
        lead=[_sentence(check) for check in quality.checks],
        rules=RULES,
        agreement=quality.agreement,
        faults=sorted((quality.agreement.categories if quality.agreement else {}).items(), key=_most_first),
    )


def _check(check: NamedQuality) -> Check:
    card = check.card
    code, language = card.overall.code, card.overall.language
    return Check(
        name=check.name,
        key=check.key,
        card=card,
        pair=f"{card.source} \u2192 {card.target}",
        what=KINDS[card.what],
        label=LABELS[card.reference_is],
        code=f"{code.equal} of {code.turns}" if code.turns else DASH,
        other=share(language.other, language.judged) if language.judged else DASH,
        spreads=_spreads(card),
        worst=tuple(_worst(turn) for turn in card.worst),
    )


def _spreads(card: QualityCard) -> tuple[Spread, ...]:
    categories = {"all": card.overall, **dict(sorted(card.categories.items(), key=_category_order))}
    spreads = []
    for name, metric in METRICS.items():
        if name in card.overall.metrics:
            low, high = card.overall.metrics[name].range
            scale = linear([low * metric.factor, high * metric.factor])
            rows = tuple(
                _spread(name, category, summary, scale)
                for category, summary in categories.items()
                if name in summary.metrics
            )
            spreads.append(Spread(metric=metric.title, axis=draw_axis(scale, metric.title), rows=rows))
    return tuple(spreads)


def _category_order(item: tuple[str, Summary]) -> tuple[int, str]:
    """Classes of length by their first number, names by the alphabet."""
    digits = "".join(c for c in item[0].partition(" ")[0] if c.isdigit())
    return int(digits or 0), item[0]


def _spread(name: str, category: str, summary: Summary, scale: Scale) -> SpreadRow:
    spread, metric = summary.metrics[name], METRICS[name]
    marks = {"p05": spread.p05, "p25": spread.p25, "median": spread.median, "p75": spread.p75, "p95": spread.p95}
    said = ", ".join(f"{key} {metric.show(value)}" for key, value in marks.items())
    return SpreadRow(
        category=category,
        turns=spread.turns,
        median=metric.show(spread.median),
        plot=draw_spread(
            scale,
            {key: value * metric.factor for key, value in marks.items()},
            f"{metric.title}, {category}: {said}",
        ),
    )


def _worst(turn: WorstTurn) -> Worst:
    facts = [f"{metric.title} {metric.show(value)}" for name, metric in METRICS.items() if (value := turn.metric(name))]
    if turn.other_language:
        facts.append(f"reads as {turn.language}")
    if turn.code_equal is False:
        facts.append("code blocks differ")
    facts += [f"{group} lost: {count}" for group, count in turn.lost.items()]
    texts = {
        "source": turn.source,
        "translation": turn.target,
        "reference": turn.reference,
        "translated back": turn.back,
    }
    return Worst(
        turn=turn,
        facts=tuple(facts),
        texts=tuple((label, text) for label, text in texts.items() if text is not None),
    )


def _comparisons(quality: Quality) -> list[Differences]:
    references = {check.name: check.card.reference_is for check in quality.checks}
    figures = []
    for name, metric in METRICS.items():
        rows = [row for row in quality.comparisons if row.metric == name]
        if not rows:
            continue
        limits = [value * metric.factor for row in rows for value in (row.difference, row.low, row.high)]
        scale = linear(limits, zero=True)
        machine = name in ("chrf", "bleu") and any(references[row.first] == MACHINE for row in rows)
        figures.append(
            Differences(
                metric=metric.title,
                note="likeness to machine translations: agreement, not quality" if machine else "",
                axis=draw_axis(scale, f"Axis: difference in {metric.title}", signed=True),
                rows=tuple(_difference(metric, row, scale) for row in rows),
            )
        )
    return figures


def _difference(metric: Metric, row: Comparison, scale: Scale) -> Difference:
    dot = Dot(
        point=row.difference * metric.factor,
        low=row.low * metric.factor,
        high=row.high * metric.factor,
        tone="up" if row.low > 0 else "down" if row.high < 0 else "even",
    )
    value, limits = metric.signed(row.difference), f"{metric.signed(row.low)} to {metric.signed(row.high)}"
    return Difference(
        first=row.first,
        second=row.second,
        means=f"{metric.show(row.first_mean)} against {metric.show(row.second_mean)}, {whole(row.turns)} turns",
        value=value,
        interval=limits,
        tone=dot.tone,
        plot=draw_dots(scale, [dot], f"{row.first} minus {row.second}: {value}, interval {limits}"),
    )


def _sentence(check: NamedQuality) -> str:
    """One translation, in the words that its reference allows."""
    card = check.card
    overall = card.overall
    texts = []
    if card.corpus is not None:
        against = "translations by people" if card.reference_is == HUMAN else "published machine translations"
        word = LABELS[HUMAN] if card.reference_is == HUMAN else LABELS[MACHINE]
        texts.append(f"{word} chrF {card.corpus.chrf:.1f}, BLEU {card.corpus.bleu:.1f} against {against}")
    if overall.code.turns:
        texts.append(f"code blocks byte for byte in {overall.code.equal} of {overall.code.turns} turns")
    texts.append(f"protected parts intact in {share(overall.intact, overall.turns)} of turns")
    return f"{check.name} ({card.source} to {card.target}): {'; '.join(texts)}."


def _most_first(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _coefficient(value: float | None) -> str:
    return MISSING if value is None else f"{value:.2f}".replace("-", MINUS)
