"""Whether every answer can be judged: what is a defect, and what is only said."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jobs.check.found import Found
from jobs.check.judging import Benchmark, look
from polyglot.kinds.check import CheckParams, JudgingCheck
from polyglot.kinds.rows import Question, Reference
from tests.kit.judge_rows import prompt_file

MATH = {"81": "writing", "111": "math", "112": "math"}


def questions(language: str, ids: Mapping[str, str] = MATH) -> list[Question]:
    return [Question(id=one, language=language, category=category, turns=("a", "b")) for one, category in ids.items()]


def references(language: str, *ids: str) -> dict[str, Reference]:
    return {one: Reference(id=one, language=language, turns=("x", "y")) for one in ids}


def looked(
    folder: Path, asked: Mapping[str, list[Question]], known: Mapping[str, dict[str, Reference]], **params: Any
) -> tuple[Found, dict[str, JudgingCheck]]:
    """Look at a benchmark with whole judge prompts."""
    found, prompts = Found(), prompt_file(folder / "prompts.jsonl")
    made = CheckParams(
        **{
            "languages": tuple(asked),
            "systems": dict.fromkeys(asked, ""),
            "models": {},
            "max_new_tokens": 8,
            "epochs": None,
            "batch_size": 1,
            "warmup_steps": 0,
            "prompts_sha256": {},
            "reference_categories": ("math",),
            "native": False,
            **params,
        }
    )
    return found, look(found, made, Benchmark(questions=asked, references=known), dict.fromkeys(asked, prompts))


def test_every_turn_gets_the_prompt_that_its_references_allow(tmp_path: Path) -> None:
    asked = {code: questions(code) for code in ("EN", "DE")}
    found, checks = looked(tmp_path, asked, {code: references(code, "111", "112") for code in asked})
    assert (found.defects, found.remarks) == ([], [])
    assert checks["DE"].judged_with == {
        "single-math-v1": 2,
        "single-math-v1-multi-turn": 2,
        "single-v1": 1,
        "single-v1-multi-turn": 1,
    }


def test_some_missing_references_are_said_and_none_of_a_category_is_a_defect(tmp_path: Path) -> None:
    asked = {code: questions(code) for code in ("EN", "DE", "FR")}
    known = {"EN": references("EN", "111", "112"), "DE": references("DE", "112")}
    found, checks = looked(tmp_path, asked, known)
    assert found.remarks == ["benchmark.references.DE: 1 of 2 questions of math have no whole reference"]
    assert [line.partition(". ")[0] for line in found.defects] == [
        "benchmark.references.FR: no references for math; EN, DE has some"
    ]
    assert [checks[code].without_reference for code in asked] == [0, 2, 4]


def test_no_references_at_all_are_the_study_s_choice(tmp_path: Path) -> None:
    found, checks = looked(tmp_path, {"EN": questions("EN")}, {})
    assert found.defects == []
    assert checks["EN"].without_reference == 4


def test_references_that_are_still_to_be_written_count_as_there(tmp_path: Path) -> None:
    found, checks = looked(tmp_path, {"EN": questions("EN")}, {}, native=True)
    assert found.defects == []
    assert checks["EN"].without_reference == 0


def test_questions_that_one_language_lacks_are_said(tmp_path: Path) -> None:
    asked = {"EN": questions("EN", {"81": "writing", "82": "writing"}), "DE": questions("DE", {"81": "writing"})}
    found, _ = looked(tmp_path, asked, {})
    assert found.defects == []
    assert found.remarks == ["benchmark.questions.DE: it lacks 1 questions that other languages have: 82"]


def test_wrong_references_name_questions_that_there_are(tmp_path: Path) -> None:
    asked = {code: questions(code) for code in ("EN", "DE")}
    known = {code: references(code, "111", "112") for code in asked}
    found, _ = looked(tmp_path, asked, known, wrong_references=("111", "1120", "x"))
    assert found.defects == []
    assert found.remarks == ["benchmark.wrong-references: no question is called 1120, x; there are 111, 112, 81"]
    assert looked(tmp_path, asked, known, wrong_references=("111",))[0].remarks == []
