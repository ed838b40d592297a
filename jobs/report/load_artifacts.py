"""From a report's inputs to its document: each artifact is read once, as the records that its stage wrote."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from jobs.lib.context import Input, of_role
from jobs.report.overlap import shared
from jobs.report.provenance import executions, provenance, ran_on
from polyglot.core.languages import language_rank
from polyglot.core.records import UNSET
from polyglot.kinds.aggregate import ContrastResult, RosterCell, Scores
from polyglot.kinds.base import BaseRecord
from polyglot.kinds.data_card import DataCard
from polyglot.kinds.drift import Drift
from polyglot.kinds.gains import Gain
from polyglot.kinds.judge import JudgeCard, VerdictTokens
from polyglot.kinds.mix import IndexRow, MixCard
from polyglot.kinds.mixtures import Mixtures
from polyglot.kinds.reliability import Reliability
from polyglot.kinds.report import (
    AskedIn,
    DataReport,
    Judged,
    JudgedLanguage,
    NamedArm,
    NamedBase,
    NamedCard,
    NamedMixCard,
    NamedTraining,
    Overlap,
    Report,
    ReportParams,
)
from polyglot.kinds.thresholds import Thresholds
from polyglot.kinds.train import TrainingRecord

T = TypeVar("T")
FORMAT = 1
MOST_COMPARED = 60  # mixes of one model and data set of which each two are compared in what they hold
PARTS = {"questions": "questions", "references": "references", "native_references": "native references",
         "prompts": "judge prompts"}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedMix:
    """A mix among a report's inputs, and what it is a mix of."""

    source: Input
    entry: NamedMixCard
    model: str
    dataset: str


def load_report(params: ReportParams, inputs: Mapping[str, Input]) -> Report:
    """Return the document of a report of results."""
    aggregate = inputs["aggregate"]
    scores = aggregate.read("scores.json", Scores)
    mixes = _mixes_of(scores.roster, inputs)
    panels = {cell.cell for cell in scores.roster if cell.panel}
    return Report(
        format=FORMAT,
        study=params.study,
        question=params.question,
        notes=params.notes,
        facts={**params.facts, **ran_on(inputs)},
        metric=params.metric,
        method=scores.method,
        roster=scores.roster,
        cells=scores.cells,
        arms=scores.arms,
        breakdown=scores.breakdown,
        contrasts=aggregate.read("contrasts.json", tuple[ContrastResult, ...]),
        gains=_written(aggregate, "gains.json", tuple[Gain, ...]) or (),
        other_questions=scores.other_questions or None,
        thresholds=_written(aggregate, "thresholds.json", Thresholds),
        mixtures=_written(aggregate, "mixtures.json", Mixtures),
        answers=bool(of_role(inputs, "answers")),
        data=data_cards(inputs),
        **_benchmark(inputs),
        mixes=tuple(mix.entry for mix in mixes),
        overlaps=_overlaps(mixes),
        bases=tuple(
            NamedBase(name=name, key=source.key, training=source.read("training.json", BaseRecord))
            for name, source in of_role(inputs, "base").items()
        ),
        training=tuple(
            NamedTraining(name=name, key=source.key, training=source.read("training.json", TrainingRecord))
            for name, source in of_role(inputs, "train").items()
        ),
        judges=tuple(
            _judged(cell, source) for cell, source in of_role(inputs, "verdicts").items() if cell not in panels
        ),
        reliability=_reliability(inputs),
        checks=params.checks,
        executions=executions(inputs),
        provenance=provenance(scores.roster, inputs),
        drift=inputs["drift"].read("drift.json", Drift) if "drift" in inputs else UNSET,
    )


def load_data_report(params: ReportParams, inputs: Mapping[str, Input]) -> DataReport:
    """Return the document of a report of data and mixes."""
    mixes = _all_mixes(inputs)
    benchmark = _benchmark(inputs)
    questions = benchmark["questions"]
    return DataReport(
        format=FORMAT,
        study=params.study,
        question=params.question,
        method=AskedIn(languages=tuple(sorted(questions.card.languages if questions else (), key=language_rank))),
        arms=tuple(NamedArm(model=mix.model, dataset=mix.dataset, arm=mix.entry.arm) for mix in mixes),
        data=data_cards(inputs),
        **benchmark,
        mixes=tuple(mix.entry for mix in mixes),
        overlaps=_overlaps(mixes),
        checks=params.checks,
    )


