"""YAML 1.2 with the line of everything, and one line of error for whatever is not plain."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polyglot.core.errors import BadInput
from polyglot.study.yaml_file import YamlFile, read_yaml


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def _read(text: str | bytes) -> YamlFile:
        path = tmp_path / "file.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_yaml(path)

    return _read


class TestValues:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("NO", "NO"),
            ("yes", "yes"),
            ("on", "on"),
            ("true", True),
            ("False", False),
            ("~", None),
            ("", None),
            ("1e-3", 0.001),
            ("1.e3", 1000.0),
            ("-2.5", -2.5),
            ("-.INF", float("-inf")),
            ("010", 10),
            ("0o17", 15),
            ("0x1F", 31),
            ("1_000", 1000),
            ("1:30", "1:30"),
            ("2024-01-01", "2024-01-01"),
            ("'12'", "12"),
            ('"a\\nb"', "a\nb"),
            ("[1, a]", [1, "a"]),
            ("{b: {c: []}}", {"b": {"c": []}}),
        ],
    )
    def test_a_scalar_is_what_yaml_1_2_says(self, read: Any, text: str, value: object) -> None:
        found = read(f"a: {text}\n").value["a"]
        assert found == value
        assert type(found) is type(value)

    def test_a_byte_order_mark_and_windows_line_ends_are_taken(self, read: Any) -> None:
        assert read(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n").value == {"a": 1, "b": 2}

    def test_every_key_and_item_knows_its_line(self, read: Any) -> None:
        file = read("a:\n  b: 1\n  c:\n    - x\n    - {d: 2,\n       e: 3}\nf: >\n  text\ng: 1\n")
        places = [("a",), ("a", "b"), ("a", "c"), ("a", "c", 0), ("a", "c", 1, "d"), ("a", "c", 1, "e"), ("g",)]
        assert [file.line(place) for place in places] == [1, 2, 3, 4, 5, 6, 9]
        assert file.where(("a", "c", 1, "missing")).endswith("file.yaml:5: a.c.1.missing")


class TestRefusal:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
    @given(st.binary(max_size=60) | st.text("ab:-[]{}'\"|>&*!%#?,~<1. \n\t", max_size=60).map(str.encode))
    def test_any_bytes_are_a_mapping_or_bad_input_in_one_line(self, read: Any, source: bytes) -> None:
        try:
            value, message = read(source).value, ""
        except BadInput as error:
            value, message = {}, str(error)
        assert all(isinstance(key, str) for key in value)
        assert not message or ("file.yaml" in message and "\n" not in message)

    @pytest.mark.parametrize("form", ["[" * 20000, "a: " + "{a: " * 20000, "- " * 20000, "? " * 5000])
    def test_depth_is_refused_before_it_can_hurt(self, read: Any, form: str) -> None:
        with pytest.raises(BadInput, match="nested too deeply"):
            read(form)

    def test_a_bomb_of_aliases_is_refused_at_its_first_anchor(self, read: Any) -> None:
        lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
        with pytest.raises(BadInput, match=r"yaml:1: anchors and aliases are not taken"):
            read("\n".join(lines))

    def test_keys_that_are_equal_when_unquoted_are_one_key_twice(self, read: Any) -> None:
        with pytest.raises(BadInput, match=r"yaml:2: x: key 'a' is there twice. Keep one; the first is in line 2"):
            read("x:\n  {a: 1, 'a': 2}\n")
