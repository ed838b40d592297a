"""What makes the detectors fast changes nothing of what they find."""

from difflib import SequenceMatcher

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.lib.card.defects import CODE_DETECTORS
from jobs.lib.card.defects.translation import untranslated_share
from jobs.lib.text.texts import Text

WORDS = st.sampled_from(["one", "two", "three", "four", "five", "six", "seven", "eight"])
LINES = st.lists(st.lists(WORDS, min_size=1, max_size=9).map(" ".join), max_size=5).map("\n".join)


def compared_with_every_line(text: Text, pivot: Text) -> float:
    """The rule as it is said: each line with each."""
    near = sum(
        len(line)
        for line in text.sentences
        if any(
            line == other
            or (
                abs(len(line) - len(other)) < 0.3 * len(other)
                and SequenceMatcher(None, line, other, autojunk=False).ratio() > 0.75
            )
            for other in pivot.sentences
        )
    )
    return near / max(1, sum(map(len, text.sentences)))


@given(LINES, LINES)
def test_the_untranslated_share_is_that_of_comparing_every_line_with_every_line(mine: str, theirs: str) -> None:
    text, pivot = Text(mine), Text(theirs)
    assert untranslated_share(text, pivot) == compared_with_every_line(text, pivot)


@given(st.lists(WORDS, min_size=8, max_size=24), st.data())
def test_a_line_with_a_few_words_changed_is_found_up_to_the_bound(line: list[str], data: st.DataObject) -> None:
    changed = list(line)
    for at in data.draw(st.lists(st.integers(0, len(line) - 1), max_size=len(line) // 2)):
        changed[at] = "other"
    del changed[data.draw(st.integers(len(line) // 2, len(line))) :]
    text, pivot = Text(" ".join(changed)), Text(" ".join(line))
    assert untranslated_share(text, pivot) == compared_with_every_line(text, pivot)


@pytest.mark.parametrize("pivot", [None, Text("plain")])
@pytest.mark.parametrize("text", ["", "no code", "`a` and `b`: c", "a\n\n# b\n    c = d", "def f():\n    return 1"])
def test_detectors_of_code_find_nothing_of_nothing_where_no_fence_can_be(text: str, pivot: Text | None) -> None:
    assert not Text(text).may_have_code
    assert {detector(Text(text), pivot) for detector in CODE_DETECTORS.values()} == {(0, 0)}