def _written(source: Input, name: str, kind: type[T]) -> T | None:
    """A document of an artifact; None where an earlier version did not write it."""
    return source.read(name, kind) if name in source.names() else None


def _reliability(inputs: Mapping[str, Input]) -> Reliability | None:
    """The card of the judges; a study of an earlier version has none."""
    source = inputs.get("reliability")
    return None if source is None else source.read("reliability.json", Reliability)


def data_cards(inputs: Mapping[str, Input]) -> tuple[NamedCard, ...]:
    """The cards of the data sets."""
    return tuple(_named_card(name, source) for name, source in of_role(inputs, "data").items())


def _benchmark(inputs: Mapping[str, Input]) -> dict[str, NamedCard | None]:
    """The cards of the benchmark's parts; None for those that are not read."""
    return {role: _named_card(name, inputs[role]) if role in inputs else None for role, name in PARTS.items()}


def _named_card(name: str, source: Input) -> NamedCard:
    return NamedCard(name=name, key=source.key, card=source.read("card.json", DataCard))


def _mixes_of(roster: Sequence[RosterCell], inputs: Mapping[str, Input]) -> list[LoadedMix]:
    """The mixes in the order of the roster; cells of several seeds have one, and a rejudged cell has the first's."""
    sources = of_role(inputs, "mix")
    found: dict[str, LoadedMix] = {}
    for cell in roster:
        name = cell.mix_name
        if cell.dataset is not None and name in sources and name not in found:
            found[name] = _load_mix(name, sources[name], cell.model, cell.dataset, cell.arm)
    return list(found.values())


def _all_mixes(inputs: Mapping[str, Input]) -> list[LoadedMix]:
    """All mixes of the inputs, by their names <model>/<dataset>/<arm>[/d<draw>]: smaller ones first."""
    found = [_load_mix(name, source, *name.split("/")[:3]) for name, source in of_role(inputs, "mix").items()]

    def order(mix: LoadedMix) -> tuple[object, ...]:
        card = mix.entry.card
        ranks = [language_rank(language) for language in card.languages]
        return mix.model, mix.dataset, len(ranks), ranks, card.mix, card.size or float("inf"), card.draw

    return sorted(found, key=order)


def _load_mix(name: str, source: Input, model: str, dataset: str, arm: str) -> LoadedMix:
    card = source.read("card.json", MixCard)
    entry = NamedMixCard(name=name, key=source.key, card=card, arm=arm, draw=card.draw)
    return LoadedMix(source=source, entry=entry, model=model, dataset=dataset)


def _overlaps(mixes: Sequence[LoadedMix]) -> tuple[Overlap, ...]:
    """Per model and data set: names of its mixes, and how many ids and rows each two of them share.

    Of very many mixes nobody reads each pair, and there are as many as their square: none is counted then.
    """
    groups: dict[tuple[str, str], list[LoadedMix]] = {}
    for mix in mixes:
        groups.setdefault((mix.model, mix.dataset), []).append(mix)
    found = []
    for (model, dataset), members in groups.items():
        if len(members) > MOST_COMPARED:
            continue
        names = tuple(mix.entry.arm + (f", draw {mix.entry.draw}" if mix.entry.draw else "") for mix in members)
        ids, rows = shared(mix.source.lines("index.jsonl", IndexRow) for mix in members)
        found.append(Overlap(model=model, dataset=dataset, mixes=names, ids=ids, rows=rows))
    return tuple(found)


def _judged(cell: str, source: Input) -> Judged:
    """The judge's own counts over one cell's verdicts, and the sums of their tokens."""
    card = source.read("card.json", JudgeCard)
    reasons: Counter[str] = Counter()
    fallbacks: Counter[str] = Counter()
    languages = {}
    for language, counted in card.languages.items():
        tokens = list(source.lines(f"verdicts/{language}.jsonl", VerdictTokens))
        languages[language] = JudgedLanguage(
            verdicts=counted.verdicts,
            failed=counted.failed,
            prompt_tokens=sum(verdict.prompt_tokens for verdict in tokens),
            completion_tokens=sum(verdict.completion_tokens for verdict in tokens),
        )
        reasons.update(counted.reasons)
        fallbacks.update(counted.fallbacks)
    return Judged(
        cell=cell,
        key=source.key,
        model=card.model,
        endpoint=card.endpoint,
        languages=languages,
        reasons=dict(sorted(reasons.items())),
        fallbacks=dict(sorted(fallbacks.items())),
        conflicting=sum(counted.conflicting for counted in card.languages.values()),
    )
