"""The name of a night: one instant is one night, however it is spelled."""

import pytest

from polyglot.core.errors import BadInput
from polyglot.core.night import instant_of, night_name

BEYOND = ("9999-12-31T23:59:59-02:00", "0001-01-01T00:00:00+02:00")  # the years that there are, in UTC


@pytest.mark.parametrize(
    "spelled",
    [
        "2026-01-31T02:00:00Z",
        "2026-01-31T02:00:00+00:00",
        "2026-01-31T03:00:00+01:00",  # what a CronJob in Europe/Berlin writes
        "2026-01-30T21:00:00-05:00",
        "2026-01-31T07:45:00+05:45",
        "20260131T020000Z",
    ],
)
def test_one_instant_has_one_name(spelled: str) -> None:
    assert night_name(spelled) == "2026-01-31T02:00:00Z"
    assert instant_of(spelled) == instant_of("2026-01-31T02:00:00Z")


@pytest.mark.parametrize("word", ["2026-01-31", "after-the-upgrade", "7", "v1.2_b"])
def test_a_word_stays_as_it_is(word: str) -> None:
    assert night_name(word) == word
    assert instant_of(word) is None


@pytest.mark.parametrize(
    "text", ["", ".", "../x", "a/b", "a b", "ü", "2026-01-31T02:00", "x" * 101, "-x", "a\n", *BEYOND]
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="^night: not the name of a night"):
        night_name(text)
