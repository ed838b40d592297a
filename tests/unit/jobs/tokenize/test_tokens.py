"""Tokens made in columns: what the chat format says of each row by itself, whatever the tokenizer and the text."""

import gzip
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.ingest.adapters.schemas import DATASETS
from jobs.lib.model.template import ChatFormat, Encoded, Inexact
from jobs.tokenize.bulk import BulkFormat
from jobs.tokenize.columns import Rows, chunks, parse
from jobs.tokenize.locate import bytes_by_id
from jobs.tokenize.words import count_words
from polyglot.core.errors import Permanent
from polyglot.kinds.templates import OWN
from tests.kit.data_ingests import LANGUAGES, needs_documentation
from tests.kit.model_jobs import byte_level, conversation
from tests.kit.shared import SHARED
from tests.kit.token_families import EVERY

# every tenth row of docs-x and every hundredth of help-x, in five languages; all of them when this is set
EVERY_ROW = bool(os.environ.get("POLYGLOT_EVERY_ROW"))
BY_BYTES = {"byte-level", "pad-is-eos", "gpt2", "llama-3", "qwen", "stripping"}

_tokenizers: dict[str, Any] = {}


def tokenizer_of(family: str) -> Any:
    if family not in _tokenizers:
        _tokenizers[family] = EVERY[family]()
    return _tokenizers[family]


def columns(conversations: Sequence[Sequence[dict[str, str]]]) -> Rows:
    lines = (
        json.dumps({"id": f"r{number}", "turns": turns}, ensure_ascii=False)
        for number, turns in enumerate(conversations)
    )
    return parse(("\n".join(lines) + "\n").encode(), "rows")


def in_bulk(chat: ChatFormat, conversations: Sequence[Any], system: str) -> Iterator[Encoded | str]:
    rows = columns(conversations)
    tokens = BulkFormat(chat, system).encode(rows)
    tokens = tokens.with_slow(chat.encode_many([rows.turns(row) for row in tokens.slow], system))
    ends = np.cumsum(tokens.lengths)
    for row, (end, length) in enumerate(zip(ends.tolist(), tokens.lengths.tolist(), strict=True)):
        span = slice(end - length, end)
        refused = tokens.refused.get(row)
        assert (length == 0) == (refused is not None)
        yield refused or Encoded(input_ids=tokens.ids[span].tolist(), loss=tokens.loss[span].tolist())


def one_by_one(chat: ChatFormat, conversations: Sequence[Any], system: str) -> list[Encoded | str]:
    found = chat.encode_many(conversations, system)
    return [str(one) if isinstance(one, Inexact) else one for one in found]


# what tokenizers trip over: control tokens, colons beside the format's own, white space, letters in parts
ODD = [
    ":",
    "\nAssistant:",
    "Assistant: ",
    " ",
    "\n",
    "\u00a0",
    "  ",
    "    ",
    "</s>",
    "<s>",
    "<|im_end|>",
    "[SEP]",
    "日本",
]
ODD += [
    "<|reserved_special_token_7|>",
    "A\u0308",
    "ä",
    "：",
    "🐻",
    "\u037e",
    "##",
    "▁",
    "<0x3A>",
    "\u200b",
    "x",
    "1234",
]
TEXT = st.lists(st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs"]), max_size=4), max_size=8).map(
    "".join
)
ROWS = st.lists(st.lists(TEXT, min_size=1, max_size=3).map(lambda texts: conversation(*texts, *texts)), max_size=6)


@pytest.mark.parametrize("family", EVERY)
class TestBulk:
    @given(rows=ROWS.filter(bool), system=st.just("") | TEXT)
    @settings(max_examples=60, deadline=None)
    def test_is_what_the_chat_format_says_of_each_row(self, family: str, rows: Any, system: str) -> None:
        chat = ChatFormat(tokenizer_of(family))
        assert list(in_bulk(chat, rows, system)) == one_by_one(chat, rows, system)

    def test_by_the_road_that_its_tokenizer_allows(self, family: str) -> None:
        assert (bytes_by_id(tokenizer_of(family).backend_tokenizer) is not None) == (family in BY_BYTES)

    @needs_documentation
    @pytest.mark.timeout(3000 if EVERY_ROW else 300)
    def test_on_real_rows_equals_the_template_under_transformers(self, family: str) -> None:
        tokenizer = tokenizer_of(family)
        chat = ChatFormat(tokenizer)
        real = list(real_rows())
        refused = 0
        for turns, encoded in zip(real, in_bulk(chat, real, "Sei kurz."), strict=True):
            if isinstance(encoded, str):
                refused += 1
                continue
            official = tokenizer.apply_chat_template(
                [{"role": "system", "content": "Sei kurz."}, *turns],
                chat_template=chat.jinja,
                sanitize_control_tokens=True,
                return_dict=False,
            )
            assert encoded.input_ids == list(official)
        assert refused == 0


