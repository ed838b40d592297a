"""Near duplicates: the same clusters as comparing every row with every row, whatever MinHash proposes."""

import random
from pathlib import Path

import numpy
from hypothesis import given
from hypothesis import strategies as st

from jobs.lib.card.near_duplicates import FEWEST_WORDS, SIMILARITY, NearDuplicates, grams_of, jaccard
from polyglot.kinds import data_card
from polyglot.kinds.rows import Row, Turn
from tests.kit.data_ingests import bactrian, card_of, ingest_bytes, json_lines


def row(name: str, text: str) -> Row:
    turns = (Turn(role="user", content=""), Turn(role="assistant", content=text))
    return Row(id=name, language="EN", turns=turns)


def look(rows: list[Row]) -> NearDuplicates:
    by_id = {item.id: item for item in rows}
    near = NearDuplicates(lookup=by_id.get)
    for item in rows:
        near.add(item)
    return near


def five_grams(text: str) -> set[tuple[str, ...]]:
    words = text.lower().split()
    return {tuple(words[at : at + 5]) for at in range(len(words) - 4)}


def texts(seed: int, count: int) -> list[str]:
    """Some texts, and copies of them with more and more words changed."""
    chance = random.Random(seed)
    words = [f"w{n}" for n in range(400)]
    found = []
    for _ in range(count):
        text = chance.choices(words, k=chance.randint(12, 160))
        found.append(text)
        for changes in (1, 2, 4, 9):
            copy = list(text)
            for _ in range(changes):
                copy[chance.randrange(len(copy))] = "changed"
            found.append(copy)
    return [" ".join(text) for text in found]


def test_clusters_are_those_of_comparing_all_with_all() -> None:
    written = texts(7, 120)
    rows = [row(str(number), text) for number, text in enumerate(written)]
    firsts: list[int] = []
    expected: dict[str, list[str]] = {}
    grams = [five_grams(text) for text in written]
    for number, mine in enumerate(grams):
        alike = [(len(mine & grams[first]) / len(mine | grams[first]), -first) for first in firsts]
        best = max(alike, default=(0.0, 0))
        if best[0] >= SIMILARITY:
            expected.setdefault(str(-best[1]), []).append(str(number))
        else:
            firsts.append(number)
    assert sum(map(len, expected.values())) > 100
    assert look(rows).clusters == expected


@given(
    st.lists(st.sampled_from("abcdefg"), min_size=10, max_size=30), st.lists(st.sampled_from("abcdefg"), min_size=10)
)
def test_similarity_is_jaccards_of_the_grams_themselves(left: list[str], right: list[str]) -> None:
    sets = [five_grams(" ".join(words)) for words in (left, right)]
    values = [grams_of(row("x", " ".join(words))) for words in (left, right)]
    assert [len(found) for found in values] == [len(grams) for grams in sets]
    assert jaccard(*values) == len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def test_values_are_the_same_in_every_process() -> None:
    grams = grams_of(row("x", " ".join(f"w{n}" for n in range(FEWEST_WORDS))))
    assert grams.dtype == numpy.uint64
    assert int(numpy.bitwise_xor.reduce(grams)) == 11840950818844807484


def test_short_rows_are_not_looked_at() -> None:
    near = look([row("a", "one two three"), row("b", "one two three"), row("c", "")])
    assert near.card() == data_card.NearDuplicates(
        count=0, of=0, clusters=data_card.Clusters(count=0, largest=0, ids=())
    )


def test_the_card_tells_near_from_exact(tmp_path: Path) -> None:
    words = [f"word{n}" for n in range(60)]
    text = " ".join(words)
    rows = [
        bactrian(1, instruction="Say it.", output=text),
        bactrian(2, instruction="Say it.", output=text),
        bactrian(3, instruction="Say it.", output=f"{text} indeed"),
        bactrian(4, instruction="Say it.", output=" ".join(reversed(words))),
    ]
    entry = card_of(ingest_bytes(tmp_path / "job", {"EN": [("e.jsonl", json_lines(rows))]}))["languages"]["EN"]
    assert entry["repeated_rows"] == {"count": 1, "ids": ["a-2"]}
    assert entry["near_duplicates"] == {
        "count": 1,
        "of": 3,
        "clusters": {"count": 1, "largest": 2, "ids": [["a-1", "a-3"]]},
    }
    assert entry["licences"] == {"": 4}
    assert entry["words"]["assistant"]["max"] == 61
