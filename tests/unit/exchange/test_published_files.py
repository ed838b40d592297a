"""Other people's files, read: repeats and failures are named, and the aggregates are the published ones."""

from collections.abc import Callable

import pytest

from jobs.lib.stats.pairwise import Orders, order_bias, points
from jobs.lib.stats.votes import Vote as Counted
from jobs.lib.stats.votes import between, within
from polyglot.exchange.read import ReadFile, read_as
from polyglot.exchange.rows import PairJudgment, SingleJudgment, Vote, name_of
from tests.kit.shared import SHARED

FOLDER = SHARED / "judging"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs shared/judging")

PLACE = {"model_1": "A", "model_2": "B", "tie": "tie", "error": None}
TURNED = {"A": "B", "B": "A"}


def votes(name: str, turn: int, kept: Callable[[str], bool] = lambda judge: True) -> list[Counted]:
    found = read_as(FOLDER / "mt-bench-votes" / f"{name}.jsonl", f"{name}.jsonl", Vote, "votes")
    winners = {"model_a": "A", "model_b": "B"}
    return [
        Counted(
            judge=name_of(row.judge),
            question=str(row.question_id),
            turn=row.turn,
            model_a=row.model_a,
            model_b=row.model_b,
            winner=winners.get(row.winner, "tie"),
        )
        for row in (one.row for one in found.rows)
        if row.turn == turn and kept(name_of(row.judge))
    ]


def korean(name: str) -> ReadFile[PairJudgment]:
    return read_as(FOLDER / "korean-mt-bench" / f"{name}.jsonl.gz", f"{name}.jsonl.gz", PairJudgment, "pairs")


@pytest.mark.parametrize(("turn", "judge", "people"), [(1, (886, 1343), (454, 721)), (2, (871, 1325), (471, 707))])
def test_agreement_is_that_of_table_5(turn: int, judge: tuple[int, int], people: tuple[int, int]) -> None:
    experts = votes("human", turn, lambda name: name.startswith("expert"))
    assert between(votes("gpt4_pair", turn), experts).counts == judge
    assert within(experts).counts == people


def test_the_one_vote_that_is_there_twice_is_named() -> None:
    human = read_as(FOLDER / "mt-bench-votes" / "human.jsonl", "human.jsonl", Vote, "votes")
    gpt4 = read_as(FOLDER / "mt-bench-votes" / "gpt4_pair.jsonl", "gpt4_pair.jsonl", Vote, "votes")
    assert (len(human.rows), len(gpt4.rows)) == (3355, 2400)
    assert [one.identity for one in human.repeats] == [("author_0", "128", 1, "claude-v1", "gpt-3.5-turbo")]
    assert (gpt4.repeats, human.failures, gpt4.failures) == ((), (), ())
    assert sum(one.row.winner == "tie (inconsistent)" for one in gpt4.rows) == 380


@pytest.mark.parametrize(
    ("language", "inconsistent", "failed", "rates"),
    [
        ("en", (399, 1193), 13, (82.70, 60.79, 50.75, 49.25, 30.75, 26.50)),
        ("ko", (259, 1200), 0, (88.75, 34.38, 65.75, 38.25, 18.62, 54.25)),
    ],
    ids=["EN", "KO"],
)
def test_pairs_in_both_orders(
    language: str, inconsistent: tuple[int, int], failed: int, rates: tuple[float, ...]
) -> None:
    found = korean(f"pairwise_{language}")
    rows = [one.row for one in found.rows]
    second = [PLACE[row.g2_winner] for row in rows]
    orders = Orders.of_slots(
        [str(row.question_id) for row in rows],
        [PLACE[row.g1_winner] for row in rows],
        [None if one is None else TURNED.get(one, one) for one in second],
    )
    bias = order_bias(orders)
    assert (bias.inconsistent.hits, bias.inconsistent.of) == inconsistent
    assert (sum(row.inconsistent for row in rows), bias.verdicts_failed, found.repeats) == (inconsistent[0], failed, ())
    assert sum((row.g1_winner == "error") + (row.g2_winner == "error") for row in rows) == failed
    gained = points(orders)
    for start, rate in zip(("EXAONE", "Phi", "gemma", "Llama", "Mistral", "EEVE"), rates, strict=True):
        mine = [one for row, one in zip(rows, gained, strict=True) if row.model_1.startswith(start)]
        mine += [1 - one for row, one in zip(rows, gained, strict=True) if row.model_2.startswith(start)]
        scored = [float(one) for one in mine if one == one]  # noqa: PLR0124 - NaN is unscored
        assert round(100 * sum(scored) / len(scored), 2) == rate


@pytest.mark.parametrize(("language", "mean", "failed"), [("en", 7.76, 0), ("ko", 6.60, 2)], ids=["EN", "KO"])
def test_single_means(language: str, mean: float, failed: int) -> None:
    name = f"single_{language}.jsonl.gz"
    found = read_as(FOLDER / "korean-mt-bench" / name, name, SingleJudgment, "single")
    scores = [one.row.score for one in found.rows if not one.row.failure and one.row.score is not None]
    assert (len(found.rows), len(found.failures), found.repeats) == (960, failed, ())
    assert round(sum(scores) / len(scores), 2) == mean
