"""Other people's files give their published figures, to the last digit (shared/judging/README.md)."""

import csv
import json
from pathlib import Path

import pytest

from jobs.judgments.summary import summarise
from polyglot.exchange.read import read_file
from polyglot.exchange.summary import Summary
from tests.kit.shared import SHARED

FOLDER = SHARED / "judging"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs shared/judging")

MODELS = ("EXAONE", "Phi", "gemma", "Llama", "Mistral", "EEVE")


def summary(*paths: Path, people: tuple[str, ...] = ()) -> Summary:
    return summarise([read_file(path, path.name) for path in paths], people=people, resamples=200)


def votes(people: tuple[str, ...] = ()) -> Summary:
    folder = FOLDER / "mt-bench-votes"
    return summary(folder / "gpt4_pair.jsonl", folder / "human.jsonl", people=people)


@pytest.fixture(scope="module")
def published() -> Summary:
    return votes()


def test_agreement_is_that_of_table_5(published: Summary) -> None:
    found = {(row.first, row.second, row.turn): (row.agree.hits, row.agree.of) for row in published.votes if row.ties}
    assert found["gpt4_pair", "human", 1] == (886, 1343)
    assert found["gpt4_pair", "human", 2] == (871, 1325)
    assert found["human", "human", 1] == (454, 721)
    assert found["human", "human", 2] == (471, 707)


def test_without_ties_it_is_the_papers_85_and_81_percent(published: Summary) -> None:
    found = {(row.first, row.second, row.turn): row.agree for row in published.votes if not row.ties}
    assert [
        round(found["gpt4_pair", "human", turn].hits / found["gpt4_pair", "human", turn].of, 2) for turn in (1, 2)
    ] == [
        0.85,
        0.85,
    ]
    assert round(found["human", "human", 1].hits / found["human", "human", 1].of, 2) == 0.81


def test_gpt4_contradicts_itself_on_380_of_2400_and_the_one_vote_that_is_there_twice_is_named(
    published: Summary,
) -> None:
    row = next(row for row in published.orders if row.judge == "gpt4_pair")
    assert row.inconsistent is not None
    assert (row.inconsistent.hits, row.inconsistent.of, row.repeats) == (380, 2400, 0)
    gpt4, human = published.files
    assert (gpt4.rows, gpt4.repeats, human.rows, human.repeats, human.failures) == (2400, 0, 3355, 1, 0)
    assert "author_0 128 1 claude-v1 gpt-3.5-turbo" in human.told[0]


def test_alpha_of_all_people_is_that_of_961_items() -> None:
    found = votes(people=("expert*", "author*"))
    (row,) = [
        row for row in found.votes if (row.first, row.second, row.turn, row.ties) == ("human", "human", None, True)
    ]
    assert row.items == 961
    assert row.alpha_ordinal.value is not None
    assert row.alpha_nominal.value is not None
    assert (round(row.alpha_ordinal.value, 3), round(row.alpha_nominal.value, 3)) == (0.576, 0.485)


def test_strengths_of_all_peoples_decisive_votes() -> None:
    found = votes(people=("expert*", "author*")).strengths
    (table,) = [one for one in found if (one.judge, one.ties) == ("human", False)]
    gaps = {(gap.first, gap.second): gap for gap in table.gaps}
    close = gaps["claude-v1", "gpt-3.5-turbo"]
    assert round(gaps["gpt-4", "gpt-3.5-turbo"].gap.value or 0.0, 4) == 0.5687
    assert round(gaps["gpt-4", "claude-v1"].gap.value or 0.0, 4) == 0.5325
    assert round(close.gap.value or 0.0, 4) == 0.0362
    assert (close.gap.low, close.gap.high) == pytest.approx((-0.33, 0.41), abs=0.03)
    assert not close.apart
    letters = {row.model: set(row.letters) for row in table.models}
    assert letters["claude-v1"] & letters["gpt-3.5-turbo"]
    assert not letters["gpt-3.5-turbo"] & letters["vicuna-13b-v1.2"]


@pytest.mark.parametrize(
    ("language", "inconsistent", "failed", "rates"),
    [
        ("en", (399, 1193), 13, (82.70, 60.79, 50.75, 49.25, 30.75, 26.50)),
        ("ko", (259, 1200), 0, (88.75, 34.38, 65.75, 38.25, 18.62, 54.25)),
    ],
    ids=["EN", "KO"],
)
def test_korean_pairs(language: str, inconsistent: tuple[int, int], failed: int, rates: tuple[float, ...]) -> None:
    found = summary(FOLDER / "korean-mt-bench" / f"pairwise_{language}.jsonl.gz")
    (order,) = found.orders
    assert order.inconsistent is not None
    assert (order.inconsistent.hits, order.inconsistent.of, order.failed) == (*inconsistent, failed)
    for start, rate in zip(MODELS, rates, strict=True):
        (row,) = [row for row in found.pairs if row.model.startswith(start)]
        assert round(100 * row.rate.hits / row.rate.of, 2) == rate


@pytest.mark.parametrize(("language", "mean", "failed"), [("en", 7.76, 0), ("ko", 6.60, 2)], ids=["EN", "KO"])
def test_korean_scores(language: str, mean: float, failed: int) -> None:
    found = summary(FOLDER / "korean-mt-bench" / f"single_{language}.jsonl.gz")
    (row,) = [row for row in found.scores if (row.model, row.turn) == ("", None)]
    assert row.mean.value is not None
    assert (round(row.mean.value, 2), row.failed, row.scores) == (mean, failed, 960 - failed)


def test_a_swap_of_judges(tmp_path: Path) -> None:
    paths = []
    with (FOLDER / "ja-judge-swap.csv").open(encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file)]
    for judge in ("GPT-4-Turbo", "GPT-4o"):
        paths.append(tmp_path / f"{judge}_single.jsonl")
        paths[-1].write_text(
            "".join(
                json.dumps(
                    {
                        "question_id": row["question_id"],
                        "model": row["model"],
                        "turn": int(row["turn"]),
                        "judge": judge,
                        "score": float(row[judge]),
                    }
                )
                + "\n"
                for row in rows
            )
        )
    found = summary(*paths)
    (row,) = found.score_agreement
    assert (row.items, round(row.first_mean, 4), round(row.second_mean, 4)) == (3675, 8.8408, 8.3189)
    assert row.difference.value is not None
    assert round(row.difference.value, 4) == -0.5219
    assert round(100 * row.equal.hits / row.equal.of, 1) == 40.5
