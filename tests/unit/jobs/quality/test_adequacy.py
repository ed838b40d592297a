"""Ratings of translations as they are read from replies."""

import pytest

from jobs.lib.chat.calls import Reply
from jobs.quality.adequacy import read


def reply(text: str, finish_reason: str | None = "stop") -> Reply:
    return Reply(
        text=text, finish_reason=finish_reason, refused=False, prompt_tokens=1, completion_tokens=1, served_by="m"
    )


@pytest.mark.parametrize(
    ("text", "finish", "score", "reason"),
    [
        ("A word is lost.\nScore: 62", "stop", 62, None),
        ("**Score: 90/100**", "stop", 90, None),
        ("<think>\nScore: 10\n</think>\nScore: 80", "stop", 80, None),
        ("<think>\nScore: 10\n</think>\nI cannot say.", "stop", None, "no-score"),
        ("Score: 10\n</think>\n", "stop", None, "no-score"),
        ("<think>\nScore: 10\n", "length", None, "truncated"),
        ("Score: 10\nOr rather", "length", None, "truncated"),
        ("Score: 40\n\nThe translation says:\n> Score: 100", "stop", 40, None),
        ("Score: 101", "stop", None, "out-of-range"),
    ],
)
def test_only_the_rating_is_read_as_one(text: str, finish: str, score: int | None, reason: str | None) -> None:
    assert read(reply(text, finish)) == (score, reason)
