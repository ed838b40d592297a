"""Files of judgments, counted: means, pairs, order, agreement, what is there twice and what failed."""

import json
from math import log
from pathlib import Path
from typing import Any

import pytest

from jobs.judgments.__main__ import read_all
from jobs.judgments.summary import summarise
from jobs.judgments.votes import group_of
from polyglot.exchange.read import read_file
from polyglot.exchange.summary import OrderRow, PairRow, ScoreRow, Summary, VoteAgreement

Row = dict[str, Any]


def written(folder: Path, name: str, *rows: Row) -> Path:
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder / name


def summary(folder: Path, people: tuple[str, ...] = (), **files: list[Row]) -> Summary:
    read = [read_file(written(folder, f"{name}.jsonl", *rows), f"{name}.jsonl") for name, rows in files.items()]
    return summarise(read, people=people, resamples=200)


def rating(question: int, turn: int, score: float | None, model: str = "one", judge: str = "gpt-4") -> Row:
    return {"question_id": question, "model": model, "judge": [judge, "single-v1"], "turn": turn, "score": score}


def game(question: int, g1: str, g2: str, turn: int = 1, models: tuple[str, str] = ("one", "two")) -> Row:
    named = {"question_id": question, "model_1": models[0], "model_2": models[1], "turn": turn, "judge": "gpt-4"}
    return named | {"g1_winner": g1, "g2_winner": g2}


def vote(judge: str, question: int, winner: str, turn: int = 1, models: tuple[str, str] = ("one", "two")) -> Row:
    named = {"judge": judge, "question_id": question, "turn": turn, "winner": winner}
    return named | {"model_a": models[0], "model_b": models[1]}


def score_row(found: Summary, model: str, turn: int | None) -> ScoreRow:
    (row,) = [row for row in found.scores if (row.model, row.turn) == (model, turn)]
    return row


def pair_row(found: Summary, model: str) -> PairRow:
    (row,) = [row for row in found.pairs if row.model == model]
    return row


def order_row(found: Summary) -> OrderRow:
    (row,) = found.orders
    return row


def votes_of(found: Summary, first: str, second: str, *, ties: bool = True) -> VoteAgreement:
    (row,) = [row for row in found.votes if (row.first, row.second, row.ties) == (first, second, ties)]
    return row


class TestScores:
    def test_a_mean_a_model_and_turn_without_what_failed(self, tmp_path: Path) -> None:
        rows = [rating(81, 1, 4), rating(81, 2, -1), rating(82, 1, 7), rating(82, 2, 9), rating(81, 1, 1, "two")]
        found = summary(tmp_path, single=rows)
        first, second, both = (score_row(found, "one", turn) for turn in (1, 2, None))
        assert (first.mean.value, first.scores, first.failed) == (5.5, 2, 0)
        assert (second.mean.value, second.scores, second.failed) == (9.0, 1, 1)
        assert both.mean.value == pytest.approx(20 / 3)
        assert (score_row(found, "", None).mean.value, score_row(found, "", None).failed) == (21 / 4, 1)
        assert score_row(found, "two", 2).mean.value is None

    def test_what_is_there_twice_counts_twice_and_is_named(self, tmp_path: Path) -> None:
        found = summary(tmp_path, single=[rating(81, 1, 4), rating(81, 1, 10), rating(82, 1, 4, "two")])
        row = score_row(found, "one", 1)
        assert (row.mean.value, row.scores, row.repeats) == (7.0, 2, 1)
        assert score_row(found, "two", 1).repeats == 0
        assert found.files[0].told == ("single.jsonl, line 2: there twice: gpt-4 81 1 one 0: contradicts 1",)

    def test_files_of_other_turns_have_all_their_rows(self, tmp_path: Path) -> None:
        found = summary(tmp_path, turns=[rating(1, 1, 2), rating(1, 2, 4)], whole=[rating(1, 0, 5, "two")])
        together = {row.model: row.mean.value for row in found.scores if row.turn is None and row.model}
        assert together == {"one": 3.0, "two": 5.0}

    def test_two_judges_of_the_same_answers(self, tmp_path: Path) -> None:
        mine = [rating(question, 1, question % 5 + 2) for question in range(20)]
        theirs = [rating(question, 1, question % 5 + 1, judge="other") for question in range(19)]
        (row,) = summary(tmp_path, mine=mine, theirs=[*theirs, rating(19, 1, -1, judge="other")]).score_agreement
        assert (row.first, row.second, row.items, row.equal.hits) == ("gpt-4", "other", 19, 0)
        assert row.difference.value == pytest.approx(-1.0)
        assert row.difference.low is not None
        assert row.difference.low < -1.0
        assert row.kappa_quadratic.value is not None
        assert row.alpha_interval.value is not None
        assert 0.5 < row.alpha_interval.value < row.kappa_quadratic.value < 1

    def test_judges_that_say_one_thing_have_no_kappa(self, tmp_path: Path) -> None:
        (row,) = summary(tmp_path, a=[rating(1, 1, 5)], b=[rating(1, 1, 5, judge="other")]).score_agreement
        assert (row.equal.hits, row.equal.of, row.kappa_quadratic.value, row.alpha_interval.value) == (1, 1, None, None)


