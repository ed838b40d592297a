"""The report of a study: gathers what was committed into one plain document and has it drawn.

Reads whichever of `aggregate`, `data:<dataset>`, `questions`, `references`, `native_references`, `prompts`,
`mix:<model>/<dataset>/<arm>[/d<draw>]`, `train:<cell>`, `base:<model>` and `verdicts:<cell>` the stage names (only
`aggregate` must be there; in a study that trains nothing `quality:<name>` is, and the page is of translations);
writes report.html, report.json and copies of scores.csv and contrasts.csv. Promises: every number in the page is in
report.json, and every cell there carries the keys of the stages that it came from; equal inputs give equal bytes.
"""

import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.lib.context import Context, Input
from jobs.lib.data.overlap import overlap
from jobs.lib.quality.gathering import gather_quality, table
from jobs.lib.stats.files import write_csv
from polyglot.core.errors import Permanent
from polyglot.report.page import render_page
from polyglot.report.quality import render_quality
from polyglot.spec.params import NATIVE, ReportParams, mix_name

Row = dict[str, Any]
FORMAT = 1


def run(context: Context) -> None:
    """Gather, render, write. A study without cells has a page about its translations and nothing else."""
    params: ReportParams = ReportParams.of(context.stage)
    quality = _quality(params, context)
    if quality is not None and "aggregate" not in context.inputs:
        return
    report = gather(params, context.inputs)
    text = json.dumps(report, ensure_ascii=False, indent=1, allow_nan=False)
    (context.out / "report.json").write_text(text + "\n", encoding="utf-8")
    (context.out / "report.html").write_text(render_page(report), encoding="utf-8")
    for name in ("scores.csv", "contrasts.csv"):
        shutil.copyfile(context.inputs["aggregate"].path(name), context.out / name)
    context.metrics.update(cells=len(report["roster"]), contrasts=len(report["contrasts"]))


