"""What reports read of artifacts, and say of data and mixes: their cards, and what mixes share. Plain data."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.lib.context import Input
from jobs.report.overlap import overlap
from polyglot.core.languages import language_rank

Row = dict[str, Any]
PARTS = {"questions": "questions", "references": "references", "native_references": "native references",
         "prompts": "judge prompts"}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedMix:
    """A mix among a report's inputs: its role there, its card, and what it is a mix of."""

    role: str
    card: Row
    model: str
    dataset: str
    arm: str
    draw: int


def family(inputs: Mapping[str, Input], role: str) -> list[tuple[str, Input]]:
    """(name, input) of every role `<role>:<name>`, by name."""
    return [(name.partition(":")[2], inputs[name]) for name in sorted(inputs) if name.startswith(f"{role}:")]


def read_json(source: Input, name: str) -> Any:
    """The content of one of an artifact's JSON files."""
    return json.loads(source.path(name).read_text(encoding="utf-8"))


def card(name: str, source: Input) -> Row:
    """An artifact's card.json with the artifact's key; an artifact without one has an empty card."""
    found = read_json(source, "card.json") if "card.json" in source.names() else {}
    return {"name": name, "key": source.key, "card": found}


def data(inputs: Mapping[str, Input]) -> list[Row]:
    """The cards of the data sets."""
    return [card(name, source) for name, source in family(inputs, "data")]


def parts(inputs: Mapping[str, Input]) -> Row:
    """The cards of the data sets, and of the benchmark's parts; None for those that are not read."""
    found = {role: card(name, inputs[role]) if role in inputs else None for role, name in PARTS.items()}
    return {"data": data(inputs), **found}


def named_mixes(inputs: Mapping[str, Input]) -> list[NamedMix]:
    """All mixes of the inputs, by their roles mix:<model>/<dataset>/<arm>[/d<draw>]: smaller ones first."""
    found = []
    for name, source in family(inputs, "mix"):
        model, dataset, arm, *_ = name.split("/")
        made = card(name, source)
        about = made["card"]
        languages = [language_rank(language) for language in about["languages"]]
        order = (model, dataset, len(languages), languages, about["mix"], about["size"] or float("inf"), about["draw"])
        mix = NamedMix(role=f"mix:{name}", card=made, model=model, dataset=dataset, arm=arm, draw=about["draw"])
        found.append((order, mix))
    return [mix for _, mix in sorted(found, key=lambda pair: pair[0])]


def mix_cards(mixes: Sequence[NamedMix]) -> list[Row]:
    """The mixes' cards, each with the arm and the draw that it is of."""
    return [mix.card | {"arm": mix.arm, "draw": mix.draw} for mix in mixes]


def overlaps(mixes: Sequence[NamedMix], inputs: Mapping[str, Input]) -> list[Row]:
    """Per model and data set: names of its mixes, and how many ids and rows each two of them share."""
    groups: dict[tuple[str, str], dict[str, str]] = {}
    for mix in mixes:
        if "index.jsonl" in inputs[mix.role].names():
            drawn = f", draw {mix.draw}" if mix.draw else ""
            groups.setdefault((mix.model, mix.dataset), {})[mix.role] = mix.arm + drawn
    return [
        {"model": model, "dataset": dataset, "mixes": list(names.values())}
        | overlap([inputs[role].path("index.jsonl") for role in names])
        for (model, dataset), names in groups.items()
    ]
