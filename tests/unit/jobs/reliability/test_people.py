"""People beside the judge: published votes go through the import and give the published agreement; what is whose."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jobs.aggregate import job as aggregate
from jobs.reliability import job as reliability
from jobs.reliability.people import People, people_agreement
from jobs.reliability.reading import Graded
from jobs.report import job as report
from polyglot.core import records
from polyglot.core.canonical import sha256_bytes
from polyglot.core.errors import Permanent
from polyglot.core.records import UNSET
from polyglot.kinds.compare import Outcome, PairVerdict
from polyglot.kinds.judge import Verdict
from polyglot.kinds.kind import File
from polyglot.kinds.people import HumanVote, read_votes
from polyglot.kinds.reliability import PeopleAgreement, Reliability, ReliabilityParams
from polyglot.sheets.fastchat import read_fastchat, repeated
from polyglot.sheets.votes import load_json
from tests.kit.fake_scores import FakeStudy, cells_of, fake_context, report_params, untuned, usual_ability
from tests.kit.folder_input import FolderInput
from tests.kit.shared import SHARED

FOLDER = SHARED / "judging" / "mt-bench-votes"
QUESTIONS = {str(number): "mt-bench" for number in range(81, 161)}


def vote(**changes: Any) -> HumanVote:
    usual = {"rater": "anna", "language": "EN", "id": "81", "turn": 1, "first": "one", "second": "two"}
    return HumanVote(**{**usual, "outcome": "first", "score": None, **changes})


def verdict(outcome: Outcome | None, *, turn: int = 1, language: str = "EN", identity: str = "81") -> PairVerdict:
    return PairVerdict(
        id=identity,
        language=language,
        category="mt-bench",
        sample=0,
        turn=turn,
        outcome=outcome,
        reason=None if outcome else "no-verdict",
    )


def graded(cell: str, score: float | None, *, turn: int = 1, identity: str = "81") -> Graded:
    one = Verdict(id=identity, language="EN", category="mt-bench", sample=0, turn=turn, score=score)
    return Graded(cell=cell, of=cell, verdict=one, text="", other_language=False)


def beside(
    votes: Sequence[HumanVote],
    pairs: Sequence[tuple[str, str, PairVerdict]] = (),
    rows: Sequence[Graded] = (),
    languages: Sequence[str] = ("EN",),
) -> list[PeopleAgreement]:
    return list(people_agreement(People.of(votes, rows, pairs), languages, QUESTIONS, 0.95, 500))


@pytest.mark.skipif(not FOLDER.is_dir(), reason="needs shared/judging")
class TestPublishedVotes:
    """MT-Bench's human votes, imported as anybody's, against GPT-4's verdicts as this product's own."""

    def imported(self, tmp_path: Path, judges: str = "") -> list[HumanVote]:
        lines = (FOLDER / "human.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
        path = tmp_path / "human.jsonl"
        path.write_text("".join(line for line in lines if f'"judge":"{judges}' in line), encoding="utf-8")
        rows = load_json(path)[1]
        models = {row[side]: row[side] for _, row in rows for side in ("model_a", "model_b")}  # type: ignore[index]
        found = read_fastchat(rows, cells=models, questions=QUESTIONS, language="EN")
        records.write_lines(tmp_path / "votes.jsonl", found)
        return [vote for _, vote in read_votes(tmp_path / "votes.jsonl", "votes.jsonl")]

    def judged(self) -> list[tuple[str, str, PairVerdict]]:
        rows = map(json.loads, (FOLDER / "gpt4_pair.jsonl").read_text(encoding="utf-8").splitlines())
        outcomes: dict[str, Outcome] = {"model_a": "first", "model_b": "second"}
        return [
            (
                row["model_a"],
                row["model_b"],
                verdict(outcomes.get(row["winner"], "tie"), turn=row["turn"], identity=str(row["question_id"])),
            )
            for row in rows
        ]

    @pytest.mark.parametrize(("turn", "judge", "people"), [(1, (886, 1343), (454, 721)), (2, (871, 1325), (471, 707))])
    def test_experts_and_gpt4_agree_as_table_5_says(
        self, tmp_path: Path, turn: int, judge: tuple[int, int], people: tuple[int, int]
    ) -> None:
        votes = [vote for vote in self.imported(tmp_path, "expert") if vote.turn == turn]
        (found,) = beside(votes, self.judged())
        assert (found.what, found.judged) == ("pairs", "pairs")
        assert (found.judge_agrees.value, found.judge_agrees.of) == (round(judge[0] / judge[1], 4), judge[1])
        assert (found.people_agree.value, found.people_agree.of) == (round(people[0] / people[1], 4), people[1])
        low, value, high = (getattr(found.difference, name) for name in ("low", "value", "high"))
        assert low < value < high
        assert abs(value - (judge[0] / judge[1] - people[0] / people[1])) < 0.05  # on shared items alone

    def test_all_people_s_alpha_is_the_published_one(self, tmp_path: Path) -> None:
        votes = self.imported(tmp_path)
        assert len(votes) == 3355
        (found,) = beside(votes, self.judged())
        assert found.people_alpha.value is not None
        assert round(found.people_alpha.value, 3) == 0.576
        assert found.shared == 961

    def test_who_voted_twice_is_named(self, tmp_path: Path) -> None:
        votes = self.imported(tmp_path)
        twice = repeated(votes)
        seen = {(one.rater, one.id, one.turn, frozenset((one.first, one.second))) for one in votes}
        assert twice
        assert all("voted" in text for text in twice)
        assert len(seen) < len(votes)


class TestWhatTheJudgeSaid:
    def test_sides_and_names_do_not_matter(self) -> None:
        votes = [vote(first="two", second="one", outcome="second"), vote(rater="bert", outcome="first")]
        (found,) = beside(votes, [("two", "one", verdict("second"))])
        assert (found.people_agree.value, found.judge_agrees.value, found.items) == (1.0, 1.0, 1)

    @pytest.mark.parametrize(
        ("turns", "agrees"),
        [
            (("first", "first"), 1.0),
            (("first", "tie"), 1.0),
            (("first", "second"), 0.0),
            (("second", "second"), 0.0),
            (("first", None), None),  # of a conversation that was not judged whole nothing is known
        ],
    )
    def test_a_vote_on_a_conversation_meets_the_sum_of_its_turns(
        self, turns: tuple[Outcome | None, ...], agrees: float | None
    ) -> None:
        judged = [("one", "two", verdict(outcome, turn=turn)) for turn, outcome in enumerate(turns, 1)]
        (found,) = beside([vote(turn=0)], judged)
        assert found.judge_agrees.value == agrees
        assert found.judged == ("pairs" if agrees is not None else None)

    def test_scores_are_a_view_of_pairs_too(self) -> None:
        rows = [graded("one", 8.0), graded("two", 5.0)]
        both = beside([vote()], [("one", "two", verdict("second"))], rows)
        assert [(row.judged, row.judge_agrees.value) for row in both] == [("pairs", 0.0), ("scores", 1.0)]

    def test_single_scores_meet_the_mean_of_the_turns(self) -> None:
        votes = [vote(second=None, outcome=None, score=score, turn=0, rater=f"r{score}") for score in (7, 8)]
        (found,) = beside(votes, rows=[graded("one", 7.0), graded("one", 8.0, turn=2)])
        assert (found.what, found.judged, found.judge_agrees.value, found.judge_agrees.of) == (
            "scores", "scores", 0.5, 2,
        )  # fmt: skip
        assert found.people_agree.value == 0.0

    def test_languages_are_kept_apart_and_together(self) -> None:
        votes = [vote(), vote(rater="bert"), vote(language="DE"), vote(language="DE", rater="bert", outcome="tie")]
        found = beside(votes, languages=("EN", "DE"))
        assert [(row.language, row.people_agree.value, row.items) for row in found] == [
            ("all", 0.5, 2),
            ("EN", 1.0, 1),
            ("DE", 0.0, 1),
        ]

    def test_without_a_second_vote_there_is_no_agreement_of_people(self) -> None:
        (found,) = beside([vote(speaks="native")], [("one", "two", verdict("first"))])
        assert (found.people_agree.value, found.difference.value, found.judge_agrees.value) == (None, None, 1.0)
        assert (found.native, found.shared) == (1, 0)


class TestTheStage:
    def run(self, tmp_path: Path, votes: Sequence[HumanVote] | None) -> tuple[ReliabilityParams, Reliability]:
        """A study of two cells, and votes on them."""
        made = self.study(tmp_path)
        files: tuple[File, ...] = ()
        if votes is not None:
            records.write_lines(tmp_path / "votes.jsonl", votes)
            data = (tmp_path / "votes.jsonl").read_bytes()
            files = (File(sha256=sha256_bytes(data), bytes=len(data), name="votes.jsonl"),)
        params = ReliabilityParams(languages=made.languages, cells=made.cells, resamples=200, votes=files)
        read = ("verdicts", "answers", "questions", "aggregate")
        inputs = {role: one for role, one in made.inputs.items() if role.partition(":")[0] in read}
        context = fake_context(params, inputs, tmp_path / "reliability")
        context.blob = lambda sha256: tmp_path / "votes.jsonl"  # type: ignore[method-assign]
        reliability.run(context)
        return params, records.read(context.out / "reliability.json", Reliability)

    def study(self, tmp_path: Path) -> FakeStudy:
        made = FakeStudy(
            cells=(untuned(), *cells_of(("DE",), (0,))),
            languages=("EN", "DE"),
            ability=usual_ability,
            resamples=200,
            per_category=2,
        ).write(tmp_path / "in")
        done = fake_context(made.aggregate_params(), made.inputs, tmp_path / "aggregate")
        aggregate.run(done)
        made.inputs["aggregate"] = FolderInput(done.out, "a" * 64)
        return made

    def votes(self, outcome: Outcome = "first") -> list[HumanVote]:
        one, two = (cell.cell for cell in (untuned(), *cells_of(("DE",), (0,))))
        return [
            vote(rater=rater, id=str(number), first=one, second=two, outcome=outcome, turn=0, speaks="native")
            for rater in ("anna", "bert")
            for number in range(81, 91)
        ]

    def test_people_stand_in_the_card_and_in_its_section(self, tmp_path: Path) -> None:
        _, found = self.run(tmp_path, self.votes())
        assert found.people is not UNSET
        (row,) = found.people  # type: ignore[misc]
        assert (row.language, row.people, row.votes, row.native, row.shared, row.judged) == (
            "EN", 2, 20, 20, 10, "scores",
        )  # fmt: skip
        made = FolderInput(tmp_path / "reliability" / "out", "b" * 64)
        done = fake_context(report_params(), self.study(tmp_path).inputs | {"reliability": made}, tmp_path / "report")
        report.run(done)
        page = (done.out / "report.html").read_text(encoding="utf-8")
        table = page.partition("<caption>People beside the judge</caption>")[2].partition("</table>")[0]
        assert "EN, pairs; its scores" in table
        assert "2 people, 20 votes by native speakers" in table
        assert table.count('class="num"') == 2 * 8

    def test_votes_on_other_answers_are_left_out_and_said(self, tmp_path: Path) -> None:
        other = [msgspec.structs.replace(one, first="elsewhere") for one in self.votes()[:3]]
        _, found = self.run(tmp_path, [*self.votes(), *other])
        assert found.warnings[-1].startswith("3 of 23 votes of people are on answers that this card is not over")

    def test_a_study_without_votes_has_the_key_and_the_card_that_it_had(self, tmp_path: Path) -> None:
        params, found = self.run(tmp_path, None)
        assert "votes" not in params.document()
        assert found.people is UNSET
        assert b"people" not in (tmp_path / "reliability" / "out" / "reliability.json").read_bytes()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"score": 3}, "expected two cells with an outcome, or one with a score"),
        ({"second": None}, "expected two cells with an outcome, or one with a score"),
        ({"second": None, "outcome": None, "score": 11}, "expected a score from 1 to 10, got 11"),
        ({"outcome": "third"}, "Invalid enum value 'third'"),
        ({"rater": 3}, "Expected `str`, got `int`"),
    ],
)
def test_lines_that_are_no_votes(tmp_path: Path, changes: dict[str, Any], line: str) -> None:
    good = msgspec.to_builtins(vote())
    (tmp_path / "v.jsonl").write_text(json.dumps({**good, **changes}), encoding="utf-8")
    with pytest.raises(Permanent, match=r"v.jsonl, line 1: not a vote") as caught:
        list(read_votes(tmp_path / "v.jsonl", "v.jsonl"))
    assert line in str(caught.value)