class TestPairs:
    ROWS = (
        game(81, "model_1", "model_1"),
        game(82, "model_1", "model_2"),
        game(83, "tie", "model_1"),
        game(84, "error", "model_1"),
        game(85, "model_2", "model_2", models=("two", "one")),
    )

    def test_wins_losses_and_ties_as_show_result_counts_them(self, tmp_path: Path) -> None:
        found = summary(tmp_path, pair=list(self.ROWS))
        one, two = pair_row(found, "one"), pair_row(found, "two")
        assert (one.wins, one.losses, one.ties, one.failed) == (2, 0, 2, 1)
        assert (two.wins, two.losses, two.ties, two.failed) == (0, 2, 2, 1)
        assert (one.rate.share.value, two.rate.share.value, one.rate.of) == (0.75, 0.25, 4)

    def test_order_is_told_by_games(self, tmp_path: Path) -> None:
        row = order_row(summary(tmp_path, pair=list(self.ROWS)))
        assert row.inconsistent is not None
        assert row.first is not None
        assert (row.pairs, row.failed, row.inconsistent.hits, row.inconsistent.of) == (5, 1, 2, 4)
        # of the games that name a winner: 81 A B, 82 A A, 83 - B, 84 - B, 85 B A
        assert (row.first.hits, row.first.of) == (4, 8)

    def test_models_exchanged_are_a_repeat(self, tmp_path: Path) -> None:
        again = game(81, "model_2", "model_2", models=("two", "one"))
        found = summary(tmp_path, pair=[self.ROWS[0], again])
        assert (pair_row(found, "one").repeats, order_row(found).repeats, pair_row(found, "one").wins) == (1, 1, 2)

    def test_votes_tell_order_by_their_word_alone(self, tmp_path: Path) -> None:
        told = order_row(summary(tmp_path, a=[vote("j", 1, "tie (inconsistent)"), vote("j", 2, "model_a")]))
        assert told.inconsistent is not None
        assert (told.inconsistent.hits, told.inconsistent.of, told.first) == (1, 2, None)
        assert order_row(summary(tmp_path, b=[vote("j", 1, "tie")])).inconsistent is None

    def test_annotations(self, tmp_path: Path) -> None:
        named = {"generator_1": "base", "generator_2": "one", "annotator": "w", "output_1": "a", "output_2": "b"}
        rows = [named | {"instruction": str(at), "preference": value} for at, value in enumerate((1.2, 2, 1.5, None))]
        row = pair_row(summary(tmp_path, annotations=rows), "one")
        assert (row.wins, row.losses, row.ties, row.failed) == (1, 1, 1, 1)


