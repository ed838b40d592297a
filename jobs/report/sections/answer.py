"""The answer in a few sentences, put into words by rule from the measured contrasts, with what speaks against it.

Promises: every sentence quotes numbers of the document with their limits; "higher" or "lower" is said if and only if
the p-value, adjusted for the contrast's family, is below 1 - level (of the primary contrast its own: then the whole
interval lies on one side of zero); a claim with too few training seeds behind it speaks of "this model".
"""

from collections.abc import Collection, Iterable, Sequence
from statistics import median
from typing import NamedTuple

from jobs.report.caveats import caveats
from jobs.report.families import WORDINGS, by_what_they_compare
from jobs.report.groups import Group, arm_scores, arms_of, extents, group_title, groups, languages_of, largest_sizes
from jobs.report.judge_noise import noise_sentence
from jobs.report.numbers import View, counted, listed, seeds
from jobs.report.paper_words import paper_findings
from jobs.report.ratio_words import ratio_findings
from jobs.report.section_words import section_findings
from jobs.report.sections.gains import gained
from jobs.report.significance import few_seeds, how_many, out_of_reach, primary, says
from jobs.report.size_words import size_findings
from polyglot.kinds.aggregate import ContrastResult, Estimate
from polyglot.kinds.cells import AGAIN, ArmKey, Family
from polyglot.kinds.metrics import Metric
from polyglot.kinds.report import Report

MOST_LEVELS = 3  # sentences on mixes where nothing is compared
MOST_NAMED = 6  # mixes that a sentence names beside those
CONTROLS = {
    "mean": "the mean of the monolingual mixes",
    "best": "the best of them",
    "worst": "the worst",
}


class Answer(NamedTuple):
    """Paragraphs, and sentences under headings."""

    primary: str
    lead: tuple[str, ...]
    findings: tuple[tuple[str, str], ...]
    caveats: tuple[str, ...]


def show(report: Report, view: View) -> Answer:
    """Return what the section shows."""
    return Answer(
        primary=primary(report, view.metric),
        lead=tuple(lead(report, view.metric)),
        findings=tuple(findings(report, view.metric)),
        caveats=tuple(caveats(report)),
    )


def lead(report: Report, metric: Metric) -> list[str]:
    """Return the first sentences, a paragraph per model and data set: its main contrast, or its levels without one.

    Every mix is in them, whatever it is compared with: one of them is what the study is about.
    """
    paragraphs = []
    for group in groups(report):
        if main := _main(report, group):
            told = {*main[0].treatment, *main[0].control}
            texts = [_gain(report, main, metric), _reached(report, main, metric)]
        else:
            told = set(_tuned(report, group)[:MOST_LEVELS])
            texts = _levels(report, group, metric)
        texts.append(_others(report, group, told, metric))
        paragraphs.append(" ".join(text for text in texts if text))
    return [text for text in paragraphs if text]


def findings(report: Report, metric: Metric) -> list[tuple[str, str]]:
    """Return (heading, sentence) for every family of contrasts, their number, gains, sizes, shares, and noise."""
    found = []
    mixed = not _weak(report.contrasts)  # where every claim is of one model, the caveats say it once
    others = (row for row in report.contrasts if not row.primary)
    for (trained_on, compares), rows in by_what_they_compare(others).items():
        group = group_title(report, trained_on)
        title = WORDINGS[compares].heading + (f", {group}" if group else "")
        found.append(
            (title, _summary(report, rows, metric) + (" Of this model only." if mixed and _weak(rows) else ""))
        )
    found.append(("In per cent", gained(report)))
    found += paper_findings(report, metric)
    found += [*size_findings(report), *ratio_findings(report), *section_findings(report, metric)]
    number = (how_many(report), few_seeds(report), out_of_reach(report))
    found.append(("Number of comparisons", " ".join(text for text in number if text)))
    if report.contrasts:
        found.append(("Noise floor", _noise(report.contrasts, metric)))
    found.append(("Judge noise", noise_sentence(report)))
    return [(title, text) for title, text in found if text]


