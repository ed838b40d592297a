"""The report of a study: gathers what was committed into one document and has it drawn.

With `aggregate` among its inputs it is the page of results; without it one of data and mixes, and where there are no
mixes either one of translations (`quality:<name>`), which otherwise lies beside it. Writes report.html, report.json
and, of results, answers.html with its folder and copies of scores.csv, contrasts.csv, gains.csv and, of pairs,
strengths.csv. Promises: every number in the page is in report.json, and every cell there carries the keys of the stages
that it came from; equal inputs give equal bytes.
"""

import shutil
from collections.abc import Mapping

import msgspec

from jobs.lib.context import Context, of_role
from jobs.lib.stats.files import readable
from jobs.report.answers.build import write_answers
from jobs.report.load_artifacts import load_data_report, load_report
from jobs.report.load_quality import load_quality, quality_rows
from jobs.report.page import environment, render_data, render_page
from jobs.report.quality import render_quality
from polyglot.core.canonical import Json
from polyglot.core.csv_file import write_csv
from polyglot.core.errors import Permanent
from polyglot.core.records import Record
from polyglot.kinds.base import BaseRecord
from polyglot.kinds.data_card import DataCard
from polyglot.kinds.mix import MixCard
from polyglot.kinds.quality import QualityCard
from polyglot.kinds.report import KeyedAgreement, ReportParams
from polyglot.kinds.train import TrainingRecord

_EXPONENT = 1e21  # from here on canonical JSON writes one
# What is written as its own file has it: in canonical form
CARDS = (DataCard, MixCard, BaseRecord, TrainingRecord, QualityCard, KeyedAgreement)


def run(context: Context) -> None:
    """Gather, render, write. Without results the page is of data and mixes; without those, of translations."""
    params, inputs = ReportParams.of(context.stage), context.inputs
    beside = "quality"
    if "aggregate" in inputs:
        report = load_report(params, inputs)
        write_answers(report, inputs, environment(), context.out)
        _write(context, report, render_page(report))
        for name in ("scores.csv", "contrasts.csv", "gains.csv"):
            if name in inputs["aggregate"].names():  # gains.csv: not of an aggregate of an earlier version
                shutil.copyfile(inputs["aggregate"].path(name), context.out / name)
        if report.reliability and report.reliability.strengths:
            shutil.copyfile(inputs["reliability"].path("strengths.csv"), context.out / "strengths.csv")
        context.metrics.update(cells=len(report.roster), contrasts=len(report.contrasts))
    elif of_role(inputs, "mix"):
        data = load_data_report(params, inputs)
        _write(context, data, render_data(data))
        context.metrics.update(mixes=len(data.mixes))
    elif params.checks:
        beside = "report"
    else:
        raise Permanent("a report needs the stage `aggregate`, mixes or quality stages among its inputs")
    if params.checks:
        found = load_quality(params, inputs)
        _write(context, found, render_quality(found, name=beside), name=beside)
        write_csv(context.out / "quality.csv", quality_rows(found.quality))
        context.metrics.update(checks=len(found.quality.checks))


def _write(context: Context, document: Record, page: str, *, name: str = "report") -> None:
    (context.out / f"{name}.json").write_bytes(to_json(document))
    (context.out / f"{name}.html").write_text(page, encoding="utf-8")


def to_json(document: Record) -> bytes:
    """Readable JSON: fields in the order of their classes, cards as their own files have them."""
    return readable(document, default=_plain)


def _plain(value: Record) -> object:
    """What json makes of a record."""
    if isinstance(value, CARDS):
        plain = {name: _canonical(item) for name, item in msgspec.to_builtins(value, order="sorted").items()}
        return {"key": value.key, **plain} if isinstance(value, KeyedAgreement) else plain
    fields = zip(value.__struct_encode_fields__, msgspec.structs.astuple(value), strict=True)
    return {name: field for name, field in fields if field is not msgspec.UNSET}


def _canonical(value: Json) -> Json:
    """The same with whole numbers that have no point, as canonical JSON has them."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXPONENT:
        return int(value)
    if isinstance(value, Mapping):
        return {name: _canonical(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    return value
