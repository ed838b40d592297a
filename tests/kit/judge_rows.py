"""A small benchmark in the normal form, and FastChat-style prompts for it, for tests of the judge."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# Written for these tests in the form of FastChat's file; German delimiters, as benchmarks localise them.
GENERAL = "Rate it.\n\n[Question]\n{question}\n\n[Answer]\n{answer}\n[End]"
MATH = "Compare it.\n\n[Question]\n{question}\n\n[Reference]\n{ref_answer_1}\n\n[Answer]\n{answer}\n[End]"
_TURN = "### User:\n{{question_{n}}}\n\n### {who}:\n{{{field}_{n}}}\n\n"
MULTI = "<chat>\n" + "".join(_TURN.format(n=n, who="Assistant", field="answer") for n in (1, 2)) + "</chat>"
MULTI_MATH = (
    "<reference>\n"
    + "".join(_TURN.format(n=n, who="Reference", field="ref_answer") for n in (1, 2))
    + "</reference>\n"
    + MULTI
)


def prompt_file(path: Path, *, without: Sequence[str] = ()) -> Path:
    """Write the four prompts for single grading and one pairwise prompt, less those named in `without`."""
    rows = [
        {"name": "pair-v2", "type": "pairwise", "prompt_template": "{question} {answer_a} {answer_b}"},
        {"name": "single-v1", "type": "single", "system_prompt": "Be kind.", "prompt_template": GENERAL},
        {"name": "single-math-v1", "type": "single", "system_prompt": "", "prompt_template": MATH},
        {"name": "single-v1-multi-turn", "type": "single", "system_prompt": "Rate turn 2.", "prompt_template": MULTI},
        {"name": "single-math-v1-multi-turn", "type": "single", "system_prompt": "2.", "prompt_template": MULTI_MATH},
    ]
    lines = [json.dumps(row) for row in rows if row["name"] not in without]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def questions(language: str, count: int, category: str = "writing") -> list[dict[str, Any]]:
    return [
        {"id": str(n), "language": language, "category": category, "turns": [f"{language} {n} first?", f"{n} second?"]}
        for n in range(1, count + 1)
    ]


def spoken(text: str) -> dict[str, Any]:
    """A turn of an answer."""
    return {"text": text, "tokens": 3, "finish": "eos", "stop": None}


def answers(rows: Sequence[Mapping[str, Any]], samples: int = 1) -> list[dict[str, Any]]:
    return [
        {
            "id": row["id"],
            "language": row["language"],
            "category": row["category"],
            "sample": sample,
            "turns": [spoken(f"answer {row['id']}.{turn}.{sample}") for turn in (1, 2)],
            "error": None,
        }
        for row in rows
        for sample in range(samples)
    ]
