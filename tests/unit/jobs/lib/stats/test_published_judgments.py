"""Other people's judgments give their published figures, to the last digit (shared/judging/README.md)."""

import csv
import gzip
import json
from collections import Counter
from collections.abc import Callable
from itertools import combinations
from typing import Any

import krippendorff
import numpy as np
import pytest

from jobs.lib.judging.verdict import parse
from jobs.lib.stats.agreement import THREE, Ratings, agreement, coefficient
from jobs.lib.stats.clusters import Clusters, share
from jobs.lib.stats.interval import Interval
from jobs.lib.stats.pairwise import Orders, order_bias, points, win_rates
from jobs.lib.stats.strengths.field import Field
from jobs.lib.stats.strengths.fit import Strengths, strengths
from jobs.lib.stats.strengths.games import Game, Games, Resampling
from jobs.lib.stats.strengths.standings import comparable, standings
from jobs.lib.stats.votes import Vote, between, difference, repeated, within
from tests.kit.shared import SHARED

FOLDER = SHARED / "judging"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs shared/judging")

RESAMPLES = 2000


def votes(name: str, kept: Callable[[str], bool] = lambda judge: True) -> list[Vote]:
    lines = (FOLDER / "mt-bench-votes" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [
        Vote(
            judge=row["judge"],
            question=str(row["question_id"]),
            turn=row["turn"],
            model_a=row["model_a"],
            model_b=row["model_b"],
            winner={"model_a": "A", "model_b": "B"}.get(row["winner"], row["winner"]),
        )
        for row in map(json.loads, lines)
        if kept(row["judge"])
    ]


def korean(name: str) -> list[dict[str, Any]]:
    with gzip.open(FOLDER / "korean-mt-bench" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def said(winner: str) -> str | None:
    return None if winner == "error" else winner


class TestMtBench:
    def test_gpt4_agrees_with_experts_as_table_5_says(self) -> None:
        experts, judge = votes("human", lambda name: name.startswith("expert")), votes("gpt4_pair")
        for turn, expected in ((1, (886, 1343)), (2, (871, 1325))):
            ours, theirs = ([vote for vote in side if vote.turn == turn] for side in (judge, experts))
            found = between(ours, theirs)
            assert found.counts == expected
            interval = found.share().interval
            assert interval.low < expected[0] / expected[1] < interval.high

    def test_experts_agree_with_each_other_as_table_5_says(self) -> None:
        experts = votes("human", lambda name: name.startswith("expert"))
        for turn, expected in ((1, (454, 721)), (2, (471, 707))):
            assert within([vote for vote in experts if vote.turn == turn]).counts == expected

    def test_without_ties_gpt4_agrees_as_often_as_the_paper_says(self) -> None:
        experts, judge = votes("human", lambda name: name.startswith("expert")), votes("gpt4_pair")
        for turn, paper in ((1, 0.85), (2, 0.85)):
            ours, theirs = ([vote for vote in side if vote.turn == turn] for side in (judge, experts))
            agree, pairs = between(ours, theirs, ties=False).counts
            assert round(agree / pairs, 2) == paper

    def test_people_and_judge_differ_by_a_paired_interval(self) -> None:
        experts, judge = votes("human", lambda name: name.startswith("expert")), votes("gpt4_pair")
        people, machine = within(experts), between(judge, experts)
        found = difference(people, machine, resamples=RESAMPLES)
        shared = people.items.keys() & machine.items.keys()
        alone = [
            sum(side.items[item][0] for item in shared) / sum(side.items[item][1] for item in shared)
            for side in (people, machine)
        ]
        assert found.mean == pytest.approx(alone[0] - alone[1])
        assert found.low < found.mean < found.high

    def test_gpt4_contradicts_itself_on_380_of_2400(self) -> None:
        winners = [vote.winner for vote in votes("gpt4_pair")]
        assert (sum(one == "tie (inconsistent)" for one in winners), len(winners)) == (380, 2400)

    def test_alpha_of_all_people_is_that_of_961_items(self) -> None:
        people = votes("human")
        by_item: dict[object, list[float]] = {}
        for vote in people:
            turned = vote.model_a > vote.model_b
            name = {"A": "B", "B": "A"}.get(vote.winner, vote.winner) if turned else vote.winner
            by_item.setdefault(vote.item, []).append(THREE[name])
        most = max(map(len, by_item.values()))
        table = np.array([given + [np.nan] * (most - len(given)) for given in by_item.values()]).T
        clusters = Clusters.by([str(item[0]) for item in by_item])  # type: ignore[index]
        ratings = Ratings(clusters=clusters, table=table, values=(0.0, 1.0, 2.0))
        assert int((ratings.counts.sum(axis=1) > 1).sum()) == 961
        found = agreement(ratings, ["alpha ordinal", "alpha nominal"], resamples=RESAMPLES)
        assert (round(found["alpha ordinal"].mean, 3), round(found["alpha nominal"].mean, 3)) == (0.576, 0.485)
        theirs = krippendorff.alpha(reliability_data=table, level_of_measurement="ordinal")
        assert found["alpha ordinal"].mean == pytest.approx(float(theirs), abs=1e-12)

    def test_the_one_vote_that_was_given_twice_is_named(self) -> None:
        assert repeated(votes("human")) == {("author_0", ("128", 1, "claude-v1", "gpt-3.5-turbo")): 2}
        assert repeated(votes("gpt4_pair")) == {}

    def test_bradley_terry_on_decisive_votes(self) -> None:
        found = voted(votes("human"))
        field = Field(models=found.games.models, fits={("EN", None): found}, freedom=79)
        names = [str(name) for name in field.models]

        def gap(one: str, other: str) -> Interval:
            return field.gap(names.index(one), names.index(other), ["EN"], 0.95)

        assert round(gap("gpt-4", "gpt-3.5-turbo").mean, 4) == 0.5687
        assert round(gap("gpt-4", "claude-v1").mean, 4) == 0.5325
        close = gap("claude-v1", "gpt-3.5-turbo")
        assert round(close.mean, 4) == 0.0362
        assert (close.low, close.high) == pytest.approx((-0.33, 0.41), abs=0.015)
        letters = {names[row.model]: row.letters for row in standings(field, comparable(field), ["EN"], 0.95).models}
        assert set(letters["claude-v1"]) & set(letters["gpt-3.5-turbo"])
        assert not set(letters["gpt-4"]) & set(letters["llama-13b"])

    def test_errors_by_question_are_larger_than_those_by_vote(self) -> None:
        people = votes("human")
        ours, theirs = voted(people), voted(people, by_vote=True)
        pairs = [pair for pair in combinations(range(len(ours.games.models)), 2)]
        ratios = [float(ours.gap(*pair).draws.std() / theirs.gap(*pair).draws.std()) for pair in pairs]
        assert 1.5 < float(np.median(ratios)) < 1.8


class TestKoreanMtBench:
    @pytest.mark.parametrize(
        ("language", "expected", "failed"), [("en", (399, 1193), 13), ("ko", (259, 1200), 0)], ids=["EN", "KO"]
    )
    def test_inconsistent_items(self, language: str, expected: tuple[int, int], failed: int) -> None:
        rows = korean(f"pairwise_{language}")
        bias = order_bias(orders(rows))
        assert (bias.inconsistent.hits, bias.inconsistent.of) == expected
        assert bias.verdicts_failed == failed

    @pytest.mark.parametrize(
        ("language", "expected"),
        [("en", (82.70, 60.79, 50.75, 49.25, 30.75, 26.50)), ("ko", (88.75, 34.38, 65.75, 38.25, 18.62, 54.25))],
        ids=["EN", "KO"],
    )
    def test_win_rates(self, language: str, expected: tuple[float, ...]) -> None:
        rows = korean(f"pairwise_{language}")
        gained = points(orders(rows))
        for start, rate in zip(("EXAONE", "Phi", "gemma", "Llama", "Mistral", "EEVE"), expected, strict=True):
            sides = [(row, one) for row, one in zip(rows, gained, strict=True) if row["model_a"].startswith(start)]
            other = [(row, 1 - one) for row, one in zip(rows, gained, strict=True) if row["model_b"].startswith(start)]
            clusters = Clusters.by([str(row["question_id"]) for row, _ in sides + other])
            found = share(clusters, [one for _, one in sides + other])
            assert round(100 * found.hits / found.of, 2) == rate
            assert found.interval.low < found.interval.mean < found.interval.high

    def test_a_pair_sums_to_one(self) -> None:
        rows = [row for row in korean("pairwise_en") if {row["model_a"][:3], row["model_b"][:3]} == {"EXA", "Phi"}]
        found = win_rates(orders(rows))
        assert found.a.hits + found.ties.hits + found.b.hits == found.a.of == len(rows) - found.unscored
        assert found.rate.hits == found.a.hits + found.ties.hits / 2

    @pytest.mark.parametrize(("language", "mean", "failed"), [("en", 7.76, 0), ("ko", 6.60, 2)], ids=["EN", "KO"])
    def test_single_means(self, language: str, mean: float, failed: int) -> None:
        rows = korean(f"single_{language}")
        scores = [row[key] for row in rows for key in ("score_turn1", "score_turn2")]
        assert sum(score == -1 for score in scores) == failed
        assert round(float(np.mean([score for score in scores if score != -1])), 2) == mean

    def test_nothing_was_judged_twice(self) -> None:
        for language in ("en", "ko"):
            pairs = [(row["question_id"], row["model_a"], row["model_b"]) for row in korean(f"pairwise_{language}")]
            singles = [(row["question_id"], row["model_id"]) for row in korean(f"single_{language}")]
            assert len(set(pairs)) == len(pairs) == 1200
            assert len(set(singles)) == len(singles) == 480

    def test_our_parser_reads_the_replies_as_they_did(self) -> None:
        differing = Counter(
            (language, said(row[f"winner_{order}"]), parse(row[f"judgment_{order}"], mode="pair").winner)
            for language in ("en", "ko")
            for row in korean(f"pairwise_{language}")
            for order in ("ab", "ba")
            if parse(row[f"judgment_{order}"], mode="pair").winner != said(row[f"winner_{order}"])
        )
        assert differing == Counter()


class TestJudgeSwap:
    def test_means_and_equal_verdicts(self) -> None:
        with (FOLDER / "ja-judge-swap.csv").open(encoding="utf-8", newline="") as file:
            rows = [*csv.DictReader(file)]
        assert len(rows) == len({(row["question_id"], row["model"], row["turn"]) for row in rows}) == 3680
        table = np.array([[float(row[judge]) for row in rows] for judge in ("GPT-4-Turbo", "GPT-4o")])
        table[table == -1] = np.nan
        both = ~np.isnan(table).any(axis=0)
        assert int(both.sum()) == 3675
        before, after = table[:, both]
        assert [round(float(side.mean()), 4) for side in (before, after)] == [8.8408, 8.3189]
        assert round(float((after - before).mean()), 4) == -0.5219
        clusters = Clusters.by([row["question_id"] for row in rows])
        equal = share(clusters, np.where(both, table[0] == table[1], np.nan))
        assert equal.of == 3675
        assert round(100 * equal.interval.mean, 1) == 40.5
        ratings = Ratings(clusters=clusters, table=table, values=tuple(np.unique(table[~np.isnan(table)]).tolist()))
        theirs = krippendorff.alpha(reliability_data=table, level_of_measurement="interval")
        ours = coefficient(ratings, "alpha interval")
        assert float(ours.value(ours.sums.sum(axis=0))) == pytest.approx(float(theirs), abs=1e-12)


def voted(rows: list[Vote], *, by_vote: bool = False) -> Strengths:
    """Bradley and Terry on decisive votes; `by_vote`: as if each vote were on a question of its own."""
    said = {"A": "first", "B": "second"}
    games = [
        Game(str(place) if by_vote else row.question, row.model_a, row.model_b, said.get(row.winner, "tie"))
        for place, row in enumerate(rows)
    ]
    resampling = Resampling.of([game.question for game in games], resamples=RESAMPLES)
    names = sorted({row.model_a for row in rows} | {row.model_b for row in rows})
    return strengths(Games.of(games, names, resampling.ids), resampling, ties=False, slot=False)


def orders(rows: list[dict[str, Any]]) -> Orders:
    return Orders.of_slots(
        [str(row["question_id"]) for row in rows],
        [said(row["winner_ab"]) for row in rows],
        [said(row["winner_ba"]) for row in rows],
        {str(row["question_id"]): row["category"] for row in rows},
    )
