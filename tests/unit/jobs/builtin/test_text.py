"""The pre-training text: the study's shares, knowledge but no answers, and nothing that a benchmark asks."""

from collections import Counter
from itertools import islice

import pytest

from jobs import builtin
from jobs.builtin.separation import leaks_of_text
from jobs.builtin.tasks import DEV, TEST, tasks
from jobs.builtin.text import Shape, documents
from jobs.builtin.words import COUNT, KINDS, LANGUAGES, NOUNS, kind_of
from polyglot.study.systems import SYSTEMS

SHARES = {"EN": 43.88, "FR": 8.65, "DE": 8.48, "ES": 7.63, "IT": 4.64}


def text(count: int, *, shares=SHARES, seed: int = 0, shape: Shape | None = None) -> list[str | tuple[str, str, str]]:
    return list(islice(documents(shares, SYSTEMS, seed, shape), count))


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return [one if isinstance(one, str) else "\n".join(one) for one in text(30_000)]


def test_a_seed_names_the_text():
    assert text(200) == text(200)
    assert text(200) != text(200, seed=1)


def test_languages_come_in_their_shares():
    systems = Counter(one[0] for one in text(20_000, shape=Shape(dictionary=0, dialogue=1)) if isinstance(one, tuple))
    for language, share in SHARES.items():
        found = systems[SYSTEMS[language]] / systems.total()
        assert found == pytest.approx(share / sum(SHARES.values()), abs=0.015)


def test_a_language_without_text_is_named():
    with pytest.raises(KeyError, match="NL, PL"):
        text(1, shares={"EN": 1, "PL": 1, "NL": 1})


def test_one_language_alone_has_no_dictionary():
    assert not any(" = " in one for one in text(500, shares={"IT": 1.0}) if isinstance(one, str))


def test_no_benchmark_item_is_asked(lines):
    assert leaks_of_text(lines) == []


def test_nothing_that_a_benchmark_wants_twice_or_greeted_is_stated(lines):
    asked = {
        tuple(NOUNS[language][noun].word for noun in turn)
        for part in (DEV, TEST)
        for task in tasks(part)
        if task.family == "twice"
        for turn in task.turns
        for language in LANGUAGES
    }
    stated = {(words[-1].rstrip("."),) for words in (line.split() for line in lines) if words[-1:] == words[-2:-1]}
    assert stated
    assert not asked & stated


def test_no_document_answers_an_instruction(lines):
    """An instruction stands alone on its line, and no line begins with one."""
    asked = {row["instruction"] for language in LANGUAGES for row in builtin.instruction_rows(language)}
    starts = tuple({str(one).split("{")[0][:12] for one in asked})
    assert any(line in asked for line in lines)
    for line in lines:
        if line.startswith(starts):
            assert line.endswith((".", "?"))
            assert ": " not in line


def test_it_says_of_every_english_noun_what_it_is(lines):
    said = set(lines)
    for noun in range(COUNT):
        thing = NOUNS["EN"][noun].indefinite
        assert f"{thing[0].upper()}{thing[1:]} is {KINDS['EN'][kind_of(noun)]}." in said
