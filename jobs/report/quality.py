"""The page about translations: cards of quality stages -> one HTML page, by the report's own rules and style.

Promises: texts are data (escaped, each in a block with `dir="auto"`, so that right-to-left text and code stand as they
are and cannot reach outside); a likeness to machine translations is nowhere called quality; nothing is computed here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from jobs.report.numbers import MINUS, MISSING, share, whole
from jobs.report.plots.dots import Dot, draw_axis, draw_dots
from jobs.report.plots.scale import Scale, linear
from jobs.report.plots.spread import draw_spread
from polyglot.core.pages import templates
from polyglot.kinds.quality import QualityCard, Summary, WorstTurn
from polyglot.kinds.report import Comparison, KeyedAgreement, NamedQuality, Quality, QualityReport

HUMAN, MACHINE = "human", "machine"
LABELS = {HUMAN: "quality", MACHINE: "agreement", None: "no reference"}  # what a likeness to the reference is called
KINDS = {"dataset": "instruction rows", "questions": "benchmark questions", "references": "benchmark reference answers"}
MOST_CODE_IDS = 12  # that are listed of turns whose code differs
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadRow:
    """One category's distribution of a metric."""

    category: str
    turns: str
    median: str
    plot: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A metric by category."""

    metric: str
    axis: Markup
    rows: tuple[SpreadRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """A turn to look at: what is wrong with it, and its texts by label."""

    title: str
    role: str
    category: str
    facts: tuple[str, ...]
    texts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One translation."""

    name: str
    key: str
    card: QualityCard
    pair: str
    what: str
    grouped: str
    label: str
    turns: str
    ids: str
    missing: str
    metrics: Mapping[str, str]
    intact: str
    code: str
    code_bad: tuple[str, ...]
    other: str
    protected: tuple[tuple[str, str, str, str], ...]
    unscored: str
    spreads: tuple[Spread, ...]
    worst: tuple[Worst, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One metric of two translations, first minus second."""

    first: str
    second: str
    means: str
    value: str
    interval: str
    tone: str
    plot: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """A metric: every two translations of the same rows on one axis."""

    metric: str
    note: str
    axis: Markup
    rows: tuple[Difference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Rows of the tables of human ratings."""

    raters: str
    ratings: str
    alpha: tuple[tuple[str, str, str], ...]
    correlations: tuple[tuple[str, str, str, str], ...]
    categories: tuple[tuple[str, int], ...]
    checks: tuple[tuple[str, str, str], ...]


def render_quality(document: QualityReport, *, name: str) -> str:
    """Return the page of a document; `name` is its file's, without ending."""
    environment = templates("jobs.report")
    quality = document.quality
    checks = [_check(check) for check in quality.checks]
    return environment.get_template("quality.html.j2").render(
        document=document,
        name=name,
        checks=checks,
        columns=[
            (key, metric.title)
            for key, metric in METRICS.items()
            if key != "untranslated_share" and any(key in check.metrics for check in checks)
        ],
        comparisons=_comparisons(quality),
        level=f"{100 * quality.level:g}%",
        lead=[_sentence(check) for check in quality.checks],
        rules=RULES,
        agreement=None if quality.agreement is None else _people(quality.agreement),
    )


def _check(check: NamedQuality) -> Check:
    card = check.card
    overall = card.overall
    code, language = overall.code, overall.language
    return Check(
        name=check.name,
        key=check.key[:12],
        card=card,
        pair=f"{card.source} \u2192 {card.target}",
        what=KINDS[card.what],
        grouped="length of the source, in characters" if card.what == "dataset" else "category",
        label=LABELS[card.reference_is],
        turns=whole(card.turns),
        ids=whole(card.ids),
        missing=whole(card.untranslated.count),
        metrics={
            name: metric.show(overall.metrics[name].mean) for name, metric in METRICS.items() if name in overall.metrics
        },
        intact=share(overall.intact, overall.turns),
        code=f"{code.equal} of {code.turns}" if code.turns else "\u2013",
        code_bad=card.code_not_equal.ids[:MOST_CODE_IDS],
        other=share(language.other, language.judged) if language.judged else "\u2013",
        protected=tuple(
            (group, whole(row.parts), share(row.kept, row.parts), whole(row.added))
            for group, row in overall.protected.items()
        ),
        unscored=", ".join(f"{reason} {count}" for reason, count in overall.unscored.items()),
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
        turns=whole(spread.turns),
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
        title=f"{turn.id}, turn {turn.turn}",
        role=turn.role,
        category=turn.category,
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


def _people(found: KeyedAgreement) -> People:
    return People(
        raters=whole(found.raters),
        ratings=whole(found.ratings),
        alpha=tuple((name, _coefficient(row.alpha), whole(row.units)) for name, row in found.alpha.items()),
        correlations=tuple(
            (METRICS[row.metric].title, _coefficient(row.kendall), _coefficient(row.spearman), whole(row.turns))
            for row in found.correlations
        ),
        categories=tuple(sorted(found.categories.items(), key=lambda item: (-item[1], item[0]))),
        checks=tuple((row.check, f"{row.mqm_mean:.2f}", whole(row.turns)) for row in found.checks),
    )


def _coefficient(value: float | None) -> str:
    return MISSING if value is None else f"{value:.2f}".replace("-", MINUS)
