"""The report of a study: gathers what was committed into one plain document and has it drawn.

Reads whichever of `aggregate`, `data:<dataset>`, `questions`, `references`, `native_references`, `prompts`,
`mix:<model>/<dataset>/<arm>[/d<draw>]`, `train:<cell>`, `base:<model>` and `verdicts:<cell>` the stage names. With
`aggregate` it is the page of results; without it one of data and mixes, and where there are no mixes either one of
translations (`quality:<name>`), which otherwise lies beside it. Writes report.html, report.json and, of results, copies
of scores.csv and contrasts.csv. Promises: every number in the page is in report.json, and every cell there carries the
keys of the stages that it came from; equal inputs give equal bytes.
"""

import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from jobs.lib.context import Context, Input
from jobs.lib.stats.files import write_csv
from jobs.report.data import render_data
from jobs.report.gathering import (
    NamedMix,
    card,
    data,
    family,
    mix_cards,
    named_mixes,
    overlaps,
    parts,
    read_json,
)
from jobs.report.page import render_page
from jobs.report.quality import render_quality
from jobs.report.quality_gathering import gather_quality, table
from polyglot.core.errors import Permanent
from polyglot.core.languages import language_rank
from polyglot.kinds.aggregate import Cell, RosterCell
from polyglot.kinds.report import ReportParams

Row = dict[str, Any]
FORMAT = 1


def run(context: Context) -> None:
    """Gather, render, write. Without results the page is of data and mixes; without those, of translations."""
    params: ReportParams = ReportParams.of(context.stage)
    inputs, beside = context.inputs, "quality"
    if "aggregate" in inputs:
        report = gather(params, inputs)
        _write(context, report, render_page(report))
        for name in ("scores.csv", "contrasts.csv"):
            shutil.copyfile(inputs["aggregate"].path(name), context.out / name)
        context.metrics.update(cells=len(report["roster"]), contrasts=len(report["contrasts"]))
    elif mixes := named_mixes(inputs):
        report = gather_data(params, inputs, mixes)
        _write(context, report, render_data(report))
        context.metrics.update(mixes=len(mixes))
    elif params.checks:
        beside = "report"
    else:
        raise Permanent("a report needs the stage `aggregate`, mixes or quality stages among its inputs")
    _quality(params, context, name=beside)


