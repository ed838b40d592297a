"""Which questions are answered at once: neighbours in length, few where they are long."""

import pytest

from jobs.answer.job import Task, _groups
from polyglot.kinds.rows import Question


def tasks(*lengths: int) -> list[Task]:
    question = Question(id="1", language="EN", category="c", turns=("a",))
    return [Task(question=question, sample=0, system="", temperature=0.0, prompt=[0] * length) for length in lengths]


@pytest.mark.parametrize(
    ("lengths", "size", "tokens", "groups"),
    [
        ((3, 3, 4, 4), 4, 16, [4]),
        ((3, 3, 4, 4), 4, 15, [3, 1]),  # 3 x 4 tokens, as the third is one of 4
        ((3, 3, 4, 4), 2, 1000, [2, 2]),
        ((1, 1, 1, 100), 256, 16, [3, 1]),
        ((100, 200), 256, 16, [1, 1]),  # what is too long for any group is one of its own
        ((), 256, 16, []),
    ],
)
def test_groups_are_bounded_by_number_and_by_padded_tokens(
    lengths: tuple[int, ...], size: int, tokens: int, groups: list[int]
) -> None:
    found = _groups(tasks(*lengths), size, tokens)
    assert [len(group) for group in found] == groups
    assert [len(task.prompt) for group in found for task in group] == list(lengths)
