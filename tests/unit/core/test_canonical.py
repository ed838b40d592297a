"""Equal JSON values have equal bytes, and what JSON cannot carry exactly is refused."""

import json
from pathlib import Path
from types import MappingProxyType

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from polyglot.core.canonical import canonical, digest, sha256_bytes, sha256_file

EXACT = 2**53 - 1  # beyond it JSON's readers may round
NUMBERS = st.integers(-EXACT, EXACT) | st.floats(-EXACT, EXACT)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_canonical_bytes_are_json_of_the_same_value(value: object) -> None:
    assert json.loads(canonical(value)) == value  # type: ignore[arg-type]


@given(VALUES)
def test_writing_what_was_read_gives_the_same_bytes(value: object) -> None:
    once = canonical(value)  # type: ignore[arg-type]
    assert canonical(json.loads(once)) == once


@given(st.dictionaries(TEXTS, NUMBERS, min_size=2), st.randoms(use_true_random=False))
def test_the_order_of_keys_means_nothing(value: dict[str, float], random: object) -> None:
    items = list(value.items())
    random.shuffle(items)  # type: ignore[attr-defined]
    assert digest(dict(items)) == digest(value)


@given(VALUES)
def test_both_encoders_write_the_same(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


def test_every_character_is_written_as_rfc8785_does() -> None:
    text = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x110000))))
    assert canonical([text, "a\ud7ff"]) == rfc8785.dumps([text, "a\ud7ff"])
    keys = {chr(number): number for number in range(128)}
    assert canonical(keys) == rfc8785.dumps(keys)


@pytest.mark.parametrize(
    "value", [(1, [2]), {"a": (True, None)}, -EXACT, EXACT, -0.0, 1.5e300, MappingProxyType({"b": {}})]
)
def test_values_of_other_classes_and_at_the_ends_are_written_as_well(value: object) -> None:
    plain = dict(value) if isinstance(value, MappingProxyType) else value
    assert canonical(value) == rfc8785.dumps(plain)  # type: ignore[arg-type]


def test_the_form_is_that_of_rfc_8785() -> None:
    value = {"b": [1.0, 1e21, 1e-7, "€\u000f"], "a": None, "\u20ac": True, "\U0001f600": False}
    assert canonical(value) == '{"a":null,"b":[1,1e+21,1e-7,"€\\u000f"],"€":true,"😀":false}'.encode()


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 2**53, -(2**53), 2**53 + 1, {1: 2}, {"a": {1, 2}}, b"x", "\ud800"]
)
def test_what_json_cannot_carry_exactly_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"not canonical JSON"):
        canonical(value)  # type: ignore[arg-type]


def test_a_file_s_digest_is_that_of_its_bytes(tmp_path: Path) -> None:
    data = bytes(range(256)) * 5000
    (tmp_path / "file").write_bytes(data)
    assert sha256_file(tmp_path / "file") == sha256_bytes(data)
