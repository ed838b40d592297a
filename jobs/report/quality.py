"""The page about translations: cards of quality stages -> one HTML page, by the report's own rules and style.

Promises: texts are data (escaped, each in a block with `dir="auto"`, so that right-to-left text and code stand as they
are and cannot reach outside); a likeness to machine translations is nowhere called quality; nothing is computed here.
"""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from jobs.report.numbers import MINUS, MISSING, share, whole
from jobs.report.plots.dots import Dot, draw_axis, draw_dots
from jobs.report.plots.scale import Scale, linear
from polyglot.core.pages import templates

Row = Mapping[str, Any]
METRICS: Mapping[str, tuple[str, int, float]] = {
    # metric -> (what the page calls it, digits, factor)
    "chrf": ("chrF", 1, 1),
    "bleu": ("BLEU", 1, 1),
    "back_chrf": ("back chrF", 1, 1),
    "adequacy": ("adequacy", 0, 1),
    "comet": ("COMET", 3, 1),
    "length_ratio": ("length ratio", 2, 1),
    "kept_share": ("parts kept", 1, 100),
    "untranslated_share": ("left untranslated", 1, 100),
}
HUMAN, MACHINE = "human", "machine"
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


def render_quality(document: Row, *, name: str) -> str:
    """Return the page of a document as jobs.report.job writes it; `name` is its file's, without ending."""
    environment = templates("jobs.report")
    quality = document["quality"]
    checks = [_check(check) for check in quality["checks"]]
    return environment.get_template("quality.html.j2").render(
        document=document,
        name=name,
        checks=checks,
        columns=[
            (key, METRICS[key][0])
            for key in METRICS
            if key != "untranslated_share" and any(key in check["metrics"] for check in checks)
        ],
        comparisons=_comparisons(quality),
        level=f"{100 * quality['level']:g}%",
        lead=_lead(quality),
        rules=RULES,
        agreement=_agreement(quality["agreement"]),
    )


def _check(check: Row) -> dict[str, Any]:
    card = check["card"]
    overall = card["overall"]
    reference = {HUMAN: "quality", MACHINE: "agreement", None: "no reference"}[card["reference_is"]]
    names = [name for name in METRICS if name in overall["metrics"]]
    scales = {name: _scale(name, card) for name in names}
    categories = {"all": overall, **dict(sorted(card["categories"].items(), key=_category_order))}
    return {
        "name": check["name"],
        "key": check["key"][:12],
        "pair": f"{card['source']} \u2192 {card['target']}",
        "what": KINDS[card["what"]],
        "grouped": "length of the source, in characters" if card["what"] == "dataset" else "category",
        "label": reference,
        "turns": whole(card["turns"]),
        "ids": whole(card["ids"]),
        "missing": whole(card["untranslated"]["count"]),
        "corpus": card["corpus"],
        "corpus_back": card["corpus_back"],
        "metrics": {name: show(name, overall["metrics"][name]["mean"]) for name in names},
        "intact": share(overall["intact"], overall["turns"]),
        "code": f"{overall['code']['equal']} of {overall['code']['turns']}" if overall["code"]["turns"] else "\u2013",
        "code_bad": card["code_not_equal"]["ids"][:12],
        "other": share(overall["language"]["other"], overall["language"]["judged"])
        if overall["language"]["judged"]
        else "\u2013",
        "protected": [
            (group, whole(row["parts"]), share(row["kept"], row["parts"]), whole(row["added"]))
            for group, row in overall["protected"].items()
        ],
        "unscored": ", ".join(f"{reason} {count}" for reason, count in overall["unscored"].items()),
        "spreads": [
            {
                "metric": METRICS[name][0],
                "axis": draw_axis(scales[name], METRICS[name][0]),
                "rows": [
                    _spread(name, category, summary, scales[name])
                    for category, summary in categories.items()
                    if name in summary["metrics"]
                ],
            }
            for name in names
        ],
        "worst": [_worst(row) for row in card["worst"]],
    }


def _category_order(item: tuple[str, Row]) -> tuple[int, str]:
    """Classes of length by their first number, names by the alphabet."""
    digits = "".join(c for c in item[0].partition(" ")[0] if c.isdigit())
    return int(digits or 0), item[0]


def _scale(name: str, card: Row) -> Scale:
    low, high = card["overall"]["metrics"][name]["range"]
    _, _, factor = METRICS[name]
    return linear([low * factor, high * factor])


def _spread(name: str, category: str, summary: Row, scale: Scale) -> dict[str, Any]:
    spread = summary["metrics"][name]
    said = ", ".join(f"{key} {show(name, spread[key])}" for key in ("p05", "p25", "median", "p75", "p95"))
    return {
        "category": category,
        "turns": whole(spread["turns"]),
        "median": show(name, spread["median"]),
        "middle": f"{show(name, spread['p25'])}\u2013{show(name, spread['p75'])}",
        "plot": draw_spread(scale, spread, METRICS[name][2], f"{METRICS[name][0]}, {category}: {said}"),
    }


