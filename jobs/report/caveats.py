"""What a reader must know before believing what a report says."""

from collections import Counter
from collections.abc import Iterator

from jobs.report.numbers import listed, seeds, share, whole
from jobs.report.sections.mixes import cut_share
from polyglot.core.records import UNSET
from polyglot.kinds.cells import AGAIN
from polyglot.kinds.imported import FROM_FILES
from polyglot.kinds.metrics import BY_NAME
from polyglot.kinds.report import Report

NEAR_AN_END = 0.01  # of the scale: means that are all so near to one end of it tell nothing apart
NOTABLE_SHARE = 0.03  # of samples that were cut, of turns without an answer; below it the tables say enough


def caveats(report: Report) -> list[str]:
    """Return all sentences that apply."""
    return [text for says in _ALL for text in says(report)]


def _weak(report: Report) -> Iterator[str]:
    """Too few seeds for claims about mixes."""
    least = report.method.min_seeds
    tuned = [row for row in report.arms if row.language == "all" and row.dataset is not None]
    weak = [row for row in tuned if row.seeds < least]
    if not weak:
        return
    which = "Every mix has" if len(weak) == len(tuned) else f"{len(weak)} of {len(tuned)} mixes have"
    which = f"{weak[0].arm} has" if len(weak) == 1 else which
    fewest, most = min(row.seeds for row in weak), max(row.seeds for row in weak)
    number = seeds(fewest) if fewest == most else f"{fewest} to {most} training seeds"
    yield (
        f"{which} {number}, fewer than the {least} that a claim about a mix needs: what is said here holds for the one "
        "model; another seed makes another."
    )


def _at_one_end(report: Report) -> Iterator[str]:
    """A benchmark that is too hard, or too easy, for every arm."""
    metric = BY_NAME[report.metric]
    means = [mean for row in report.arms if row.language == "all" and (mean := metric.of(row).value) is not None]
    near = NEAR_AN_END * (metric.highest - metric.lowest)
    for end, why in ((metric.lowest, "hard"), (metric.highest, "easy")):
        if means and all(abs(mean - end) <= near for mean in means):
            yield (
                f"Every mix, and what is not tuned, is at one end of the scale ({metric.show(end)}): the benchmark is "
                f"too {why} to tell these models apart, and that no difference is shown says nothing about the data."
            )


def _one_model(report: Report) -> Iterator[str]:
    """Contrasts with what is not tuned."""
    keys = {key for row in report.contrasts for key in (*row.treatment, *row.control) if not key.dataset}
    arms = sorted({key.arm.partition(AGAIN)[0] for key in keys})
    if arms:
        yield (
            f"{listed(arms)} {'is one model' if len(arms) == 1 else 'are one model each'}, without training seeds: the "
            "limits of a difference reach over questions and the seeds of the mixes; how much another such model would "
            "differ is not known."
        )


def _others_judged(report: Report) -> Iterator[str]:
    """Cells whose verdicts were read from files."""
    judges: dict[str, list[str]] = {}
    for judged in report.judges:
        if judged.endpoint == FROM_FILES:
            judges.setdefault(judged.model, []).append(judged.cell)
    for judge, cells in judges.items():
        yield (
            f"{listed(cells)} {'was' if len(cells) == 1 else 'were'} not judged here: the verdicts are those of "
            f"{judge}, read from files. What sets such a cell apart from the others may be the judge's doing, or its "
            "prompts'."
        )


def _others_compared(report: Report) -> Iterator[str]:
    """Pairs whose verdicts were read from files."""
    results = report.reliability.results if report.reliability else ()
    for judge in dict.fromkeys(row.judge for row in results if row.judge is not UNSET):
        pairs = sorted({f"{row.first.arm} and {row.second.arm}" for row in results if row.judge == judge})
        yield (
            f"{listed(pairs)} {'was' if len(pairs) == 1 else 'were'} not compared here: the verdicts on pairs are "
            f"those of {judge}, read from files, and stand in no figure of the study's own judge."
        )


def _failed(report: Report) -> Iterator[str]:
    """Verdicts that could not be had."""
    panels = {cell.cell for cell in report.roster if cell.panel}  # those of several judges together: nobody was asked
    rows = [row for row in report.cells if row.is_whole and row.cell not in panels]
    failed, every = sum(row.failed for row in rows), sum(row.verdicts for row in rows)
    if failed:
        worst = max(rows, key=lambda row: row.failed / row.verdicts)
        yield (
            f"{whole(failed)} of {whole(every)} verdicts failed ({share(failed, every)}); they are counted, and in no "
            f"mean. The largest share is {share(worst.failed, worst.verdicts)}, for {worst.cell} in {worst.language}."
        )


def _not_ranked(report: Report) -> Iterator[str]:
    """Contrasts of arms whose verdicts failed too often."""
    most = report.method.most_failed
    rows = [row for row in report.contrasts if not report.method.allows(row.failed_share)]
    if rows and most is not None:
        yield (
            f"{len(rows)} of {len(report.contrasts)} contrasts are not ranked, whatever their numbers: more "
            f"than {share(most, 1)} of the verdicts on one of their sides failed, and what is not scored could turn "
            "them round."
        )


def _unanswered(report: Report) -> Iterator[str]:
    """Turns without an answer, where they are more than a few: other cells were judged on them."""
    every = sum(counted.verdicts for judged in report.judges for counted in judged.languages.values())
    missing = sum(judged.reasons.get("no-answer", 0) for judged in report.judges)
    if every and missing / every >= NOTABLE_SHARE:
        yield (
            f"{share(missing, every)} of the turns have no answer to judge, as where a prompt is longer than the model "
            "can see. Each mean is over the verdicts that there are, and contrasts are not restricted to questions "
            "that all of their models answered: the models may differ in which questions they are measured on."
        )


def _cut(report: Report) -> Iterator[str]:
    """Answers that were cut at the length limit."""
    rows = [row for row in report.cells if row.is_whole]
    cut, turns = (sum(parts) for parts in zip(*(row.cut_turns for row in rows), strict=True)) if rows else (0, 0)
    if cut:
        worst = max(rows, key=lambda row: row.cut_share or 0.0)
        yield (
            f"{share(cut, turns)} of the answers were cut at the length limit; the largest share is "
            f"{share(*worst.cut_turns)}, for {worst.cell} in {worst.language}."
        )


def _shortened(report: Report) -> Iterator[str]:
    """Samples that were cut at max_tokens, where they are more than a few."""
    parts = [
        (entry.card.truncated[language] / rows, entry.arm, language, entry.card)
        for entry in report.mixes
        if entry.card.truncated
        for language, rows in entry.card.rows.items()
        if rows
    ]
    largest, arm, language, card = max(parts, key=lambda part: part[0], default=(0.0, "", "", None))
    if card is not None and largest >= NOTABLE_SHARE:
        yield (
            "Training samples were cut at max-tokens: they lost the end of their last answer, and with it the sign to "
            f"stop. The largest share is {cut_share(card, language)} of the {language} samples of {arm}."
        )


def _environments(report: Report) -> Iterator[str]:
    """Kinds of stages that ran in several environments."""
    for kind, different in Counter(group.kind for group in report.executions).items():
        if different > 1:
            yield (
                f"The {kind} stages ran in {different} environments (device, threads, versions or precision): a "
                "difference between models from two of them may be the environments'."
            )


_ALL = (
    _at_one_end,
    _weak,
    _one_model,
    _others_judged,
    _others_compared,
    _failed,
    _not_ranked,
    _unanswered,
    _cut,
    _shortened,
    _environments,
)
