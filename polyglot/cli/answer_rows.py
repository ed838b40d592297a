"""What sheets of answers are drawn from, read out of the store: a study's questions, and the answers of its cells."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path

from polyglot.cli.view import View
from polyglot.core.errors import BadInput, PolyglotError
from polyglot.core.records import UNSET
from polyglot.core.stage import PlannedStage
from polyglot.kinds.aggregate import AggregateParams
from polyglot.kinds.answer import Answer, AnswerCard
from polyglot.kinds.cells import Cell
from polyglot.kinds.registry import kinds_for
from polyglot.kinds.rows import Question
from polyglot.plan.plan import aggregate_of
from polyglot.store.artifact import StoredArtifact
from polyglot.store.committed import find

_SAMPLE = 0  # of several answers to a question, the one that is shown


class Tables:
    """The cells of a study and what they said, of what is committed."""

    def __init__(self, view: View, folder: Path) -> None:
        """Raises BadInput for a study without answers. `folder` is where files are fetched to."""
        self._view, self._folder = view, folder
        self._stage = aggregate_of(view.plan)
        if self._stage is None:
            raise BadInput("the study has no answers", where=view.title, remedy="A study with models and a judge has")
        params = AggregateParams.of(self._stage.stage)
        self.languages = params.languages
        self.cells = tuple(cell for cell in params.cells if not cell.otherwise)
        self._read: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {}

    def questions(self, languages: Sequence[str]) -> dict[str, list[Question]]:
        """The questions by language."""
        source = self._input("questions")
        return {language: list(source.lines(f"questions/{language}.jsonl", Question)) for language in languages}

    def texts(self, cell: str, language: str, question: str) -> tuple[str, ...] | None:
        """A cell's answer, turn by turn; None where it is not whole."""
        if (cell, language) not in self._read:
            source = self._input(f"answers:{cell}")
            self._read[cell, language] = {
                row.id: tuple(turn.text for turn in row.turns)
                for row in source.lines(f"answers/{language}.jsonl", Answer)
                if row.sample == _SAMPLE and row.error is None
            }
        return self._read[cell, language].get(question)

    @property
    def names(self) -> dict[str, tuple[Cell, ...]]:
        """Cells by each name that may be given: an arm's, or a cell's own."""
        found: dict[str, tuple[Cell, ...]] = {}
        for cell in self.cells:
            found[cell.arm_key.arm] = (*found.get(cell.arm_key.arm, ()), cell)
        return found | {cell.cell: (cell,) for cell in self.cells}

    def names_in_files(self) -> dict[str, tuple[str, ...]]:
        """The cells whose answers were read from files, by the model's name there."""
        found: dict[str, tuple[str, ...]] = {}
        for cell in self.cells:
            if cell.baseline in ("answers", "verdicts"):
                name = self._input(f"answers:{cell.cell}").read("card.json", AnswerCard).model
                if name is not UNSET:
                    found[name] = (*found.get(name, ()), cell.cell)
        return found

    def named(self, name: str, option: str) -> tuple[Cell, ...]:
        """The cells of an arm. Raises BadInput for a name that the study lacks."""
        if name not in self.names:
            expected = "one of " + ", ".join(dict.fromkeys(cell.arm_key.arm for cell in self.cells))
            raise BadInput("no such arm in the study", where=option, got=name, expected=expected)
        return self.names[name]

    def groups(self, pairs: Sequence[str], single: Sequence[str]) -> list[list[tuple[str, ...]]]:
        """What is shown once a question: pairs of cells, or cells. Raises BadInput."""
        if pairs and single:
            raise BadInput("pairs and single answers in one sheet", where="--single", remedy="Export two sheets")
        if single:
            return [[(cell.cell,) for cell in self.named(name, "--single")] for name in dict.fromkeys(single)]
        arms = list(dict.fromkeys(cell.arm_key.arm for cell in self.cells))
        if not pairs and len(arms) != 2:
            expected = f"--pairs ARM,ARM or --single ARM; arms: {', '.join(arms)}"
            raise BadInput(
                "which answers, of several arms", where="--answers", got=f"{len(arms)} arms", expected=expected
            )
        groups = []
        for pair in dict.fromkeys(pairs or [",".join(arms)]):
            names = pair.split(",")
            if len(names) != 2 or names[0] == names[1]:
                raise BadInput("not a pair", where="--pairs", got=repr(pair)[:80], expected="ARM,ARM")
            groups.append(_pairs(*(self.named(name.strip(), "--pairs") for name in names)))
        return groups

    def _input(self, role: str) -> StoredArtifact:
        stage: PlannedStage = self._stage  # type: ignore[assignment]
        manifest = find(self._view.store, stage.stage.inputs[role], first=kinds_for(stage.stage.kind, role))
        if manifest is None:
            raise PolyglotError(f"{role} is not there yet; `polyglot submit` makes it")
        return StoredArtifact(self._view.store, manifest, self._folder)


@contextmanager
def tables_of(view: View) -> Iterator[Tables]:
    """The answers of a study, while they are read."""
    with tempfile.TemporaryDirectory() as folder:
        yield Tables(view, Path(folder))


def _pairs(ones: Sequence[Cell], others: Sequence[Cell]) -> list[tuple[str, ...]]:
    """Cells of two arms beside each other: of one model, data set, seed and draw where both have them."""
    every = [(one, other) for one, other in product(ones, others) if one.cell != other.cell]
    alike = [pair for pair in every if _alike(*pair)]
    return [(one.cell, other.cell) for one, other in alike or every]


def _alike(one: Cell, other: Cell) -> bool:
    if one.baseline or other.baseline:
        return True
    if one.model != other.model or one.mix is None or other.mix is None:
        return one.model == other.model
    drawn = one.is_drawn and other.is_drawn
    return one.dataset == other.dataset and one.seed == other.seed and (one.draw == other.draw or not drawn)


def cells_by_name(tables: Tables) -> Mapping[str, str]:
    """The one cell of each name that has one; answers of others also go by the name that their files have for them."""
    own = {name: cells[0].cell for name, cells in tables.names.items() if len(cells) == 1}
    read = tables.names_in_files()
    return {name: cells[0] for name, cells in read.items() if len(cells) == 1} | own