def draw_spread(scale: Scale, spread: Row, factor: float, title: str) -> Markup:
    """A box of one distribution: 5th to 95th percentile as a line, quartiles as a box, the median as a mark."""
    at = {key: scale.at(spread[key] * factor) for key in ("p05", "p25", "median", "p75", "p95")}
    rules = Markup("").join(
        Markup('<line class="rule" x1="{0}%" x2="{0}%" y1="0" y2="22"/>').format(scale.at(tick)) for tick in scale.ticks
    )
    return Markup(
        '<svg class="plot spread" role="img" width="100%" height="22"><title>{title}</title>{rules}'
        '<line class="whisker" x1="{p05}%" x2="{p95}%" y1="11" y2="11"/>'
        '<rect class="box" x="{p25}%" width="{wide}%" y="5" height="12" rx="1.5"/>'
        '<line class="mark" x1="{median}%" x2="{median}%" y1="3" y2="19"/></svg>'
    ).format(title=title, rules=rules, wide=max(0.3, round(at["p75"] - at["p25"], 2)), **at)


def _worst(row: Row) -> dict[str, Any]:
    facts = [f"{METRICS[name][0]} {show(name, row[name])}" for name in METRICS if row[name] not in (None, 0)]
    if row["other_language"]:
        facts.append(f"reads as {row['language']}")
    if row["code_equal"] is False:
        facts.append("code blocks differ")
    facts += [f"{group} lost: {count}" for group, count in row["lost"].items()]
    texts = (("source", "source"), ("target", "translation"), ("reference", "reference"), ("back", "translated back"))
    return {
        "title": f"{row['id']}, turn {row['turn']}",
        "role": row["role"],
        "category": row["category"],
        "facts": facts,
        "texts": [(label, row[name]) for name, label in texts if row[name] is not None],
    }


def _comparisons(quality: Row) -> list[dict[str, Any]]:
    """Figures by metric: every two translations of the same rows on one axis."""
    kinds = {check["name"]: check["card"]["reference_is"] for check in quality["checks"]}
    figures = []
    for metric, (title, _, factor) in METRICS.items():
        rows = [row for row in quality["comparisons"] if row["metric"] == metric]
        if not rows:
            continue
        scale = linear([row[key] * factor for row in rows for key in ("difference", "low", "high")], zero=True)
        machine = metric in ("chrf", "bleu") and any(kinds[row["first"]] == MACHINE for row in rows)
        figures.append(
            {
                "metric": title,
                "note": "likeness to machine translations: agreement, not quality" if machine else "",
                "axis": draw_axis(scale, f"Axis: difference in {title}", signed=True),
                "rows": [_difference(metric, row, scale, factor) for row in rows],
            }
        )
    return figures


def _difference(metric: str, row: Row, scale: Scale, factor: float) -> dict[str, Any]:
    sign = 1 if row["low"] > 0 else -1 if row["high"] < 0 else 0
    dot = Dot(
        point=row["difference"] * factor,
        low=row["low"] * factor,
        high=row["high"] * factor,
        tone={1: "up", -1: "down", 0: "even"}[sign],
    )
    limits = f"{signed(metric, row['low'])} to {signed(metric, row['high'])}"
    said = f"{row['first']} minus {row['second']}: {signed(metric, row['difference'])}, interval {limits}"
    return {
        "first": row["first"],
        "second": row["second"],
        "means": f"{show(metric, row['first_mean'])} against {show(metric, row['second_mean'])}, "
        f"{whole(row['turns'])} turns",
        "value": signed(metric, row["difference"]),
        "interval": limits,
        "tone": dot.tone,
        "plot": draw_dots(scale, [dot], said),
    }


def _lead(quality: Row) -> list[str]:
    """A sentence a translation, in the words that its reference allows."""
    said = []
    for check in quality["checks"]:
        card = check["card"]
        overall = card["overall"]
        code = overall["code"]
        texts = []
        if card["corpus"] is not None:
            score = f"chrF {card['corpus']['chrf']:.1f}, BLEU {card['corpus']['bleu']:.1f}"
            against = "translations by people" if card["reference_is"] == HUMAN else "published machine translations"
            word = "quality" if card["reference_is"] == HUMAN else "agreement"
            texts.append(f"{word} {score} against {against}")
        if code["turns"]:
            texts.append(f"code blocks byte for byte in {code['equal']} of {code['turns']} turns")
        texts.append(f"protected parts intact in {share(overall['intact'], overall['turns'])} of turns")
        said.append(f"{check['name']} ({card['source']} to {card['target']}): {'; '.join(texts)}.")
    return said


def _agreement(found: Row | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "raters": whole(found["raters"]),
        "ratings": whole(found["ratings"]),
        "alpha": [(name, _plain(row["alpha"]), whole(row["units"])) for name, row in found["alpha"].items()],
        "correlations": [
            (METRICS[row["metric"]][0], _plain(row["kendall"]), _plain(row["spearman"]), whole(row["turns"]))
            for row in found["correlations"]
        ],
        "categories": sorted(found["categories"].items(), key=lambda item: (-item[1], item[0])),
        "checks": [(row["check"], f"{row['mqm_mean']:.2f}", whole(row["turns"])) for row in found["checks"]],
    }


def _plain(value: float | None) -> str:
    return MISSING if value is None else f"{value:.2f}".replace("-", MINUS)


def show(metric: str, value: float | None) -> str:
    """A figure of a metric."""
    _, digits, factor = METRICS[metric]
    return MISSING if value is None else f"{value * factor:.{digits}f}{'%' if factor == 100 else ''}"


def signed(metric: str, value: float) -> str:
    """A difference of a metric."""
    _, digits, factor = METRICS[metric]
    text = f"{abs(value) * factor:.{max(digits, 1)}f}"
    return text if float(text) == 0 else ("+" if value > 0 else MINUS) + text
