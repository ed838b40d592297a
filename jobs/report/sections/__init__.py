"""The sections of a report's pages, each a module here and a template of the same name.

A module's `show(report, view)` returns what its template calls `shown`; None leaves the section out. A new section is a
module, a template in templates/sections/ and a line below; one that shows a part of the report as it is has no module.
"""

from collections.abc import Callable, Mapping

from jobs.report.numbers import View
from jobs.report.sections import (
    answer,
    card,
    categories,
    contrasts,
    data,
    defects,
    gains,
    judge,
    mixes,
    night,
    pairs,
    ratios,
    scores,
    sizes,
    strengths,
    training,
    transfer,
    wrong_references,
)
from polyglot.kinds.report import DataReport, Report

# what the page's contents call them
NAMES: Mapping[str, str] = {
    "night": "The night",
    "answer": "The answer",
    "scores": "Scores",
    "contrasts": "Contrasts",
    "gains": "Per cent",
    "pairs": "Pairs",
    "strengths": "Strengths",
    "wrong_references": "Wrong references",
    "transfer": "Inside and outside",
    "sizes": "How many instructions",
    "ratios": "Which shares",
    "categories": "Categories",
    "mixes": "Mixes",
    "training": "Training",
    "data": "Data",
    "translations": "Translations",
    "defects": "Answers",
    "judge": "Judge",
    "card": "Trust in verdicts",
    "method": "How it was made",
    "provenance": "Where from",
}
OF_RESULTS: Mapping[str, Callable[[Report, View], object | None]] = {
    "night": night.show,
    "answer": answer.show,
    "scores": scores.show,
    "contrasts": contrasts.show,
    "gains": gains.show,
    "pairs": pairs.show,
    "strengths": strengths.show,
    "wrong_references": wrong_references.show,
    "transfer": transfer.show,
    "sizes": sizes.show,
    "ratios": ratios.show,
    "categories": categories.show,
    "mixes": mixes.show,
    "training": training.show,
    "data": data.show,
    "translations": lambda report, view: report.checks or None,
    "defects": defects.show,
    "judge": judge.show,
    "card": card.show,
    "method": lambda report, view: report,
    "provenance": lambda report, view: report.provenance or None,
}
OF_DATA: Mapping[str, Callable[[DataReport, None], object | None]] = {
    "mixes": mixes.show,
    "data": data.show,
    "translations": lambda report, view: report.checks or None,
}
