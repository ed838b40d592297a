"""The page of formats: every kind, every file, every field."""

import msgspec
import pytest

from polyglot.kinds.judge import Verdict
from polyglot.kinds.registry import KINDS
from tools.formats_reference import formats_page


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_says_what_it_writes(name: str) -> None:
    kind = KINDS[name]
    assert kind.files
    section = formats_page().partition(f"## {name}\n")[2].partition("\n## ")[0]
    assert all(f"| `{path}` |" in section for path in kind.files)
    assert all(f"`{role}`" in section for role in kind.inputs)


def test_fields_have_the_names_of_the_file_with_their_comments() -> None:
    section = formats_page().partition("### Verdict\n")[2].partition("\n###")[0]
    lines = section.splitlines()
    assert "rivals: true or false  # the reply also held a different verdict" in lines
    assert "score: number or null  # 1.0 to 10.0" in lines
    assert [
        name
        for name in Verdict.__struct_encode_fields__
        if not any(line.startswith((f"{name}:", f"{name}?:")) for line in lines)
    ] == []


def test_what_may_be_left_out_is_marked_and_a_class_is_described_once() -> None:
    page = formats_page()
    assert "cut_share?: number or null" in page
    assert page.count("### Row\n") == page.count("### DataCard\n") == 1
    assert (
        "### PartScore\n\nAn arm over all languages, in one category or turn. It begins with the fields of [ArmScore]"
        in page
    )


@pytest.mark.parametrize("name", KINDS)
def test_what_is_written_can_be_read(name: str) -> None:
    for content in KINDS[name].files.values():
        for record in content if isinstance(content, tuple) else (content,):
            if not isinstance(record, str):
                msgspec.json.Decoder(record)  # raises TypeError for a class that it cannot decode
