"""The built-in instructions and benchmarks: parallel, apart from each other, and right by their own rule."""

import hashlib
import json
from collections import Counter

import pytest

from jobs import builtin
from jobs.builtin.families import FAMILIES, ON_LISTS
from jobs.builtin.grade import grade
from jobs.builtin.separation import benchmark, leaks
from jobs.builtin.tasks import DEV, TEST, TRAIN, held_out, tasks, touches
from jobs.builtin.words import COUNT, LANGUAGES, NOUNS
from polyglot.core.errors import Permanent
from polyglot.kinds.rows import Question
from polyglot.study.benchmark import BUILT_IN_CATEGORIES

BENCHMARKS = ("verifiable", "verifiable-dev")


class TestLexicon:
    def test_nouns_of_a_language_are_spelt_differently(self):
        for language in LANGUAGES:
            assert len({noun.word for noun in NOUNS[language]}) == COUNT == 48

    @pytest.mark.parametrize(
        ("language", "word", "forms"),
        [
            ("EN", "egg", ("an egg", "the egg", "the egg", "the egg")),
            ("DE", "Hund", ("ein Hund", "der Hund", "den Hund", "den Hund")),
            ("DE", "Kuh", ("eine Kuh", "die Kuh", "die Kuh", "die Kuh")),
            ("DE", "Kind", ("ein Kind", "das Kind", "das Kind", "das Kind")),
            ("FR", "œuf", ("un œuf", "l'œuf", "l'œuf", "l'œuf")),
            ("FR", "abeille", ("une abeille", "l'abeille", "l'abeille", "l'abeille")),
            ("FR", "écrivain", None),
            ("IT", "anatra", ("un'anatra", "l'anatra", "l'anatra", "l'anatra")),
            ("IT", "uccello", ("un uccello", "l'uccello", "l'uccello", "l'uccello")),
            ("IT", "zuppa", ("una zuppa", "la zuppa", "la zuppa", "la zuppa")),
            ("ES", "pez", ("un pez", "el pez", "al pez", "el pez")),
            ("ES", "reina", ("una reina", "la reina", "a la reina", "la reina")),
        ],
    )
    def test_articles(self, language, word, forms):
        found = [noun for noun in NOUNS[language] if noun.word == word]
        if forms is None:
            assert not found
            return
        noun = found[0]
        assert (noun.indefinite, noun.definite, noun.addressed, noun.accusative) == forms


class TestInstructions:
    def test_every_language_has_the_same_ids_in_the_same_order(self):
        ids = [row["id"] for row in builtin.instruction_rows("EN")]
        assert len(ids) == len(set(ids)) == 480
        for language in LANGUAGES:
            assert [row["id"] for row in builtin.instruction_rows(language)] == ids

    def test_rows_are_parallel_in_their_turns(self):
        for rows in zip(*(builtin.instruction_rows(language) for language in LANGUAGES), strict=True):
            assert len({len(row.get("followups", [])) for row in rows}) == 1

    def test_about_half_of_the_rows_have_a_second_turn(self):
        rows = builtin.instruction_rows("FR")
        assert 0.4 < sum("followups" in row for row in rows) / len(rows) < 0.6

    def test_no_instruction_says_two_things(self):
        for language in LANGUAGES:
            first = [row["instruction"] for row in builtin.instruction_rows(language)]
            assert len(first) == len(set(first))

    def test_every_family_is_trained_equally(self):
        assert Counter(task.family for task in tasks(TRAIN)) == dict.fromkeys(FAMILIES, 60)

    def test_a_language_that_is_not_built_in_is_refused(self):
        with pytest.raises(Permanent, match="got language PL; expected one of EN DE FR IT ES"):
            builtin.instruction_rows("PL")


class TestBenchmarks:
    @pytest.mark.parametrize("name", BENCHMARKS)
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_eighty_questions_of_two_turns_ten_a_category(self, name, language):
        questions = builtin.questions(name, language)
        assert [question["question_id"] for question in questions] == [f"{81 + n}_{language}" for n in range(80)]
        assert Counter(question["category"] for question in questions) == dict.fromkeys(FAMILIES, 10)
        assert FAMILIES == BUILT_IN_CATEGORIES  # what study files may name
        assert all(len(question["turns"]) == 2 for question in questions)

    @pytest.mark.parametrize("name", BENCHMARKS)
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_references_answer_every_turn_exactly(self, name, language):
        questions, references = builtin.questions(name, language), builtin.references(name, language)
        for question, reference in zip(questions, references, strict=True):
            turns = reference["choices"][0]["turns"]
            assert reference["question_id"] == question["question_id"]
            assert turns == question["reference"]
            assert [grade(turn, turn, language).score for turn in turns] == [10, 10]

    def test_an_unknown_benchmark_is_refused(self):
        with pytest.raises(Permanent, match="got 'hard'; expected one of verifiable, verifiable-dev"):
            builtin.questions("hard", "EN")


class TestSeparation:
    def test_no_benchmark_item_occurs_in_training_data_nor_in_the_other_benchmark(self):
        assert leaks() == []

    def test_the_check_finds_an_item_that_was_put_there(self):
        question = builtin.questions("verifiable", "IT")[3]
        row = Question(id="x", language="IT", category="", turns=(f"Sai? {question['turns'][1]}",))
        assert {hit.question for hit in benchmark("verifiable").hits(row)} == {f"verifiable:{84}_IT"}

    def test_arguments_of_list_families_are_apart_as_runs(self):
        trained = {arguments for task in tasks(TRAIN) if task.family in ON_LISTS for arguments in task.turns}
        assert not any(touches("copy", arguments, held_out()) for arguments in trained)

    @pytest.mark.parametrize("family", ["twice", "kind"])
    def test_nouns_of_single_noun_families_belong_to_one_part(self, family):
        parts = [
            {noun for task in tasks(part) if task.family == family for turn in task.turns for noun in turn}
            for part in (TRAIN, DEV, TEST)
        ]
        assert sum(map(len, parts)) == len(set.union(*parts))


def test_the_data_are_those_of_version_1():
    """The text is part of every study's meaning: whoever changes it raises the version of IngestParams."""
    text = json.dumps(
        [
            [builtin.instruction_rows(language) for language in LANGUAGES],
            [builtin.questions(name, language) for name in BENCHMARKS for language in LANGUAGES],
        ]
    )
    assert hashlib.sha256(text.encode()).hexdigest() == DIGEST


DIGEST = "02ab8b6e1dae62c7af08ee547d83ef3a49dfc00fe0dd9cf66cbc974eb9f14d67"
