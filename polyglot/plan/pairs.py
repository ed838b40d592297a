"""Pairs of cells whose answers are judged beside each other, here or by others."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from polyglot.core.stage import PlannedStage
from polyglot.kinds.aggregate import Cell
from polyglot.kinds.compare import CompareParams
from polyglot.kinds.imported import ImportedParams
from polyglot.kinds.reliability import CellPair
from polyglot.plan.cells import CellStages, asked_about, judging, references_of
from polyglot.plan.planner import Planner
from polyglot.plan.sources import Sources
from polyglot.study.arms import ArmRequest, NotTuned
from polyglot.study.chat import asking_settings
from polyglot.study.judge import ALL
from polyglot.study.lock import Locked


def pair_stages(
    planner: Planner, locked: Locked, sources: Sources, cells: Sequence[CellStages]
) -> dict[CellPair, PlannedStage]:
    """The comparisons that the study asks for, in the order of its cells."""
    pairs = locked.study.judge.pairs
    if pairs is None:
        return {}
    answered = [row for row in cells if not row.cell.otherwise]
    if pairs.against == ALL:
        found = [pair for pair in combinations(answered, 2) if _beside(pair[0].cell, pair[1].cell)]
    else:
        found = list(_against(answered, pairs.against))
    made: dict[CellPair, PlannedStage] = {}
    for row, other in found:
        if row.answer.key == other.answer.key:  # equal answers under two names
            continue
        first, second = sorted((row, other), key=lambda one: one.answer.key)  # the same, whoever is named first
        name = f"{row.cell.cell} | {other.cell.cell}"
        inputs = {"first": first.answer, "second": second.answer}
        params = CompareParams(**judging(locked, sources, locked.pair_prompts_sha256))
        stage = planner.add(
            f"compare {name}",
            params,
            {**inputs, **asked_about(sources, references_of(locked, sources))},
            mix=row.answer.mix,
            settings=asking_settings(locked.study.judge),
        )
        made[CellPair(name=name, first=first.cell.cell, second=second.cell.cell)] = stage
    return made


def imported_pair_stages(
    planner: Planner, locked: Locked, sources: Sources, cells: Sequence[CellStages]
) -> dict[CellPair, PlannedStage]:
    """The comparisons of others that the study names, each once."""
    read = {row.cell.model: row for row in cells if row.cell.baseline in ("answers", "verdicts")}
    made: dict[CellPair, PlannedStage] = {}
    seen: set[tuple[str, str, str]] = set()
    for name, pairs in locked.study.imported_pairs.items():
        files = locked.files_at("imported-pairs", name, "files")
        params = ImportedParams(
            what="pairs",
            languages=sources.languages,
            files={language: files[language][0] for language in sources.languages},
        )
        for row, other in combinations([read[one] for one in pairs.between or read], 2):
            first, second = sorted((row, other), key=lambda one: one.answer.key)
            called = f"{row.cell.cell} | {other.cell.cell} by {name}"
            inputs = {"questions": sources.questions, "first": first.answer, "second": second.answer}
            same = (first.answer.key, second.answer.key, params.model_dump_json())
            if first.answer.key != second.answer.key and same not in seen:  # not equal answers under two names
                stage = planner.add(f"read-pairs {called}", params, inputs)
                made[CellPair(name=called, first=first.cell.cell, second=second.cell.cell)] = stage
            seen.add(same)
    return made


def _beside(cell: Cell, other: Cell) -> bool:
    """Whether two cells are compared where all are: of one model, data set, seed and draw, or one is not tuned.

    Two seeds of one arm are not: that is chance alone.
    """
    if cell.arm_key == other.arm_key:
        return False
    if cell.baseline or other.baseline:
        return True
    if cell.model != other.model:
        return False
    if cell.mix is None or other.mix is None:
        return True
    return cell.dataset == other.dataset and _same_run(cell, other)


def _same_run(cell: Cell, other: Cell) -> bool:
    """A mix without draws has one model a seed, whatever the draw of the other."""
    return cell.seed == other.seed and (cell.draw == other.draw or not (cell.is_drawn and other.is_drawn))


def _against(cells: Sequence[CellStages], opponents: Sequence[ArmRequest]) -> Iterator[tuple[CellStages, CellStages]]:
    """Every cell with that of each opponent; two opponents meet once."""
    seen: set[frozenset[str]] = set()
    for opponent in opponents:
        for row in cells:
            for other in cells:
                both = frozenset((row.cell.cell, other.cell.cell))
                if _is(other.cell, opponent) and _beside(row.cell, other.cell) and both not in seen:
                    seen.add(both)
                    yield row, other


def _is(cell: Cell, arm: ArmRequest) -> bool:
    if isinstance(arm, NotTuned):
        return cell.arm_key == arm.key(cell.model)
    return cell.dataset is not None and cell.arm_key.arm == arm.canonical