def real_rows() -> Iterator[list[dict[str, str]]]:
    for language in LANGUAGES:
        files = [SHARED / "data" / "docs-x" / f"{part}_docsx_{language}.jsonl" for part in ("train", "val")]
        lines = [line for file in files for line in file.read_text(encoding="utf-8").split("\n")]
        with gzip.open(SHARED / "data" / "help-x" / f"help_{language}.jsonl.gz", "rt", encoding="utf-8") as file:
            chosen = lines[:: 1 if EVERY_ROW else 10] + list(file)[:: 1 if EVERY_ROW else 100]
        for record in (json.loads(line) for line in chosen if line):
            draft = DATASETS["bactrian-x"](record)
            if draft.turns[-1]:
                yield conversation(*draft.turns)


class TestSlowRoad:
    def test_is_taken_by_every_row_of_a_tokenizers_own_template(self) -> None:
        tokenizer = byte_level()
        tokenizer.chat_template = (
            "{% for message in messages %}{{ message['role'] + ': ' + message['content'] }}"
            "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{{ '\\n' }}{% endfor %}"
            "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}"
        )
        chat = ChatFormat(tokenizer, OWN)
        rows = [conversation("a", "b", "c", "d"), conversation("e", "</s> f")]
        assert len(BulkFormat(chat, "x").encode(columns(rows)).slow) == 2
        assert list(in_bulk(chat, rows, "x")) == one_by_one(chat, rows, "x")

    def test_is_taken_by_none_but_the_rows_that_need_it(self) -> None:
        chat = ChatFormat(byte_level())
        rows = [conversation("a", "b"), conversation("<s>", "b"), conversation("a < b", "c"), conversation("a", "</s>")]
        assert list(BulkFormat(chat, "x").encode(columns(rows)).slow) == [1, 3]


class TestColumns:
    def test_chunks_end_where_lines_end(self, tmp_path: Path) -> None:
        lines = [b"a\n", b"bcd" * 10 + b"\n", b"\n", b"e" * 5 + b"\n", b"no line end"]
        (tmp_path / "x").write_bytes(b"".join(lines))
        for size in range(1, 50):
            found = list(chunks(tmp_path / "x", size))
            assert b"".join(found) == b"".join(lines)
            assert all(chunk.endswith(b"\n") for chunk in found[:-1])

    def test_rows_come_back_as_they_were(self) -> None:
        rows = [
            conversation("a\n\t\u2028\x00", "b"),
            conversation("", "", "🐻", "\\"),
            conversation("x", "y" * 100_000),
        ]
        read = columns(rows)
        assert [read.turns(row) for row in range(3)] == rows
        assert read.ids.to_pylist() == ["r0", "r1", "r2"]
        assert read.per_row(read.characters).tolist() == [6, 2, 100_001]
        assert read.alternate.tolist() == [True, True, True]

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            (b'{"id": "a"', "not rows in the normal form"),
            (b'{"id": "a", "turns": "x"}', "not rows in the normal form"),
            (b'{"id": "a"}', "without id or turns"),
            (b'{"id": "a", "turns": []}', "without id or turns"),
            (b'{"id": "a", "turns": [{"role": "user"}]}', "a turn without role or content"),
            (b'{"id": "a", "turns": [{"role": "tool", "content": "x"}]}', "'tool'; expected user or assistant"),
            (b'{"id": "a", "turns": [{"role": "user", "content": "\xff"}]}', "not rows in the normal form"),
        ],
    )
    def test_what_is_no_row_is_said(self, line: bytes, message: str) -> None:
        with pytest.raises(Permanent, match=f"^DE.jsonl: .*{message}"):
            parse(line + b"\n", "DE.jsonl")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])) | TEXT | st.text(" \n\x1c\x85\xa0\u2003\u3000ab")))
@settings(deadline=None)
def test_words_are_those_of_split(texts: list[str]) -> None:
    array = pa.array(["before", *texts, "behind"], pa.string())
    assert count_words(array).tolist() == [1, *(len(text.split()) for text in texts), 1]
    assert count_words(array[1:-1]).tolist() == [len(text.split()) for text in texts]


def test_every_white_space_of_split_is_known() -> None:
    array = pa.array([f"a{chr(code)}b" for code in range(0xD800)], pa.string())
    assert count_words(array).tolist() == [len(text.split()) for text in array.to_pylist()]
