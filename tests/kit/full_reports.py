"""A whole study as its report sees it: scores, answers, trainings with curves, a judge asked again, pairs.

The numbers are drawn; what they are about is as in a study of the size that the caller says.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import exp
from pathlib import Path
from random import Random

from msgspec.structs import replace

from jobs.aggregate import job as aggregate
from jobs.lib.judging.orders import counted, settle
from jobs.reliability import job as reliability
from polyglot.core import records
from polyglot.kinds.answer import Answer
from polyglot.kinds.cells import Cell, Contrast
from polyglot.kinds.compare import CompareCard, OrderVerdict, PairVerdict, Slot
from polyglot.kinds.findings import Findings
from polyglot.kinds.judge import Verdict
from polyglot.kinds.reliability import CellPair, ReliabilityParams
from polyglot.kinds.train import TrainingRecord, ValidationLoss, ValidationStep
from tests.kit.fake_scores import FakeStudy, cells_of, fake_context, untuned, usual_ability
from tests.kit.folder_input import FolderInput

RETESTED, TIMES = 40, 3  # turns in each language, and how often each is asked
PAIRED = 6  # arms whose answers are compared in pairs, two seeds each
CHECKS = (1, 25, 50, 75, 100)  # steps after which losses on rows held back are taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """What a report job reads, and the arms that it is of."""

    inputs: dict[str, FolderInput]
    arms: int


def whole_study(
    root: Path,
    mixes: Sequence[str],
    seeds: Sequence[int],
    contrasts: Sequence[Contrast],
    *,
    per_category: int = 10,
    resamples: int = 10_000,
    languages: Sequence[str] = ("EN", "DE", "FR", "IT", "ES"),
) -> Whole:
    """Write it below `root`, and run its aggregate and the card of its judge."""
    study = FakeStudy(
        cells=(untuned(), *cells_of(mixes, seeds)),
        contrasts=tuple(contrasts),
        languages=tuple(languages),
        ability=usual_ability,
        per_category=per_category,
        resamples=resamples,
        failed_share=0.01,
    ).write(root / "in")
    for role, source in study.inputs.items():
        if role.startswith("train:"):
            _curves(source, languages)
        if role.startswith("answers:"):
            _spell_out(source, role, languages)
    inputs = study.inputs | {"retest": _retest(root / "retest", study)}
    pairs = tuple(_pairs(root / "pairs", study, inputs))
    findings = Findings(size_margin=0.5, mixture_margin=0.3)
    counted_as = study.aggregate_params().model_copy(update={"findings": findings})
    context = fake_context(counted_as, study.inputs, root / "aggregate")
    aggregate.run(context)
    inputs["aggregate"] = FolderInput(context.out, "a" * 64)
    params = ReliabilityParams(languages=study.languages, cells=study.cells, pairs=pairs, resamples=1_000)
    card = fake_context(params, inputs, root / "reliability")
    reliability.run(card)
    inputs["reliability"] = FolderInput(card.out, "b" * 64)
    read = {role: source for role, source in inputs.items() if not role.startswith(("comparisons:", "retest"))}
    return Whole(inputs=read, arms=len(mixes) + 1)


def _spell_out(source: FolderInput, role: str, languages: Sequence[str]) -> None:
    """Give each turn a text of its own; some say nothing."""
    random = Random(role)
    for language in languages:
        path = source.root / f"answers/{language}.jsonl"
        rows = []
        for row in records.read_lines(path, Answer):
            texts = ["" if random.random() < 0.02 else f"{row.id}.{turn}: {random.random():.6f}" for turn in (1, 2)]
            turns = tuple(replace(turn, text=text) for turn, text in zip(row.turns, texts, strict=True))
            rows.append(replace(row, turns=turns))
        records.write_lines(path, rows)


def _curves(source: FolderInput, languages: Sequence[str]) -> None:
    """Give a training losses on rows held back over its steps, and norms."""
    record = source.read("training.json", TrainingRecord)
    random = Random(source.root.name)
    assert record.validation
    last = record.validation[-1].languages
    steps = tuple(
        ValidationStep(
            step=step,
            languages={
                name: ValidationLoss(loss=(last[name].loss or 0.0) + 2 * exp(-step / 25), tokens=900, rows=50)
                for name in languages
            },
        )
        for step in CHECKS
    )
    norms = tuple(1.5 * exp(-step / 30) + 0.4 + 0.2 * random.random() for step in range(record.steps))
    written = replace(record, validation=steps, gradient_norm=norms)
    (source.root / "training.json").write_bytes(records.to_json(written))


def _retest(root: Path, study: FakeStudy) -> FolderInput:
    """The first tuned cell's answers asked again: the judge scatters by a point, and more in the last language."""
    random = Random(5)
    cell = study.cells[1]
    for place, language in enumerate(study.languages):
        source = study.inputs[f"verdicts:{cell.cell}"]
        rows = [row for row in source.lines(f"verdicts/{language}.jsonl", Verdict) if row.score is not None]
        again = [
            replace(row, repeat=time, score=float(min(max(round(score), 1), 10)))
            for row in rows[:RETESTED]
            for time in range(TIMES)
            for score in ((row.score or 5) + random.gauss(0, 0.6 + place / 5),)
        ]
        path = root / f"verdicts/{language}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        records.write_lines(path, again)
    return FolderInput(root, "c" * 64)


