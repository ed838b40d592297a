"""docs/data-formats.md: each of its examples is read, into the turns that it says, and every format has one."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from jobs.ingest.adapters.schemas import TABLES
from polyglot.kinds import judge_prompts
from polyglot.kinds.ingest import DatasetFormat

DOCUMENT = (Path(__file__).parents[4] / "docs" / "data-formats.md").read_text(encoding="utf-8")
EXAMPLES = {name: body for name, body in re.findall(r"^```([a-z-]+)\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)}
FLAG = "Name a colour of this flag.\n\nThe flag of Italy"
LAKE = ("What is a lake?", "Water with land around it.")
TURNS: dict[str, list[tuple[str | None, tuple[str, ...]]]] = {
    "bactrian-x": [
        ("alpaca-7", (FLAG, "Green.")),
        ("alpaca-8", ("Say hello.", "Hello!", "In Spanish?", "¡Hola!")),
    ],
    "alpaca": [(None, (FLAG, "Green.")), (None, ("Say hello.", "Hello!"))],
    "dolly": [(None, ("When was the bridge built?\n\nThe bridge was built in 1894.", "In 1894."))],
    "aya": [(None, ("Was ist ein See?", "Wasser mit Land ringsum."))],
    "lima-x": [(None, (*LAKE, "And a pond?", "A small one."))],
    "messages": [(None, LAKE)],
    "sharegpt": [("s-1", LAKE)],
    "questions": [("81", ("Describe a lake.", "Shorter, please.")), ("111", ("What is 2 + 2?", "And 3 + 3?"))],
    "references": [("111", ("4", "6")), ("112", ("12", ""))],
}


def test_every_format_has_an_example() -> None:
    assert set(EXAMPLES) == {*get_args(DatasetFormat), "questions", "references", "prompts"}


@pytest.mark.parametrize("name", TURNS)
def test_an_example_is_read_into_its_turns(name: str) -> None:
    benchmark = name in ("questions", "references")
    adapter: Any = TABLES[name]["mt-bench"] if benchmark else TABLES["dataset"][name]
    drafts = [adapter(json.loads(line)) for line in EXAMPLES[name].splitlines()]
    assert [(draft.id, draft.turns) for draft in drafts] == TURNS[name]


def test_the_example_of_judge_prompts_is_a_whole_set(tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text(EXAMPLES["prompts"], encoding="utf-8")
    assert set(judge_prompts.load(path, "EN").by_kind) == {(math, multi) for math in (0, 1) for multi in (0, 1)}