def _main(report: Report, group: Group) -> list[ContrastResult]:
    """The parallel mix of most languages at its largest size, against mean, best and worst monolingual mix."""
    compares = Family.PARALLEL_MEAN.compares
    rows = [row for row in report.contrasts if row.trained_on == group and row.family.compares == compares]
    if not rows:
        return []
    extent = extents(report)
    first = max(rows, key=lambda row: extent[row.treatment[0]])
    sides = (first.treatment, first.control, first.on)
    return [row for row in rows if (row.treatment, row.control, row.on) == sides]


def _gain(report: Report, rows: Sequence[ContrastResult], metric: Metric) -> str:
    """One sentence on a mix against the mean, the best and the worst of the monolingual mixes."""
    by_choice = {row.family.choice: row for row in rows}
    first = rows[0]
    group = group_title(report, first.trained_on)
    named = f" ({group})" if group else ""
    opening = "" if first.scope == "mix" else f"In this model, with {seeds(first.seeds)}: "
    opening += f"over {counted(len(first.on), 'language', 'languages')}, {first.treatment[0].arm}{named}"
    clauses: list[str] = []
    verb, unit = "", f" {metric.unit}"
    for choice, row in sorted(by_choice.items(), key=lambda item: list(CONTROLS).index(item[0])):
        found = metric.of(row)
        said, amount = says(row, metric, unit, report.method)
        chosen = f" ({found.selected})" if found.selected else ""
        clauses.append(f"{said + ' ' if said != verb else ''}{CONTROLS[choice]}{chosen} {amount}")
        verb, unit = said, ""
    text = f"{opening} {listed(clauses)}."
    return text[0].upper() + text[1:]


def _reached(report: Report, rows: Sequence[ContrastResult], metric: Metric) -> str:
    """One sentence with the levels behind the first."""
    first, scores = rows[0], arm_scores(report)
    means = {key: metric.of(scores[key, "all"]).value for key in (*first.treatment, *first.control)}
    ours = means[first.treatment[0]]
    theirs = [mean for key in first.control if (mean := means[key]) is not None]
    if ours is None or not theirs:
        return ""
    others = f"{metric.show(min(theirs))} to {metric.show(max(theirs))}"
    return f"It reaches {metric.phrase(ours)}; each of them reaches {others}."


def _levels(report: Report, group: Group, metric: Metric) -> list[str]:
    """Sentences on the first mixes of a group: over all languages, inside and outside of the mix, untuned."""
    rows = arm_scores(report)
    title = group_title(report, group)
    texts = []
    for key in _tuned(report, group)[:MOST_LEVELS]:
        mean = metric.of(rows[key, "all"])
        text = f"{key.arm} reaches {metric.phrase(mean.value)} ({metric.interval(mean)}) over all languages"
        inside, outside = rows.get((key, "in-mix")), rows.get((key, "out-of-mix"))
        if inside and outside:
            near, far = metric.of(inside), metric.of(outside)
            text += (
                f": {metric.show(near.value)} ({metric.interval(near)}) in the languages of the mix, "
                f"{metric.show(far.value)} ({metric.interval(far)}) in the others"
            )
        base = rows.get((ArmKey.untuned(key.model), "all"))
        if base and key.dataset is not None:
            text += f"; untuned, the model reaches {metric.show(metric.of(base).value)}"
        texts.append((f"{title}: " if title else "") + text + ".")
    return texts


def _tuned(report: Report, group: Group) -> list[ArmKey]:
    """The mixes of a group, those of most languages first; what is not tuned where there is nothing else."""
    members = languages_of(report)
    keys = [key for key in arms_of(report, group) if key.dataset is not None or group[1] is None]
    keys = [key for key in keys if AGAIN not in key.arm]  # what is judged otherwise is no other mix
    return sorted(keys, key=lambda key: -len(members[key]))


