"""Pairs of cells whose answers are judged beside each other, here or by others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from polyglot.core.stage import PlannedStage
from polyglot.kinds.cells import STUDYS_JUDGE, Cell, Rule
from polyglot.kinds.compare import CompareParams
from polyglot.kinds.imported import ImportedParams
from polyglot.kinds.panel import PanelParams
from polyglot.kinds.reliability import CellPair
from polyglot.plan.cells import CellStages, asked_about, judging, references_of
from polyglot.plan.planner import Planner
from polyglot.plan.sources import Sources
from polyglot.study.arms import ArmRequest, NotTuned
from polyglot.study.chat import asking_settings
from polyglot.study.judge import ALL, PanelJudge
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
        pair = _Pair(row, other)
        made[pair.named()] = first = _compared(planner, locked, sources, pair)
        members = {} if "verdicts" in (row.cell.baseline, other.cell.baseline) else locked.study.judge.members
        said = {STUDYS_JUDGE: first}
        for name, judge in members.items():
            made[pair.named(judge=name)] = said[name] = _compared(planner, locked, sources, pair, name, judge)
        if members:
            made[pair.named(panel="majority")] = planner.add(
                f"panel {pair.named(panel='majority').name}",
                PanelParams(what="comparisons", rule="majority", languages=sources.languages),
                {f"comparisons:{name}": stage for name, stage in said.items()},
                mix=row.answer.mix,
            )
    return made


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two cells, in the order of the study."""

    row: CellStages
    other: CellStages

    @property
    def shown(self) -> list[CellStages]:
        """In the order of their answers' keys: the same, whoever is named first."""
        return sorted((self.row, self.other), key=lambda one: one.answer.key)

    def named(self, *, judge: str = "", panel: Rule | None = None) -> CellPair:
        """The cells, or those of the same answers that somebody of the panel judges, or all of it."""

        def name(one: CellStages) -> str:
            cell = one.cell.judged_by(judge) if judge else one.cell
            return (cell.judged_together(panel) if panel else cell).cell

        first, second = self.shown
        return CellPair(name=f"{name(self.row)} | {name(self.other)}", first=name(first), second=name(second))


def _compared(
    planner: Planner,
    locked: Locked,
    sources: Sources,
    pair: _Pair,
    name: str = "",
    judge: PanelJudge | None = None,
) -> PlannedStage:
    """Both orders by the study's judge, or by the one of the panel who has this name."""
    first, second = pair.shown
    return planner.add(
        f"compare {pair.named(judge=name).name}",
        CompareParams(**judging(locked, sources, locked.pair_prompts_sha256, judge)),
        {"first": first.answer, "second": second.answer, **asked_about(sources, references_of(locked, sources))},
        mix=pair.row.answer.mix,
        settings=asking_settings(judge or locked.study.judge),
        asks=name,
    )


def imported_pair_stages(
    planner: Planner, locked: Locked, sources: Sources, cells: Sequence[CellStages]
) -> dict[CellPair, PlannedStage]:
    """The comparisons of others that the study names, each once."""
    own = [row for row in cells if row.cell.baseline in ("answers", "verdicts") and not row.cell.otherwise]
    read = {row.cell.model: row for row in own}
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
