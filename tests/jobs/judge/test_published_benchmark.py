"""The built-in judge, asked over loopback, on the published benchmark's prompts and references."""

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.builtin.grader import Grader, templates
from tests.kit import judge_rows, judge_stage
from tests.kit.judge_small import run
from tests.kit.shared import SHARED

FOLDER = SHARED / "mt-bench-x"
LANGUAGES = ("EN", "DE", "FR", "ES", "IT")
needs_shared = pytest.mark.skipif(not FOLDER.exists(), reason="needs the published benchmark in POLYGLOT_SHARED")


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Answers: the references where there are any, else the first turn's question, which is no answer at all."""
    questions, references, answers = {}, {}, {}
    for language in LANGUAGES:
        folder = FOLDER / f"mt_bench_{language}"
        questions[language] = [
            {
                "id": row["question_id"].split("_")[0],
                "language": language,
                "category": row["category"],
                "turns": row["turns"],
            }
            for row in rows(folder / "question.jsonl")
        ]
        references[language] = [
            {"id": row["question_id"].split("_")[0], "language": language, "turns": row["choices"][0]["turns"]}
            for row in rows(folder / "reference_answer" / "gpt-4.jsonl")
        ]
        known = {row["id"]: row["turns"] for row in references[language]}
        answers[language] = [
            row | {"turns": [judge_rows.spoken(text) for text in known.get(row["id"], row["turns"])]}
            for row in questions[language]
        ]
    root = judge_stage.build(
        tmp_path_factory.mktemp("mt-bench-x"),
        questions=questions,
        answers=answers,
        references=references,
        prompts={language: FOLDER / f"mt_bench_{language}" / "judge_prompts.jsonl" for language in LANGUAGES},
        endpoint="built-in",
    )
    run(root)
    return root


@needs_shared
class TestPublishedBenchmark:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_all_160_turns_of_a_language_are_rated(self, root: Path, language: str) -> None:
        records = judge_stage.verdicts(root, language)
        assert len(records) == 160
        assert all(record["score"] is not None for record in records)

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_answers_equal_to_their_references_are_exact(self, root: Path, language: str) -> None:
        with_reference = [r for r in judge_stage.verdicts(root, language) if "math" in r["prompt"]]
        assert len(with_reference) == 60
        assert {record["score"] for record in with_reference} == {10}

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_repeated_questions_are_no_answers(self, root: Path, language: str) -> None:
        without = [r for r in judge_stage.verdicts(root, language) if "math" not in r["prompt"]]
        assert {record["score"] for record in without} <= {1, 2}

    def test_a_changed_prompt_is_not_graded_by_the_old_template(self) -> None:
        grader = Grader(templates({"DE": FOLDER / "mt_bench_DE" / "judge_prompts.jsonl"}))
        assert grader.reply("Sie sind ein hilfreicher Assistent.", "Bewerten Sie: alles gut.") is None