def _write(context: Context, document: Row, page: str, *, name: str = "report") -> None:
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    (context.out / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    (context.out / f"{name}.html").write_text(page, encoding="utf-8")


def _quality(params: ReportParams, context: Context, *, name: str) -> None:
    """Write the page about translations, beside the report or in its place (`name`); none without quality stages."""
    quality = gather_quality(params, context.inputs)
    if quality is None:
        return
    document = {
        "format": FORMAT,
        "study": params.study,
        "question": params.question,
        "data": data(context.inputs),
        "quality": quality,
    }
    _write(context, document, render_quality(document, name=name), name=name)
    write_csv(context.out / "quality.csv", table(quality))
    context.metrics.update(checks=len(quality["checks"]))


def gather(params: ReportParams, inputs: Mapping[str, Input]) -> Row:
    """Return the document of report.json."""
    aggregate = inputs["aggregate"]
    scores = read_json(aggregate, "scores.json")
    mixes = _mixes_of(scores["roster"], inputs)
    judges = [_judge(cell, source) for cell, source in family(inputs, "verdicts")]
    return {
        "format": FORMAT,
        "study": params.study,
        "question": params.question,
        "notes": list(params.notes),
        "facts": dict(params.facts),
        "metric": params.metric,
        "method": scores["method"],
        "roster": scores["roster"],
        "cells": scores["cells"],
        "arms": scores["arms"],
        "breakdown": scores["breakdown"],
        "contrasts": read_json(aggregate, "contrasts.json"),
        **parts(inputs),
        "mixes": mix_cards(mixes),
        "overlaps": overlaps(mixes, inputs),
        "bases": [_training(name, source) for name, source in family(inputs, "base")],
        "training": [_training(name, source) for name, source in family(inputs, "train")],
        "judges": judges,
        "checks": list(params.checks),
        "executions": executions(inputs),
        "provenance": _provenance(scores["roster"], inputs),
    }


def executions(inputs: Mapping[str, Input]) -> list[Row]:
    """Group the inputs of each kind by the environment that they were made in; kinds with one group are left out.

    So a report says nothing about where it was made, unless that may explain a difference in it.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for role, source in sorted(inputs.items()):
        execution = {**_mapping(source.metrics.get("execution")), **source.execution}  # the job alone knows its dtype
        names = ("device", "threads", "torch", "kernels", "dtype")
        named = {name: execution[name] for name in names if name in execution}
        if named:
            label = ", ".join(f"{name} {value}" for name, value in named.items())
            groups.setdefault((role.partition(":")[0], label), []).append(role)
    kinds = Counter(kind for kind, _ in groups)
    return [
        {"kind": kind, "environment": label, "roles": roles}
        for (kind, label), roles in groups.items()
        if kinds[kind] > 1
    ]


def gather_data(params: ReportParams, inputs: Mapping[str, Input], mixes: Sequence[NamedMix]) -> Row:
    """Return the document of report.json for a study that was run up to its mixes: of the same fields those it has."""
    cards = parts(inputs)
    asked = cards["questions"]["card"].get("languages", {}) if cards["questions"] else {}
    return {
        "format": FORMAT,
        "study": params.study,
        "question": params.question,
        "method": {"languages": sorted(asked, key=language_rank)},
        "arms": [{"model": mix.model, "dataset": mix.dataset, "arm": mix.arm} for mix in mixes],
        **cards,
        "mixes": mix_cards(mixes),
        "overlaps": overlaps(mixes, inputs),
        "checks": list(params.checks),
    }


def _mixes_of(roster: Sequence[Row], inputs: Mapping[str, Input]) -> list[NamedMix]:
    """The mixes in the order of the roster; cells of several seeds have one, and a twin has its cell's."""
    found: dict[str, NamedMix] = {}
    for cell in roster:
        role = mix_role(cell)
        if role in inputs and role not in found:
            about = {name: cell[name] for name in ("model", "dataset", "arm", "draw")}
            found[role] = NamedMix(role=role, card=card(role.partition(":")[2], inputs[role]), **about)
    return list(found.values())


def mix_role(cell: Row) -> str:
    """The role of a cell's mix among the report's inputs."""
    return f"mix:{_typed(cell).mix_name}"


def _typed(cell: Row) -> Cell:
    return msgspec.convert(cell, RosterCell)


def train_role(cell: Row) -> str:
    """The role of a cell's training; a twin's is its cell's."""
    return f"train:{_typed(cell).trained}"


def _references(cell: Row, inputs: Mapping[str, Input]) -> list[str]:
    """The role of the references that a cell was judged against, as its verdicts' manifest says."""
    verdicts = inputs.get(f"verdicts:{cell['cell']}")
    used = verdicts.made_from.get("references") if verdicts else None
    roles = [role for role in ("references", "native_references") if role in inputs]
    return [role for role in roles if inputs[role].key == used] or roles[:1]


def _training(name: str, source: Input) -> Row:
    record = read_json(source, "training.json") if "training.json" in source.names() else {}
    return {"name": name, "key": source.key, "training": record}


def _judge(cell: str, source: Input) -> Row:
    """Counts over one cell's verdicts, taken from the records themselves: reasons of failure and tokens."""
    about = card(cell, source)["card"]
    reasons: Counter[str] = Counter()
    fallbacks: Counter[str] = Counter()
    rivals = 0
    languages: dict[str, Row] = {}
    for name in source.names():
        if not name.startswith("verdicts/"):
            continue
        here = languages[name.removeprefix("verdicts/").removesuffix(".jsonl")] = {"verdicts": 0, "failed": 0}
        here |= {"prompt_tokens": 0, "completion_tokens": 0}
        with source.path(name).open(encoding="utf-8") as lines:
            for record in map(json.loads, lines):
                here["verdicts"] += 1
                here["prompt_tokens"] += record.get("prompt_tokens") or 0
                here["completion_tokens"] += record.get("completion_tokens") or 0
                fallbacks.update([record["fallback"]] if record.get("fallback") else [])
                rivals += bool(record.get("rivals"))
                if record["score"] is None:
                    here["failed"] += 1
                    reasons[record["reason"] or "unknown"] += 1
    return {
        "cell": cell,
        "key": source.key,
        "model": about.get("model", ""),
        "endpoint": about.get("endpoint", ""),
        "languages": languages,
        "reasons": dict(sorted(reasons.items())),
        "fallbacks": dict(sorted(fallbacks.items())),
        "rivals": rivals,
    }


def _provenance(roster: Sequence[Row], inputs: Mapping[str, Input]) -> list[Row]:
    """The keys behind each cell, from its verdicts back to the rows and the questions.

    What the report does not read itself is named by the manifests of what it reads.
    """
    answers_of = inputs["aggregate"].made_from
    rows = []
    for cell in roster:
        steps = []
        for kind, role in (
            ("judge", f"verdicts:{cell['cell']}"),
            ("answer", f"answers:{cell['cell']}"),
            ("train", train_role(cell)),
            ("mix", mix_role(cell)),
            ("base", f"base:{cell['model']}"),
        ):
            source = inputs.get(role)
            key = source.key if source else answers_of.get(role)
            if key:
                steps.append({"kind": kind, "role": role, "key": key})
        train = inputs.get(train_role(cell))
        if train:  # the mix as the training read it: arms of several draws have several
            read = train.made_from
            mix = read.get("mix")
            steps = [step | {"key": mix} if mix and step["kind"] == "mix" else step for step in steps]
            tokens = [role for role in sorted(read) if role.startswith("tokens:")]
            steps += [{"kind": "tokenize", "role": role, "key": read[role]} for role in tokens]
        for role in (f"data:{cell['dataset']}", "questions", *_references(cell, inputs)):
            if role in inputs:
                kind = "reference" if role == "native_references" else "ingest"
                steps.append({"kind": kind, "role": role, "key": inputs[role].key})
        rows.append({"cell": cell["cell"], "arm": cell["arm"], "seed": cell["seed"], "steps": steps})
    return rows


def _mapping(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}