def _quality(params: ReportParams, context: Context) -> Row | None:
    """Write the page about translations, beside the report or in its place; None without quality stages."""
    quality = gather_quality(params, context.inputs)
    if quality is None:
        return None
    name = "quality" if "aggregate" in context.inputs else "report"
    document = {
        "format": FORMAT,
        "study": params.study,
        "question": params.question,
        "data": [_card(dataset, source) for dataset, source in _family(context.inputs, "data")],
        "quality": quality,
    }
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    (context.out / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    (context.out / f"{name}.html").write_text(render_quality(document, name=name), encoding="utf-8")
    write_csv(context.out / "quality.csv", table(quality))
    context.metrics.update(checks=len(quality["checks"]))
    return quality


def gather(params: ReportParams, inputs: Mapping[str, Input]) -> Row:
    """Return the document of report.json. Raises Permanent when there is no aggregate to report on."""
    if "aggregate" not in inputs:
        raise Permanent("a report needs the stage `aggregate` among its inputs")
    aggregate = inputs["aggregate"]
    scores = _json(aggregate, "scores.json")
    judges = [_judge(cell, source) for cell, source in _family(inputs, "verdicts")]
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
        "contrasts": _json(aggregate, "contrasts.json"),
        "data": [_card(name, source) for name, source in _family(inputs, "data")],
        "questions": _card("questions", inputs["questions"]) if "questions" in inputs else None,
        "references": _card("references", inputs["references"]) if "references" in inputs else None,
        "native_references": (
            _card("native references", inputs["native_references"]) if "native_references" in inputs else None
        ),
        "prompts": _card("judge prompts", inputs["prompts"]) if "prompts" in inputs else None,
        "mixes": _mixes(scores["roster"], inputs),
        "overlaps": _overlaps(scores["roster"], inputs),
        "bases": [_training(name, source) for name, source in _family(inputs, "base")],
        "training": [_training(name, source) for name, source in _family(inputs, "train")],
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
        execution = _manifest_field(source, "execution")
        execution = {**_mapping(source.metrics.get("execution")), **execution}  # the job alone knows its dtype
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


def _family(inputs: Mapping[str, Input], role: str) -> list[tuple[str, Input]]:
    """(name, input) of every role `<role>:<name>`, by name."""
    return [(name.partition(":")[2], inputs[name]) for name in sorted(inputs) if name.startswith(f"{role}:")]


def _json(source: Input, name: str) -> Any:
    return json.loads(source.path(name).read_text(encoding="utf-8"))


def _card(name: str, source: Input) -> Row:
    """An artifact's card.json with the artifact's key; an artifact without one has an empty card."""
    card = _json(source, "card.json") if "card.json" in source.names() else {}
    return {"name": name, "key": source.key, "card": card}


def _mixes(roster: Sequence[Row], inputs: Mapping[str, Input]) -> list[Row]:
    """The mix cards in the order of the roster, each with the arm and the draw that it is of."""
    found: dict[str, Row] = {}
    for cell in roster:
        role = mix_role(cell)
        if role in inputs and role not in found:
            found[role] = _card(role.partition(":")[2], inputs[role]) | {"arm": cell["arm"], "draw": cell["draw"]}
    return list(found.values())


def _overlaps(roster: Sequence[Row], inputs: Mapping[str, Input]) -> list[Row]:
    """Per model and data set: names of its mixes, and how many ids and rows each two of them share."""
    groups: dict[tuple[str, str], dict[str, str]] = {}
    for cell in roster:
        role = mix_role(cell)
        if cell.get("references"):
            continue  # a twin: the same mix
        if role in inputs and "index.jsonl" in inputs[role].names():
            drawn = f", draw {cell['draw']}" if cell["draw"] else ""
            groups.setdefault((cell["model"], cell["dataset"]), {})[role] = cell["arm"] + drawn
    return [
        {"model": model, "dataset": dataset, "mixes": list(names.values())}
        | overlap([inputs[role].path("index.jsonl") for role in names])
        for (model, dataset), names in groups.items()
    ]


def mix_role(cell: Row) -> str:
    """The role of a cell's mix among the report's inputs."""
    return f"mix:{mix_name(cell['cell'], cell['seed'])}"


def train_role(cell: Row) -> str:
    """The role of a cell's training; a twin's is its cell's."""
    return f"train:{str(cell['cell']).removesuffix(NATIVE)}"


def _references(cell: Row, inputs: Mapping[str, Input]) -> list[str]:
    """The role of the references that a cell was judged against, as its verdicts' manifest says."""
    verdicts = inputs.get(f"verdicts:{cell['cell']}")
    used = _manifest_inputs(verdicts).get("references") if verdicts else None
    roles = [role for role in ("references", "native_references") if role in inputs]
    return [role for role in roles if inputs[role].key == used] or roles[:1]


def _training(name: str, source: Input) -> Row:
    record = _json(source, "training.json") if "training.json" in source.names() else {}
    return {"name": name, "key": source.key, "training": record}


def _judge(cell: str, source: Input) -> Row:
    """Counts over one cell's verdicts, taken from the records themselves: reasons of failure and tokens."""
    card = _card(cell, source)["card"]
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
        "model": card.get("model", ""),
        "endpoint": card.get("endpoint", ""),
        "languages": languages,
        "reasons": dict(sorted(reasons.items())),
        "fallbacks": dict(sorted(fallbacks.items())),
        "rivals": rivals,
    }


def _provenance(roster: Sequence[Row], inputs: Mapping[str, Input]) -> list[Row]:
    """The keys behind each cell, from its verdicts back to the rows and the questions.

    What the report does not read itself is named by the manifests of what it reads.
    """
    answers_of = _manifest_inputs(inputs["aggregate"])
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
            read = _manifest_inputs(train)
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


def _manifest_field(source: Input, name: str) -> Mapping[str, Any]:
    """A part of the manifest behind an input, where the worker shows it; what is not shown is not reported."""
    return _mapping(getattr(getattr(source, "manifest", None), name, None))


def _mapping(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def _manifest_inputs(source: Input) -> Mapping[str, str]:
    stage = getattr(getattr(source, "manifest", None), "stage", None)
    return dict(stage.inputs) if stage is not None else {}