def _pairs(root: Path, study: FakeStudy, inputs: dict[str, FolderInput]) -> Iterator[CellPair]:
    """Every two of some arms, seed by seed; inputs are put beside the others."""
    arms = list(dict.fromkeys(cell.arm_key for cell in study.cells if cell.mix is not None))
    chosen = [*arms[:2], *arms[-(PAIRED - 2) :]]
    for seed in sorted({cell.seed for cell in study.cells if cell.seed is not None})[:2]:
        cells = [cell for cell in study.cells if cell.seed == seed and cell.arm_key in chosen]
        for first, second in combinations(cells, 2):
            name = f"{first.cell} {second.cell}"
            folder = root / str(len(inputs))
            _compared(folder, study, first, second)
            inputs[f"comparisons:{name}"] = FolderInput(folder, "d" * 64)
            yield CellPair(name=name, first=first.cell, second=second.cell)


def _compared(folder: Path, study: FakeStudy, first: Cell, second: Cell) -> None:
    random = Random(f"{first.cell} {second.cell}")
    (folder / "comparisons").mkdir(parents=True)
    said = {}
    for language in study.languages:
        apart = (usual_ability(first, language) - usual_ability(second, language)) / 3
        rows = [
            _pair(random, apart, identity, language, category, turn)
            for identity, category in study.questions()
            for turn in (1, 2)
        ]
        records.write_lines(folder / f"comparisons/{language}.jsonl", rows)
        said[language] = counted(rows)
    card = CompareCard(endpoint="built-in", model="rules-1", served_by=(), languages=said)
    (folder / "card.json").write_bytes(records.to_json(card))


def _pair(random: Random, apart: float, identity: str, language: str, category: str, turn: int) -> PairVerdict:
    """One turn in both orders, by a judge that leans to the answer that it sees first."""
    own, orders = apart + random.gauss(0, 0.8), []
    for sign in (1, -1):
        lean = sign * own + 0.3 + random.gauss(0, 1)
        slot: Slot = "A" if lean > 0.4 else "B" if lean < -0.4 else "tie"
        orders.append(OrderVerdict(said=slot))
    outcome, consistent, reason = settle(orders)
    return PairVerdict(
        id=identity,
        language=language,
        category=category,
        sample=0,
        turn=turn,
        outcome=outcome,
        consistent=consistent,
        reason=reason,
        orders=tuple(orders),
        characters=(int(300 * 2 ** random.gauss(0, 1)), int(300 * 2 ** random.gauss(0, 1))),
    )
