"""What to cite beside a study's findings, and under which licences its data, models and benchmark came."""

from collections.abc import Iterator, Mapping, Sequence

import yaml

from polyglot.core.canonical import Json
from polyglot.kinds.base import BaseParams
from polyglot.kinds.data_card import DataCard
from polyglot.kinds.report import NamedCard, Report
from polyglot.plan.plan import Plan

_PAPER: Mapping[str, Json] = {
    "type": "article",
    "title": "Investigating Multilingual Instruction-Tuning: Do Polyglot Models Demand for Multilingual Instructions?",
    "url": "https://arxiv.org/abs/2402.13703",
    "authors": [{"name": "the authors of arXiv 2402.13703"}],
    "year": 2024,
}


def citation(report: Report, authors: Sequence[str], version: str) -> str:
    """The text of CITATION.cff (Citation File Format 1.2.0); `authors` are "Family, Given" or a name."""
    document: dict[str, Json] = {
        "cff-version": "1.2.0",
        "message": "If you use these results, please cite them, what they were made with, and the data by its licence.",
        "type": "dataset",
        "title": f"Results of the study {report.study}",
        "authors": [_author(name) for name in authors] or [{"name": f"the authors of the study {report.study}"}],
    }
    if report.question:
        document["abstract"] = report.question
    software: dict[str, Json] = {
        "type": "software",
        "title": "polyglot-lab",
        "version": version,
        "authors": [{"name": "polyglot"}],
    }
    document["references"] = [software, _PAPER]
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)


def _author(name: str) -> dict[str, str]:
    family, comma, given = name.partition(",")
    return {"family-names": family.strip(), "given-names": given.strip()} if comma else {"name": name.strip()}


def licences(report: Report, plan: Plan) -> str:
    """The text of LICENCES.md: a row for each data set, part of the benchmark and base model."""
    lines = ["# Licences", "", "What these results were made from, and what is known of its licence.", ""]
    lines += ["| what | from | licence |", "| --- | --- | --- |"]
    lines += [f"| {what} | {source} | {licence} |" for what, source, licence in _rows(report, plan)]
    return "\n".join(lines) + "\n"


def _rows(report: Report, plan: Plan) -> Iterator[tuple[str, str, str]]:
    parts: list[tuple[str, NamedCard | None]] = [(f"data set {entry.name}", entry) for entry in report.data]
    parts += [("questions", report.questions), ("references", report.references), ("judge prompts", report.prompts)]
    for what, entry in parts:
        if entry is not None:
            yield what, _source(entry.card), _licence(entry.card)
    for planned in plan:
        if planned.stage.kind == BaseParams.kind:
            params = BaseParams.of(planned.stage)
            source = f"{params.hub} at {params.revision}" if params.hub else params.source
            licence = "made by polyglot" if params.source == "built-in" else "as its repository or folder says"
            yield f"model {planned.label.partition(' ')[2]}", source, licence


def _source(card: DataCard) -> str:
    found = card.source
    return f"{found.hub} at {found.revision}" if found.hub else found.kind


def _licence(card: DataCard) -> str:
    if card.licence:
        return card.licence
    rows: dict[str, int] = {}
    for language in card.languages.values():
        for name, count in (language.licences or {}).items():
            rows[name] = rows.get(name, 0) + count
    rows.pop("", None)  # rows that say nothing
    if rows:
        return ", ".join(f"{name} ({count} rows)" for name, count in sorted(rows.items()))
    return "made by polyglot" if card.source.kind == "built-in" else "not stated in the study"
