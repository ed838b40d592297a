"""The answer in a few sentences, put into words by rule from the measured contrasts, with what speaks against it.

Promises: every sentence quotes numbers of the document with their limits; "higher" or "lower" is said if and only if
the whole interval lies on one side of zero; a claim with too few training seeds behind it speaks of "this model".
"""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from jobs.report.numbers import Metric, share, whole
from jobs.report.tables import UNTUNED, arm_key, arms_of, cut_share, group_title, groups

Row = Mapping[str, Any]
NOTABLE_SHARE = 0.03  # of samples that were cut, of turns without an answer; below it the tables say enough

FAMILIES: Mapping[str, tuple[str, str]] = {
    # family -> (heading, what it asks)
    "parallel - mono": (
        "Several languages against one",
        "A parallel mix against the monolingual mixes of its own languages: their mean, the best and the worst. "
        "Which one is best is decided anew in every resample.",
    ),
    "parallel - sampled": (
        "More rows, same languages",
        "All rows in every language against one monolingual set's number of rows, in the same languages.",
    ),
    "sampled - mono": (
        "Same number of rows, several languages against one",
        "A sampled mix against the mean of the monolingual mixes of its languages.",
    ),
    "left out": (
        "The language left out",
        "A mix that lacks one language, on that language, against the mean of the monolingual mixes of its own.",
    ),
    "whole - part": (
        "With one language more",
        "A mix against the one that lacks one of its languages, measured on the languages that both have.",
    ),
    "references": (
        "Native references against published ones",
        "The same answers judged twice: against references that a model wrote in each language, and against those that "
        "the benchmark publishes. What differs is what broken or translated references do to scores.",
    ),
    "size": ("More instructions", "A mix at one size against the next smaller one, on its own languages."),
}


def family_of(contrast: Row) -> str:
    """The family without the way of choosing its control."""
    family = str(contrast["family"])
    head, _, last = family.rpartition(" ")
    return head if last in ("mean", "best", "worst") else family


def heading(family: str) -> tuple[str, str]:
    """Heading and question of a family; families of a study's own have their name and no question."""
    return FAMILIES.get(family, (family[:1].upper() + family[1:], ""))


def lead(report: Row, metric: Metric) -> list[str]:
    """Return the first sentences, a paragraph per model and data set: its main contrast, or its levels without one."""
    paragraphs = []
    for group in groups(report):
        main = _main([row for row in report["contrasts"] if (row["model"], row["dataset"]) == group])
        texts = (
            [_gain(report, main, metric), _reached(report, main, metric)] if main else [_levels(report, group, metric)]
        )
        paragraphs.append(" ".join(text for text in texts if text))
    return [text for text in paragraphs if text]


def findings(report: Row, metric: Metric) -> list[tuple[str, str]]:
    """Return (heading, sentence) for every family of contrasts, and one on seed noise."""
    grouped: dict[tuple[str, str, str], list[Row]] = {}
    for contrast in report["contrasts"]:
        grouped.setdefault((contrast["model"], contrast["dataset"], family_of(contrast)), []).append(contrast)
    found = []
    mixed = not _weak(report["contrasts"])  # where every claim is of one model, the caveats say it once
    for (model, dataset, family), rows in grouped.items():
        group = group_title(report, (model, dataset))
        title = heading(family)[0] + (f", {group}" if group else "")
        found.append((title, _summary(rows, metric) + (" Of this model only." if mixed and _weak(rows) else "")))
    if report["contrasts"]:
        found.append(("Noise floor", _noise(report["contrasts"], metric)))
    return found


def caveats(report: Row) -> list[str]:
    """Return what a reader must know before believing the sentences above."""
    said = []
    least = report["method"]["min_seeds"]
    tuned = [row for row in report["arms"] if row["language"] == "all" and row["dataset"] is not None]
    weak = [row for row in tuned if row["seeds"] < least]
    if weak:
        which = "Every mix has" if len(weak) == len(tuned) else f"{len(weak)} of {len(tuned)} mixes have"
        which = f"{weak[0]['arm']} has" if len(weak) == 1 else which
        seeds = sorted({row["seeds"] for row in weak})
        number = _seeds(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]} training seeds"
        said.append(
            f"{which} {number}, fewer than the {least} that a claim about a mix needs: what is said here holds for "
            "the one model; another seed makes another."
        )
    rows = [row for row in report["cells"] if row["category"] is None and row["turn"] is None]
    failed, every = sum(row["failed"] for row in rows), sum(row["verdicts"] for row in rows)
    if failed:
        worst = max(rows, key=lambda row: row["failed"] / row["verdicts"])
        said.append(
            f"{whole(failed)} of {whole(every)} verdicts failed ({share(failed, every)}); they are counted, and in no "
            f"mean. The largest share is {share(worst['failed'], worst['verdicts'])}, for {worst['cell']} in "
            f"{worst['language']}."
        )
    said += _unanswered(report)
    cut, turns = sum(row["cut"] for row in rows), sum(row["answer_turns"] for row in rows)
    if cut:
        worst = max(rows, key=lambda row: row["cut_share"] or 0.0)
        said.append(
            f"{share(cut, turns)} of the answers were cut at the length limit; the largest share is "
            f"{share(worst['cut'], worst['answer_turns'])}, for {worst['cell']} in {worst['language']}."
        )
    said += _shortened(report)
    kinds: dict[str, int] = {}
    for group in report["executions"]:
        kinds[group["kind"]] = kinds.get(group["kind"], 0) + 1
    for kind, different in kinds.items():
        if different > 1:
            said.append(
                f"The {kind} stages ran in {different} environments (device, threads, versions or precision): a "
                "difference between models from two of them may be the environments'."
            )
    return said


