"""Readable JSON has the bytes that json's own indented form has, whatever is in it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.lib.stats.files import readable

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


def plain(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "surrogatepass")


@given(VALUES)
def test_any_value(value: Any) -> None:
    assert readable(value) == plain(value)


def test_what_has_no_json_is_refused() -> None:
    for value in (float("nan"), [float("inf")]):
        with pytest.raises(ValueError, match="not JSON compliant"):
            readable(value)
    with pytest.raises(TypeError):
        readable({1j})
    assert readable({1j}, default=lambda given: sorted(map(str, given))) == b'[\n "1j"\n]\n'
