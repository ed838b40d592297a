"""Records: the same bytes as the JSON of their content, and the same record back."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyglot.core import records
from polyglot.core.canonical import canonical
from polyglot.core.errors import Corrupt
from polyglot.core.records import UNSET, Record, UnsetType


class Turn(Record):
    text: str
    tokens: int
    stop: str | None = None


class Answer(Record):
    id: str
    turns: tuple[Turn, ...]
    counts: dict[str, int] = {}
    extra: int | UnsetType = UNSET


text = st.text(st.characters(exclude_categories=["Cs"]))
turns = st.builds(Turn, text=text, tokens=st.integers(0, 2**53 - 1), stop=st.none() | text)
answers = st.builds(
    Answer,
    id=text,
    turns=st.lists(turns).map(tuple),
    counts=st.dictionaries(text, st.integers(0, 9)),
    extra=st.just(UNSET) | st.integers(0, 5),
)


def plain(answer: Answer) -> dict[str, object]:
    rows = [{"text": turn.text, "tokens": turn.tokens, "stop": turn.stop} for turn in answer.turns]
    found: dict[str, object] = {"id": answer.id, "turns": rows, "counts": answer.counts}
    return found if answer.extra is UNSET else {**found, "extra": answer.extra}


@given(answers)
def test_a_line_is_the_json_of_its_content_with_sorted_keys(answer: Answer) -> None:
    expected = json.dumps(plain(answer), ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n"
    assert records.line(answer) == expected.encode()


@given(answers)
def test_a_document_is_canonical(answer: Answer) -> None:
    assert records.to_json(answer) == canonical(plain(answer))  # type: ignore[arg-type]


def test_what_was_written_is_read_as_the_same_record(tmp_path: Path) -> None:
    some = [Answer(id="a", turns=(Turn(text="é\u2028", tokens=3),)), Answer(id="b", turns=(), extra=2)]
    assert records.write_lines(tmp_path / "a.jsonl", some) == 2
    assert list(records.read_lines(tmp_path / "a.jsonl", Answer)) == some


@pytest.mark.parametrize(
    "row",
    [
        '{"id": "a"}',
        '{"id": 1, "turns": []}',
        "[]",
        "{",
        "",
        '{"id":"b","turns":[]}{"id":"c","turns":[]}\n',
        '{"id":"b",\n"turns":[]}',
    ],
)
def test_another_class_is_corrupt_by_file_and_line(tmp_path: Path, row: str) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text('{"id":"a","turns":[]}\n' + row + "\n")
    with pytest.raises(Corrupt, match=r"answers\.jsonl:2: .*expected a Answer"):
        list(records.read_lines(path, Answer))


def test_a_field_of_a_later_version_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text('{"id":"a","turns":[],"later":1}')
    assert records.read(path, Answer) == Answer(id="a", turns=())