def _unanswered(report: Row) -> list[str]:
    """A sentence on turns without an answer, where they are more than a few: other cells were judged on them."""
    every = sum(counted["verdicts"] for judge in report["judges"] for counted in judge["languages"].values())
    missing = sum(judge["reasons"].get("no-answer", 0) for judge in report["judges"])
    if not every or missing / every < NOTABLE_SHARE:
        return []
    return [
        f"{share(missing, every)} of the turns have no answer to judge, as where a prompt is longer than the model can "
        "see. Each mean is over the verdicts that there are, and contrasts are not restricted to questions that all of "
        "their models answered: the models may differ in which questions they are measured on."
    ]


def _shortened(report: Row) -> list[str]:
    """A sentence on samples that were cut at max_tokens, where they are more than a few."""
    cards = [(entry["arm"], entry["card"]) for entry in report["mixes"] if entry["card"].get("truncated")]
    parts = [
        (card["truncated"][language] / rows, arm, language, card)
        for arm, card in cards
        for language, rows in card["rows"].items()
        if rows
    ]
    if not parts or max(parts, key=lambda part: part[0])[0] < NOTABLE_SHARE:
        return []
    _, arm, language, card = max(parts, key=lambda part: part[0])
    return [
        "Training samples were cut at max-tokens: they lost the end of their last answer, and with it the sign to "
        f"stop. The largest share is {cut_share(card, language)} of the {language} samples of {arm}."
    ]


def _main(contrasts: Sequence[Row]) -> list[Row]:
    """The parallel mix of most languages at its largest size, against mean, best and worst monolingual mix."""
    rows = [row for row in contrasts if family_of(row) == "parallel - mono"]
    if not rows:
        return []
    first = max(rows, key=lambda row: (len(row["control"]), _size(row["treatment"][0])))
    same = ("model", "dataset", "treatment", "control", "on")
    return [row for row in rows if all(row[name] == first[name] for name in same)]


def _size(arm: str) -> float:
    _, _, size = arm.partition("@")
    return float(size) if size.isdigit() else float("inf")


def _gain(report: Row, rows: Sequence[Row], metric: Metric) -> str:
    """One sentence on a mix against the mean, the best and the worst of the monolingual mixes."""
    by = {row["family"].rpartition(" ")[2]: row for row in rows}
    first = rows[0]
    group = group_title(report, (first["model"], first["dataset"]))
    named = f" ({group})" if group else ""
    opening = "" if first["claim"] == "mix" else f"In this model, with {_seeds(first['seeds'])}: "
    opening += f"over {_count(len(first['on']), 'language', 'languages')}, {first['treatment'][0]}{named}"
    clauses: list[str] = []
    verb, unit = "", f" {metric.unit}"
    phrases = {"mean": "the mean of the monolingual mixes", "best": "the best of them", "worst": "the worst"}
    for which, phrase in phrases.items():
        if which not in by:
            continue
        row = by[which]
        selected = row["exact_selected" if metric.name == "exact" else "selected"]
        says, amount = _says(row, metric, unit)
        clauses.append(f"{says + ' ' if says != verb else ''}{phrase}{f' ({selected})' if selected else ''} {amount}")
        verb, unit = says, ""
    text = f"{opening} {_listed(clauses)}."
    return text[0].upper() + text[1:]


def _says(row: Row, metric: Metric, unit: str) -> tuple[str, str]:
    """The verb of a comparison, and the amount with its limits; unsigned where the verb has the sign."""
    sign = metric.verdict(row)
    value, low, high = (row[name] for name in (metric.difference, metric.low, metric.high))
    if value is None:
        return "cannot be compared with", "(nothing to average)"
    if sign == 0:
        return "cannot be told from", f"by its {metric.signed(value)}{unit} ({metric.signed_interval(row)})"
    low, high = sorted((abs(low), abs(high)))
    shown = [metric.signed(number).lstrip("+") for number in (abs(value), low, high)]
    return "beats" if sign > 0 else "falls short of", f"by {shown[0]}{unit} ({shown[1]} to {shown[2]})"


