"""One cell for the page: its entry in the index, and its pieces."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from jobs.lib.context import Input, rows_of
from jobs.lib.stats.grid import Questions
from jobs.report.answers.index import BITS, IndexCell
from jobs.report.answers.pieces import AnswerPiece, TurnPiece, VerdictPiece, write_pieces
from jobs.report.provenance import references_of
from polyglot.core.records import UNSET
from polyglot.kinds.aggregate import DefectiveTurn, RosterCell
from polyglot.kinds.answer import Answer
from polyglot.kinds.judge import JudgeCard, Verdict

ANSWERS_A_PIECE = 80
KINDS_OF_REFERENCES = {"references": "published", "native_references": "native"}

Place = tuple[str, int, int]  # question, sample, turn
Defects = Mapping[str, Mapping[Place, DefectiveTurn]]  # of one cell, by language


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A cell's answers in one language, with their verdicts and defects."""

    answers: Mapping[tuple[str, int], Answer]  # by question and sample
    verdicts: Mapping[Place, Verdict]
    defects: Mapping[Place, DefectiveTurn]

    @property
    def samples(self) -> int:
        """Answers to each question."""
        return 1 + max((sample for _, sample in self.answers), default=0)

    def score(self, place: Place) -> float:
        """Of a turn; 0 for none."""
        verdict = self.verdicts.get(place)
        return (verdict.score or 0) if verdict else 0

    def bits(self, place: Place) -> int:
        """What is the matter with a turn."""
        answer, found = self.answers.get(place[:2]), self.defects.get(place)
        bits = sum(BITS[name] for name in found.defects) if found else 0
        if answer is None or len(answer.turns) < place[2]:
            bits |= BITS["no-answer"]
        return bits if self.score(place) else bits | BITS["no-verdict"]

    def piece(self, identity: str, sample: int) -> AnswerPiece | None:
        """An answer as the page has it."""
        answer = self.answers.get((identity, sample))
        if answer is None:
            return None
        turns = []
        for number, turn in enumerate(answer.turns, 1):
            place = (identity, sample, number)
            verdict, found = self.verdicts.get(place), self.defects.get(place)
            other = found.spoken if found and found.spoken is not UNSET else None
            said = VerdictPiece.of(verdict) if verdict else None
            turns.append(TurnPiece(turn.text, turn.tokens, turn.finish, other, said))
        return AnswerPiece(answer.error, tuple(turns))


def write_cell(
    number: int,
    cell: RosterCell,
    inputs: Mapping[str, Input],
    defects: Defects,
    asked: Questions,
    languages: tuple[str, ...],
    folder: Path,
) -> IndexCell:
    """Write the pieces of one cell, `<number>-<LANG>-<part>.js`, and return its entry."""
    answers, verdicts = inputs[f"answers:{cell.trained}"], inputs[f"verdicts:{cell.cell}"]
    spoken = {language: _read(answers, verdicts, language, defects.get(language, {})) for language in languages}
    samples = max(one.samples for one in spoken.values())
    part = max(1, ANSWERS_A_PIECE // samples)
    for language, one in spoken.items():
        if one.answers:
            rows = [tuple(one.piece(identity, sample) for sample in range(samples)) for identity in asked.ids]
            write_pieces(folder, f"{number}-{language}", rows, part)
    places = list(_places(asked, samples))
    return IndexCell(
        cell=cell.cell,
        arm=cell.arm,
        model=cell.model,
        dataset=cell.dataset,
        seed=cell.seed,
        draw=cell.draw,
        samples=samples,
        part=part,
        judge=verdicts.read("card.json", JudgeCard).model,
        reference=next((KINDS_OF_REFERENCES[role] for role in references_of(cell, inputs)), ""),
        scores=tuple(tuple(map(one.score, places)) if one.answers else None for one in spoken.values()),
        defects=tuple(tuple(map(one.bits, places)) if one.answers else None for one in spoken.values()),
    )


def _read(answers: Input, verdicts: Input, language: str, defects: Mapping[Place, DefectiveTurn]) -> Spoken:
    given = rows_of(answers, f"answers/{language}.jsonl", Answer)
    rated = rows_of(verdicts, f"verdicts/{language}.jsonl", Verdict)
    return Spoken(
        answers={(row.id, row.sample): row for row in given},
        verdicts={(row.id, row.sample, row.turn): row for row in rated},
        defects=defects,
    )


def _places(asked: Questions, samples: int) -> Iterator[Place]:
    """Every turn, in the order of the index."""
    for identity, turns in zip(asked.ids, asked.turns, strict=True):
        for sample in range(samples):
            for turn in range(1, turns + 1):
                yield identity, sample, turn
