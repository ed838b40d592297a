"""The sections of a report's pages, each a module here and a template of the same name.

A module's `show(report, view)` returns what its template shows, under the section's name; None leaves the section out.
A new section is a module, a template in templates/sections/, and a line below.
"""

from collections.abc import Callable, Mapping

from jobs.report.sections import (
    answer,
    categories,
    contrasts,
    data,
    judge,
    method,
    mixes,
    provenance,
    scores,
    sizes,
    training,
    transfer,
    translations,
)
from jobs.report.view import View
from polyglot.kinds.report import DataReport, Report

OF_RESULTS: Mapping[str, Callable[[Report, View], object | None]] = {
    "answer": answer.show,
    "scores": scores.show,
    "contrasts": contrasts.show,
    "transfer": transfer.show,
    "sizes": sizes.show,
    "categories": categories.show,
    "mixes": mixes.show,
    "training": training.show,
    "data": data.show,
    "translations": translations.show,
    "judge": judge.show,
    "method": method.show,
    "provenance": provenance.show,
}
OF_DATA: Mapping[str, Callable[[DataReport, None], object | None]] = {
    "mixes": mixes.show,
    "data": data.show,
    "translations": translations.show,
}
