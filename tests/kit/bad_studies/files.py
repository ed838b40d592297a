"""The files of the good study: rows of two languages, a benchmark with references and judge prompts, a small model."""

from pathlib import Path

from tests.kit.bad_studies import write_lines
from tests.kit.judge_rows import prompt_file
from tests.kit.model_jobs import byte_level, write_base

ROWS = 24
THINGS = ("dog", "cat", "house", "tree", "river", "stone")
DINGE = ("Hund", "Katze", "Haus", "Baum", "Fluss", "Stein")
TEXT = {
    "EN": ("What do you know about the {0} in the garden of number {1}?", "The {0} is there, and it was there before."),
    "DE": (
        "Was weißt du über {0} im Garten {1}?",
        "Das Wort {0} ist da, und es war auch früher da.",
    ),
}


def write_good(folder: Path) -> None:
    """Write them all; a model lies in `m`."""
    for language, things in (("EN", THINGS), ("DE", DINGE)):
        asked, said = TEXT[language]
        rows = [(things[n % len(things)], n) for n in range(ROWS)]
        data = [
            {"id": f"row-{n}", "instruction": asked.format(thing, n), "input": "", "output": said.format(thing)}
            for thing, n in rows
        ]
        write_lines(folder / f"{language}.jsonl", data)
        questions = [
            {"question_id": 100 + n, "category": category, "turns": [asked.format(thing, n), said.format(thing)]}
            for (thing, n), category in zip(rows[:4], ("writing", "math", "math", "stem"), strict=True)
        ]
        write_lines(folder / f"q-{language}.jsonl", questions)
        references = [
            {"question_id": row["question_id"], "choices": [{"turns": [said.format("x")] * 2}]}
            for row in questions
            if row["category"] == "math"
        ]
        write_lines(folder / f"r-{language}.jsonl", references)
        prompt_file(folder / f"p-{language}.jsonl")
    write_base(folder / "made", tokenizer=byte_level(), positions=256)
    (folder / "made" / "model").rename(folder / "m")
    (folder / "made").rmdir()
