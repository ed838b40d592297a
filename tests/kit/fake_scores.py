"""Verdict files with known effects: a whole study's inputs of the aggregate and report jobs, written in a second.

A (question, cell, language) is answered right with probability logistic(ability + question + seed + noise), and the
effects are the caller's. Everything that the two jobs read is here: questions, answers, verdicts, cards, training
records. What a real study would say is not: the numbers are drawn, and only their structure is meant to be real.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp
from pathlib import Path
from random import Random
from typing import Any

from jobs.lib.context import Context
from jobs.lib.judging.counting import counted
from polyglot.core import records
from polyglot.core.canonical import digest
from polyglot.core.mix import Mix
from polyglot.core.records import Record
from polyglot.core.stage import Resources, Stage
from polyglot.kinds.aggregate import AggregateParams
from polyglot.kinds.answer import Answer, AnswerTurn
from polyglot.kinds.cells import BASELINE, UNTUNED, ArmKey, Cell, Contrast, Family
from polyglot.kinds.contamination import Matches
from polyglot.kinds.data_card import DataCard, Defect, Found, LanguageCard, Listed, Parallel, Source
from polyglot.kinds.judge import JudgeCard, Verdict
from polyglot.kinds.kind import Params
from polyglot.kinds.mix import Fertility, IndexRow, LeftOut, MixCard, MixContamination
from polyglot.kinds.report import ReportParams
from polyglot.kinds.rows import Question
from polyglot.kinds.train import TrainingRecord, ValidationLoss, ValidationStep
from tests.kit.folder_input import FolderInput

LANGUAGES = ("EN", "DE", "FR", "IT", "ES")
CATEGORIES = ("first", "last", "reverse", "copy", "twice", "count", "kind", "greet")


@dataclass(kw_only=True)
class FakeStudy:
    """What is in the study. `ability` gives the logit of a right answer; `seed_spread` is the seeds' deviation."""

    cells: tuple[Cell, ...]
    contrasts: tuple[Contrast, ...] = ()
    languages: tuple[str, ...] = LANGUAGES
    ability: Callable[[Cell, str], float]
    per_category: int = 10
    seed_spread: float = 0.35
    failed_share: float = 0.0
    resamples: int = 2_000
    seed: int = 0
    inputs: dict[str, FolderInput] = field(default_factory=dict)

    def questions(self) -> list[tuple[str, str]]:
        """(id, category), 81 upwards."""
        return [
            (str(81 + place * self.per_category + number), category)
            for place, category in enumerate(CATEGORIES)
            for number in range(self.per_category)
        ]

    def aggregate_params(self) -> AggregateParams:
        return AggregateParams(
            languages=self.languages, cells=self.cells, contrasts=self.contrasts, resamples=self.resamples
        )

    def write(self, root: Path) -> "FakeStudy":
        """Write every input below `root`."""
        self._ingests(root)
        for cell in self.cells:
            self._cell(root, cell)
            if cell.mix is not None:
                self._training(root, cell)
        return self

    def _put(self, root: Path, role: str, files: Mapping[str, Record | Sequence[Record]]) -> None:
        directory = root / role.replace(":", "_").replace("/", "_")
        for name, content in files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Record):
                path.write_bytes(records.to_json(content))
            else:
                records.write_lines(path, content)
        self.inputs[role] = FolderInput(directory, digest(role))

    def _ingests(self, root: Path) -> None:
        rows = self.questions()
        self._put(
            root,
            "questions",
            {
                f"questions/{language}.jsonl": [
                    Question(id=identity, language=language, category=category, turns=("a", "b"))
                    for identity, category in rows
                ]
                for language in self.languages
            }
            | {"card.json": _data_card("questions", self.languages, len(rows))},
        )
        self._put(root, "references", {"card.json": _data_card("references", self.languages, len(rows))})
        self._put(root, "data:built-in", {"card.json": _data_card("dataset", self.languages, 400)})

    def _training(self, root: Path, cell: Cell) -> None:
        random = Random(cell.cell)
        ids = cell.size or 400
        rows = {name: ids // (len(cell.languages) if cell.sampled else 1) for name in cell.languages}
        index = [
            IndexRow(id=str(number), language=language, row=number)
            for number in range(ids)
            for at, language in enumerate(cell.languages)
            if not cell.sampled or number % len(cell.languages) == at
        ]
        self._put(root, f"mix:{cell.mix_name}", {"card.json": _mix_card(cell, ids, rows), "index.jsonl": index})
        loss = tuple(5.5 * exp(-step / 14) + 0.3 + 0.06 * random.random() for step in range(100))
        held = {
            name: ValidationLoss(
                loss=(1.2 if name in cell.languages else 2.1) + 0.1 * random.random(), tokens=900, rows=50
            )
            for name in self.languages
        }
        record = TrainingRecord(
            steps=100,
            samples=6400,
            samples_per_language=rows,
            loss_tokens_per_language={name: count * 11 for name, count in rows.items()},
            epochs=2.5,
            loss=loss,
            learning_rate=(0.001,) * 100,
            final_loss=loss[-1],
            validation=(ValidationStep(step=100, languages=held),),
        )
        self._put(root, f"train:{cell.cell}", {"training.json": record})

    def _cell(self, root: Path, cell: Cell) -> None:
        random = Random(f"{self.seed} {cell.cell}")
        shock = {language: random.gauss(0, self.seed_spread) for language in self.languages}
        files: dict[str, list[Answer]] = {}
        rated: dict[str, list[Verdict]] = {}
        for language in self.languages:
            answers, verdicts = files.setdefault(language, []), rated.setdefault(language, [])
            logit = self.ability(cell, language) + shock[language]
            for identity, category in self.questions():
                named = {"id": identity, "language": language, "category": category, "sample": 0}
                hardness = Random(f"{self.seed} {identity}").gauss(0, 1) - 0.25 * CATEGORIES.index(category) + 0.9
                turns = []
                for turn in (1, 2):
                    right = random.random() < 1 / (1 + exp(-logit - hardness + 0.4 * (turn - 1)))
                    score = 10 if right else random.choice((1, 1, 3, 4, 5 if logit < -1 else 8))
                    cut = random.random() < (0.12 if logit < -2 else 0.01)
                    broken = random.random() < self.failed_share
                    turns.append(AnswerTurn(text="x", tokens=4, finish="length" if cut else "eos", stop=None))
                    verdict = Verdict(
                        **named,
                        turn=turn,
                        score=None if broken else float(score),
                        reason=random.choice(("no-verdict", "http-503")) if broken else None,
                        prompt="single",
                        prompt_tokens=120,
                        completion_tokens=9,
                    )
                    verdicts.append(verdict)
                answers.append(Answer(**named, turns=tuple(turns)))
        self._put(root, f"answers:{cell.cell}", {f"answers/{key}.jsonl": rows for key, rows in files.items()})
        card = JudgeCard(
            endpoint="built-in",
            model="rules-1",
            served_by=(),
            languages={language: counted(verdicts) for language, verdicts in rated.items()},
        )
        judged: dict[str, Record | Sequence[Record]] = {f"verdicts/{key}.jsonl": rows for key, rows in rated.items()}
        self._put(root, f"verdicts:{cell.cell}", {**judged, "card.json": card})


def fake_context(params: Params, inputs: Mapping[str, FolderInput], root: Path) -> Context:
    """A context that writes into `root`/out."""
    out, work = root / "out", root / "work"
    for directory in (out, work):
        directory.mkdir(parents=True, exist_ok=True)
    stage = Stage(
        kind=params.kind,
        version=params.version,
        params=params.document(),
        inputs={role: source.key for role, source in inputs.items()},
    )
    return Context(
        stage=stage,
        resources=Resources(),
        settings={},
        inputs=inputs,
        out=out,
        work=work,
        checkpoints=None,  # type: ignore[arg-type]
        journal=None,  # type: ignore[arg-type]
        log=logging.getLogger("test"),
    )


def cells_of(
    mixes: Sequence[str], seeds: Sequence[int], *, model: str = "tiny", dataset: str = "built-in"
) -> list[Cell]:
    """Cells of mixes written as `DEFRITES-sampled@48` or `EN:0.5,DE:0.5`."""
    cells = []
    for mix in mixes:
        name, _, size = mix.partition("@")
        languages, sampled = Mix.parse(name).languages, Mix.parse(name).sampled
        for seed in seeds:
            cells.append(
                Cell(
                    cell=f"{model}/{dataset}/{mix}/s{seed}",
                    model=model,
                    dataset=dataset,
                    mix=name,
                    languages=languages,
                    sampled=sampled,
                    size=int(size) if size else None,
                    seed=seed,
                )
            )
    return cells


def untuned(model: str = "tiny") -> Cell:
    return Cell(cell=f"{model}/untuned", model=model, dataset=None, mix=None)


def usual_ability(cell: Cell, language: str) -> float:
    """Roughly what the study in miniature shows: own language well, a left-out one a little, others not."""
    if cell.mix is None:
        return -9.0
    size = 0.0 if cell.size is None else (cell.size - 400) / 150
    if language in cell.languages:
        return (2.0 if len(cell.languages) == 1 else 1.5) - 0.25 * cell.sampled + size
    return (-2.3 if len(cell.languages) > 1 else -6.0) + size


def report_params(**fields: Any) -> ReportParams:
    return ReportParams(**({"study": "miniature", "metric": "exact"} | fields))


def _mix_card(cell: Cell, ids: int, rows: dict[str, int]) -> MixCard:
    """The card of a cell's mix, with a match in it."""
    nothing = Matches(matches=0, rows=0)
    return MixCard(
        mix=cell.mix or "",
        languages=cell.languages,
        form="sampled" if cell.sampled else "parallel",
        draw=cell.draw,
        size=cell.size,
        temperature=None,
        ids=ids,
        ids_available=400,
        rows_in_data=dict.fromkeys(rows, 400),
        shares_asked={},
        rows=rows,
        tokens={name: count * 31 for name, count in rows.items()},
        loss_tokens={name: count * 11 for name, count in rows.items()},
        truncated=dict.fromkeys(rows, 0),
        loss_token_shares={name: round(count / sum(rows.values()), 4) for name, count in rows.items()},
        fertility={
            name: Fertility(characters=900, words=200, tokens_per_character=0.6, tokens_per_word=2.5) for name in rows
        },
        left_out={"over-long": LeftOut(count=2, ids=("7", "9"))},
        decontaminate="none",
        contamination=MixContamination(
            exact=nothing,
            overlap=Matches(matches=2, rows=1),
            near=nothing,
            rows={cell.languages[0]: 1},
            rows_by_id={name: 1 for name in cell.languages[1:]},
            questions=1,
            matches=(),
        ),
        published=None,
    )


def _data_card(what: str, languages: Sequence[str], rows: int) -> DataCard:
    """A data card with a few defects in it."""
    broken = {"EN": 0, "DE": 11, "FR": 13, "IT": 14, "ES": 12}
    none = Listed(count=0, ids=())
    return DataCard(
        what=what,
        source=Source(kind="built-in", format="bactrian-x", hub=None, revision=None),
        licence="Apache-2.0",
        pivot=languages[0],
        languages={
            name: LanguageCard(
                records=rows + 1,
                accepted=rows,
                rejected=1,
                reasons={"empty-output": 1},
                notes={},
                repeated_rows=Listed(count=2, ids=("a-1", "a-2")) if name == "FR" else none,
            )
            for name in languages
        },
        defects={
            "python-unparsed": Defect(
                rule="Python blocks that do not parse.",
                languages={
                    name: Found(
                        count=broken.get(name, 0),
                        of=14,
                        where=tuple(str(121 + number) for number in range(broken.get(name, 0))),
                    )
                    for name in languages
                },
            ),
            "broken-fences": Defect(
                rule="An odd number of code fences.",
                languages={name: Found(count=0, of=30) for name in languages},
            ),
        },
        parallel=Parallel(
            ids=rows,
            in_all=rows,
            same_order=True,
            absent=dict.fromkeys(languages, none),
            rejected=dict.fromkeys(languages, none),
        ),
    )


def _key(arm: str) -> ArmKey:
    if arm == UNTUNED:
        return ArmKey.untuned("tiny")
    name = arm.removeprefix(BASELINE)
    return ArmKey("tiny", "built-in", arm) if name == arm else ArmKey.baseline(name)


def contrast(family: str, treatment: str, *control: str, on: tuple[str, ...] = LANGUAGES) -> Contrast:
    return Contrast(
        name=f"{treatment} - {family}",
        family=Family(family),
        model="tiny",
        dataset="built-in",
        treatment=(_key(treatment),),
        control=tuple(map(_key, control)),
        on=on,
    )


def study(
    mixes: tuple[str, ...], seeds: tuple[int, ...], contrasts: tuple[Contrast, ...] = (), **more: Any
) -> FakeStudy:
    fields: dict[str, Any] = {"ability": usual_ability, "resamples": 400, "per_category": 4} | more
    return FakeStudy(cells=(untuned(), *cells_of(mixes, seeds)), contrasts=contrasts, **fields)
