"""The built-in data: a parallel instruction set and a benchmark in two parts, in EN, DE, FR, IT and ES.

Everything is made by rule from the word tables of this package, so answers can be checked by rule as well. Ids are
shared by the languages. `verifiable-dev` is for choosing settings, `verifiable` for what is reported; neither has a
task in common with the instructions or with each other (`separation` checks it).
"""

from jobs.builtin.families import again, answer, instruction
from jobs.builtin.tasks import DEV, TEST, TRAIN, Task, tasks
from jobs.builtin.words import LANGUAGES
from polyglot.core.errors import Permanent

BENCHMARKS = {"verifiable": TEST, "verifiable-dev": DEV}
FIRST_QUESTION = 81  # MT-Bench's first question is number 81


def instruction_rows(language: str) -> list[dict[str, object]]:
    """The instruction set in one language, in Bactrian-X's schema; two-turn tasks have `followups`."""
    _check(language)
    return [_row(task, language) for task in tasks(TRAIN)]


def questions(name: str, language: str) -> list[dict[str, object]]:
    """A benchmark's 80 questions in one language, in MT-Bench-X's schema."""
    _check(language)
    return [
        {
            "question_id": question_id,
            "category": task.family,
            "turns": [
                instruction(task.family, task.phrasing, task.turns[0], language),
                *(again(task.family, arguments, language) for arguments in task.turns[1:]),
            ],
            "reference": _answers(task, language),
        }
        for question_id, task in _numbered(name, language)
    ]


def references(name: str, language: str) -> list[dict[str, object]]:
    """The right answers to a benchmark's questions, in MT-Bench's schema of reference answers."""
    _check(language)
    return [
        {"question_id": question_id, "choices": [{"index": 0, "turns": _answers(task, language)}]}
        for question_id, task in _numbered(name, language)
    ]


def _row(task: Task, language: str) -> dict[str, object]:
    row: dict[str, object] = {
        "instruction": instruction(task.family, task.phrasing, task.turns[0], language),
        "input": "",
        "id": task.name,
        "output": answer(task.family, task.turns[0], language),
    }
    later = [
        {"instruction": again(task.family, turn, language), "output": answer(task.family, turn, language)}
        for turn in task.turns[1:]
    ]
    return {**row, "followups": later} if later else row


def _answers(task: Task, language: str) -> list[str]:
    return [answer(task.family, arguments, language) for arguments in task.turns]


def _numbered(name: str, language: str) -> list[tuple[str, Task]]:
    part = BENCHMARKS.get(name)
    if part is None:
        raise Permanent(f"built-in benchmark: got {name!r}; expected one of {', '.join(BENCHMARKS)}")
    return [(f"{FIRST_QUESTION + place}_{language}", task) for place, task in enumerate(tasks(part))]


def _check(language: str) -> None:
    if language not in LANGUAGES:
        raise Permanent(f"built-in data: got language {language}; expected one of {' '.join(LANGUAGES)}")