def _others(report: Report, group: Group, told: Collection[ArmKey], metric: Metric) -> str:
    """One sentence on the mixes that were not told of: by name those of several languages, the rest by their reach."""
    members, scores = languages_of(report), arm_scores(report)
    rest = [key for key in _tuned(report, group) if key not in told and metric.of(scores[key, "all"]).value is not None]
    largest = largest_sizes(report)
    named = [key for key in rest if len(members[key]) > 1 and key in largest][:MOST_NAMED]
    levels = dict[str, list[str]]()  # what is equal, as it is shown, is said once
    for key in named:
        levels.setdefault(metric.phrase(metric.of(scores[key, "all"]).value), []).append(key.arm)
    clauses = [
        f"{listed(arms)} {'reaches' if len(arms) == 1 else 'reach'} {level}{' each' if len(arms) > 1 else ''}"
        for level, arms in levels.items()
    ]
    values = [value for key in rest if key not in named if (value := metric.of(scores[key, "all"]).value) is not None]
    if values:
        what = "other mix reaches" if len(values) == 1 else "other mixes reach"
        low, high = metric.show(min(values)), metric.show(max(values))
        clauses.append(f"{counted(len(values), what, what)} {low if low == high else f'{low} to {high}'}")
    text = f"{listed(clauses)}, over all languages." if clauses else ""
    return text[:1].upper() + text[1:]


def _weak(rows: Iterable[ContrastResult]) -> bool:
    """True when no contrast has the seeds for a claim about a mix."""
    return all(row.scope != "mix" for row in rows)


def _summary(report: Report, rows: Sequence[ContrastResult], metric: Metric) -> str:
    """What a family says, and which differences its contrasts that show nothing would have shown."""
    ranked = [row for row in rows if report.method.allows(row.failed_share)]
    if len(ranked) < len(rows):
        number = counted(len(rows) - len(ranked), "contrast is", "contrasts are")
        said = f"{number[:1].upper() + number[1:]} not ranked, as too many verdicts failed."
        return f"{_summary(report, ranked, metric)} {said}" if ranked else said
    unshown = [found.detectable for row in rows if (found := metric.of(row)).told == 0 and found.detectable is not None]
    text = _told(rows, metric)
    if not unshown:
        return text
    middle = metric.signed(median(unshown)).lstrip("+")
    return f"{text} Detectable by one of these alone: about {middle} {metric.unit}."


def _told(rows: Sequence[ContrastResult], metric: Metric) -> str:
    """One sentence on a family: how many contrasts say higher, lower or nothing, and how far they reach."""
    known = [(found.value, found) for row in rows if (found := metric.of(row)).value is not None]
    if not known:
        return "Nothing could be averaged."
    if len(known) == 1:
        value, found = known[0]
        word = {1: "Higher", -1: "Lower", 0: "No difference shown"}[found.told]
        return f"{word}: {metric.signed(value)} {metric.unit} ({metric.signed_interval(found)})."
    number = len(known)
    above = sum(found.told > 0 for _, found in known)
    below = sum(found.told < 0 for _, found in known)
    ends = (min(known, key=_value), max(known, key=_value))
    shown = (f"{metric.signed(value)} ({metric.signed_interval(found)})" for value, found in ends)
    reach = " to ".join(dict.fromkeys(shown))
    reach += f" {metric.unit}"
    alone = sum(found.sign != 0 and found.told == 0 for _, found in known)
    if alone:
        reach += f"; {counted(alone, 'leaves', 'leave')} zero out before the adjustment"
    if number in (above, below):
        return f"{'Higher' if above else 'Lower'} in all {number} contrasts: {reach}."
    if not above and not below:
        return f"No difference shown in any of {number} contrasts: {reach}."
    told = [f"{word} in {count}" for word, count in (("higher", above), ("lower", below)) if count]
    told += [f"no difference shown in {number - above - below}"] if above + below < number else []
    return f"Of {number} contrasts, {', '.join(told)}: {reach}."


def _value(known: tuple[float | None, Estimate]) -> float:
    return known[0] or 0.0


def _noise(rows: Iterable[ContrastResult], metric: Metric) -> str:
    """One sentence on differences between seeds of one mix; a pair is counted once for the same languages.

    Answers that are judged twice are of the same two models, and are in it once.
    """
    found = {
        (_of_arm(row, pair.arm), pair.pair, row.on): abs(difference)
        for row in rows
        for pair in row.same_arm_pairs
        if AGAIN not in pair.arm and (difference := metric.of_pair(pair)) is not None
    }
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


def _of_arm(row: ContrastResult, arm: str) -> str:
    """An arm's name with model and data set, which it has already where a contrast is across these."""
    return "/".join((row.model, row.dataset, arm)) if row.model and row.dataset else arm
