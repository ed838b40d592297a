"""What a report's table says of how a study was made, in words."""

import pytest

from polyglot.kinds.answer import Answers
from polyglot.plan.tables import decoding, described
from polyglot.study.sources import Model


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (
            {},
            "temperature 0.7 (roleplay, writing), 0.1 (humanities, stem), else 0; top-p 1; no top-k; "
            "up to 1024 tokens a turn",
        ),
        ({"temperatures": {}, "max-new-tokens": 24}, "greedy; up to 24 tokens a turn"),
        (
            {"temperatures": {}, "default-temperature": 0.3, "top-k": 5, "top-p": 0.9, "samples": 4},
            "temperature 0.3; top-p 0.9; top-k 5; up to 1024 tokens a turn; 4 answers to a question",
        ),
    ],
)
def test_decoding_is_said_whole(answers: dict[str, object], expected: str) -> None:
    assert decoding(Answers.model_validate(answers)) == expected


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ({"hub": "lab/base", "revision": "a" * 40}, f"lab/base at {'a' * 40}"),
        ({"built-in": {"steps": 7}}, "built-in, pre-trained for 7 steps"),
        ({"directory": "m"}, "files of one's own, by their digests"),
    ],
)
def test_a_model_is_told_by_where_it_comes_from(model: dict[str, object], expected: str) -> None:
    assert described(Model.model_validate(model)) == expected