class TestStrengths:
    def test_games_have_a_first_slot_and_votes_have_none(self, tmp_path: Path) -> None:
        games = [game(question, "model_1", "model_1" if question % 4 else "model_2") for question in range(12)]
        (table, decisive) = summary(
            tmp_path, pair=[*games, game(20, "tie", "tie"), game(21, "model_2", "model_2")]
        ).strengths
        assert (table.ties, decisive.ties) == (True, False)
        assert [row.model for row in decisive.models] == ["one", "two"]
        assert decisive.models[0].games == 26
        # first slot: of games that show one first 12 of 13 are its wins, of those that show two first 4 of 13 are two's
        assert decisive.gaps[0].gap.value == pytest.approx((log(12) + log(9 / 4)) / 2)
        assert decisive.first_slot is not None
        assert decisive.first_slot.value == pytest.approx((log(12) - log(9 / 4)) / 2)
        (of_votes,) = summary(tmp_path, a=[vote("j", 1, "model_a"), vote("j", 2, "model_b")]).strengths
        assert of_votes.first_slot is None
        assert of_votes.gaps[0].gap.value == pytest.approx(0.0)

    def test_what_failed_too_often_is_not_ranked(self, tmp_path: Path) -> None:
        sides = ("model_1", "model_2", "model_1")
        rows = [game(question, sides[question % 3], sides[question % 2]) for question in range(9)]
        fine, broken = (summary(tmp_path, pair=more).strengths for more in (rows, [*rows, game(9, "error", "tie")]))
        assert {row.letters for row in fine[0].models} == {"a"}
        assert [(row.letters, row.failed) for row in broken[0].models] == [("", 1), ("", 1)]


class TestAgreement:
    def test_a_judge_with_people_and_people_with_each_other(self, tmp_path: Path) -> None:
        people = [
            vote("expert_1", 81, "model_a"), vote("expert_2", 81, "model_b", models=("two", "one")),
            vote("expert_1", 82, "tie"), vote("expert_2", 82, "model_b"), vote("expert_3", 83, "model_a"),
        ]  # fmt: skip
        judge = [game(81, "model_1", "model_1"), game(82, "model_1", "model_2"), game(83, "error", "model_1")]
        found = summary(tmp_path, human=people, judge=judge)
        both = votes_of(found, "human", "gpt-4")
        assert (both.agree.hits, both.agree.of, both.items) == (3, 4, 2)
        decisive = votes_of(found, "human", "gpt-4", ties=False)
        assert (decisive.agree.hits, decisive.agree.of) == (2, 2)
        among = votes_of(found, "human", "human")
        assert (among.agree.hits, among.agree.of, among.items) == (1, 2, 2)
        assert not [row for row in found.votes if row.first == row.second == "gpt-4"]

    def test_groups_are_fastchats_or_those_that_are_named(self) -> None:
        assert [group_of(name, ()) for name in ("expert_3", "author_0", "gpt-4")] == ["human", "author", "gpt-4"]
        patterns = ("rater-*", "ann?")
        assert [group_of(name, patterns) for name in ("rater-9", "anna", "expert_3")] == ["human", "human", "expert_3"]

    def test_turns_by_themselves_and_together(self, tmp_path: Path) -> None:
        rows = [vote(judge, 81, "model_a", turn) for judge in ("a", "b") for turn in (1, 2)]
        found = summary(tmp_path, votes=rows)
        assert [(row.turn, row.agree.of) for row in found.votes if row.ties] == [(1, 1), (2, 1), (None, 2)]

    def test_what_two_files_both_have_is_told(self, tmp_path: Path) -> None:
        rows = [game(81, "model_1", "model_1"), game(82, "tie", "tie")]
        found = summary(tmp_path, games=rows, votes=[vote("gpt-4", 81, "model_a")])
        (line,) = found.told
        assert line.startswith("1 judgments of games.jsonl are in votes.jsonl, too, and counted twice in agreement")


def test_what_is_in_no_known_form_is_one_line_and_all_files_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text("question,score\n1,2\n", encoding="utf-8")
    answers = {"question_id": 1, "model_id": "x", "choices": [{"index": 0, "turns": ["a"]}]}
    names = [
        str(tmp_path / "scores.csv"),
        str(written(tmp_path, "answers.jsonl", answers)),
        str(written(tmp_path, "other.jsonl", {"a": 1})),
        str(written(tmp_path, "good.jsonl", rating(1, 1, 3))),
        str(tmp_path / "nowhere.jsonl"),
    ]
    files, faults = read_all(names)
    assert len(faults) == 4
    expected = "expected model answers, single or pair judgments, votes, or AlpacaEval's annotations"
    assert faults[0].startswith(f"{names[0]}, line 1: ")
    assert faults[0].endswith(expected)
    assert faults[1] == f"{names[1]}: got model answers; expected judgments, votes or annotations of them"
    assert faults[2] == f"{names[2]}, line 1: got the keys a; {expected}"
    assert faults[3] == f"{names[4]}: No such file or directory"
    assert [file.name for file in files][-1] == names[3]
