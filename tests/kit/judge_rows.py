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
PAIR = "[Question]\n{question}\n\n[A]\n{answer_a}\n[End of A]\n\n[B]\n{answer_b}\n[End of B]"
PAIR_MULTI = "\n".join(
    f"<{who}>\n" + "".join(_TURN.format(n=n, who=who, field=f"answer_{who.lower()}") for n in (1, 2)) for who in "AB"
)
PAIR_MULTI_MATH = "<reference>\n{ref_answer_1}\n{ref_answer_2}\n</reference>\n" + PAIR_MULTI


def prompt_file(path: Path, *, without: Sequence[str] = ()) -> Path:
    """Write the four prompts for single grading and the four for pairs, less those named in `without`."""
    rows = [
        {"name": "pair-v2", "type": "pairwise", "system_prompt": "Compare.", "prompt_template": PAIR},
        {"name": "pair-math-v1", "type": "pairwise", "prompt_template": f"[Reference]\n{{ref_answer_1}}\n\n{PAIR}"},
        {"name": "pair-v2-multi-turn", "type": "pairwise", "prompt_template": PAIR_MULTI},
        {"name": "pair-math-v1-multi-turn", "type": "pairwise", "prompt_template": PAIR_MULTI_MATH},
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