def _reached(report: Row, rows: Sequence[Row], metric: Metric) -> str:
    """One sentence with the levels behind the first."""
    first = rows[0]
    means = {
        row["arm"]: row[metric.mean]
        for row in report["arms"]
        if (row["model"], row["dataset"], row["language"]) == (first["model"], first["dataset"], "all")
    }
    ours = means.get(first["treatment"][0])
    theirs = [means[name] for name in first["control"] if means.get(name) is not None]
    if ours is None or not theirs:
        return ""
    others = f"{metric.show(min(theirs))} to {metric.show(max(theirs))}"
    return f"It reaches {metric.phrase(ours)}; each of them reaches {others}."


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _amount(row: Row, metric: Metric) -> str:
    value = metric.signed(row[metric.difference])
    return f"{value} {metric.unit} ({metric.signed_interval(row)})"


def _levels(report: Row, group: tuple[str, str | None], metric: Metric) -> str:
    """Sentences on the first three mixes of a group: over all languages, inside and outside of the mix, untuned."""
    rows = {(*arm_key(row), row["language"]): row for row in report["arms"]}
    title = group_title(report, group)
    texts = []
    for key in arms_of(report, group):
        row = rows[*key, "all"]
        if key[1] is None and group[1] is not None:
            continue
        text = f"{key[2]} reaches {metric.phrase(row[metric.mean])} ({metric.interval(row)}) over all languages"
        inside, outside = rows.get((*key, "in-mix")), rows.get((*key, "out-of-mix"))
        if inside and outside:
            text += (
                f": {metric.show(inside[metric.mean])} ({metric.interval(inside)}) in the languages of the mix, "
                f"{metric.show(outside[metric.mean])} ({metric.interval(outside)}) in the others"
            )
        base = rows.get((key[0], None, UNTUNED, "all"))
        if base and key[1] is not None:
            text += f"; untuned, the model reaches {metric.show(base[metric.mean])}"
        texts.append((f"{title}: " if title else "") + text + ".")
    return " ".join(texts[:3])


def _weak(rows: Sequence[Row]) -> bool:
    """True when no contrast has the seeds for a claim about a mix."""
    return all(row["claim"] != "mix" for row in rows)


def _summary(rows: Sequence[Row], metric: Metric) -> str:
    """One sentence on a family: how many contrasts say higher, lower or nothing, and how far they reach."""
    known = [row for row in rows if row[metric.difference] is not None]
    if not known:
        return "Nothing could be averaged."
    if len(known) == 1:
        word = {1: "Higher", -1: "Lower", 0: "No difference shown"}[metric.verdict(known[0])]
        return f"{word}: {_amount(known[0], metric)}."
    number = len(known)
    above = sum(metric.verdict(row) > 0 for row in known)
    below = sum(metric.verdict(row) < 0 for row in known)
    values = [row[metric.difference] for row in known]
    reach = f"{metric.signed(min(values))} to {metric.signed(max(values))} {metric.unit}"
    if number in (above, below):
        return f"{'Higher' if above else 'Lower'} in all {number} contrasts: {reach}."
    if not above and not below:
        return f"No difference shown in any of {number} contrasts: {reach}."
    told = [f"{word} in {count}" for word, count in (("higher", above), ("lower", below)) if count]
    told.append(f"no difference shown in {number - above - below}" if above + below < number else "")
    text = ", ".join(part for part in told if part)
    return f"Of {number} contrasts, {text}: {reach}."


def _noise(rows: Iterable[Row], metric: Metric) -> str:
    name = "difference" if metric.name == "score" else "exact_difference"
    found: dict[tuple[Any, ...], float] = {}
    for row in rows:
        for pair in row["aa"]:
            if pair[name] is not None:
                found[row["model"], row["dataset"], pair["arm"], *pair["pair"], *row["on"]] = abs(pair[name])
    if not found:
        return (
            "There is one training seed a mix, so no two models differ by nothing but the seed: how much of a "
            "difference is seed noise cannot be told."
        )
    values = list(found.values())
    middle, most = (metric.signed(value).lstrip("+") for value in (median(values), max(values)))
    return (
        f"Two seeds of one mix, over the same languages, differ by {middle} {metric.unit} in the median and by {most} "
        f"at most ({len(values)} A/A pairs)."
    )


def _seeds(number: int) -> str:
    return _count(number, "training seed", "training seeds")


def _count(number: int, one: str, many: str) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return f"{words[number] if number < len(words) else number} {one if number == 1 else many}"
