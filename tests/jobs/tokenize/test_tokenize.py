"""The tokenize job: rows in, token sets out, everything counted."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from jobs.lib.model.loading import load_tokenizer
from jobs.lib.model.template import ChatFormat
from jobs.tokenize import job as tokenize
from polyglot.core.canonical import sha256_file
from polyglot.core.errors import Interrupted, Permanent
from polyglot.kinds.tokenize import TokenizeParams
from tests.kit.model_jobs import ModelContext, conversation, gpt2_like, model_context, write_base, write_rows

ROWS = [("Was ist das?", "Ein Bär."), ("a", "b", "c", "d"), ("x", "y " * 200)]


def context_of(root: Path, rows: Sequence[Sequence[str]], tokenizer: Any = None, **changes: Any) -> ModelContext:
    values: dict[str, Any] = {
        "language": "DE",
        "system": "Sei kurz.",
        "max_tokens": 100,
        "over_long": "drop",
        **changes,
    }
    if not (root / "base").exists():
        write_base(root / "base", tokenizer=tokenizer)
    inputs = {"rows": write_rows(root / "rows", "DE", rows), "base": root / "base"}
    return model_context(root, TokenizeParams(**values), inputs)


def tokenized(context: ModelContext) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    tokenize.run(context)
    table = pa.ipc.open_file(context.out / "tokens.arrow").read_all()
    return table.to_pylist(), json.loads((context.out / "card.json").read_text())


class TestResult:
    def test_is_what_the_chat_format_says(self, tmp_path: Path) -> None:
        context = context_of(tmp_path, ROWS[:2])
        written, card = tokenized(context)
        chat = ChatFormat(load_tokenizer(tmp_path / "base" / "model"))
        for number, row in enumerate(written):
            expected = chat.encode(conversation(*ROWS[number]), "Sei kurz.")
            assert (row["id"], row["input_ids"], row["loss"]) == (f"r{number}", expected.input_ids, expected.loss)
        assert card["rows"] == card["rows_read"] == 2
        assert card["tokens"] == sum(len(row["input_ids"]) for row in written)
        assert card["loss_tokens"] == sum(sum(row["loss"]) for row in written)
        assert card["template"] == "system-user-assistant"

    def test_has_the_schema_that_train_maps(self, tmp_path: Path) -> None:
        context = context_of(tmp_path, ROWS[:1])
        tokenize.run(context)
        schema = pa.ipc.open_file(pa.memory_map(str(context.out / "tokens.arrow"))).schema
        assert schema.types[:3] == [pa.string(), pa.list_(pa.int32()), pa.list_(pa.bool_())]
        assert schema.types[3:] == [pa.int32(), pa.int32(), pa.int32(), pa.int16()]

    @pytest.mark.parametrize("over_long", ["drop", "truncate"])
    def test_counts_the_supervised_tokens_that_each_row_has_left(self, tmp_path: Path, over_long: str) -> None:
        written, card = tokenized(context_of(tmp_path, ROWS, over_long=over_long))
        assert [row["loss_tokens"] for row in written] == [sum(row["loss"]) for row in written]
        assert card["loss_tokens"] == sum(row["loss_tokens"] for row in written)

    def test_counts_the_answers_of_each_row_as_they_were_before_any_cut(self, tmp_path: Path) -> None:
        written, _ = tokenized(context_of(tmp_path, ROWS, over_long="truncate"))
        counted = [(row["characters"], row["words"], row["answers"]) for row in written]
        assert counted == [(8, 2, 1), (2, 2, 2), (400, 200, 1)]

    def test_reads_the_validation_part_when_asked(self, tmp_path: Path) -> None:
        context = context_of(tmp_path, ROWS[:1], part="validation")
        (tmp_path / "rows" / "rows").rename(tmp_path / "rows" / "validation")
        written, card = tokenized(context)
        assert len(written) == 1
        assert card["part"] == "validation"

    def test_has_the_same_bytes_each_time(self, tmp_path: Path) -> None:
        digests = set()
        for _ in range(2):
            context = context_of(tmp_path, ROWS)
            tokenize.run(context)
            digests.add(tuple(sha256_file(context.out / name) for name in ("tokens.arrow", "card.json")))
        assert len(digests) == 1

    def test_many_batches_are_one_table(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tokenize, "CHUNK_BYTES", 400)
        written, card = tokenized(context_of(tmp_path, [(f"q{i}", f"a{i}") for i in range(10)]))
        assert [row["id"] for row in written] == [f"r{i}" for i in range(10)]
        assert card["rows"] == 10

    def test_counts_fertility(self, tmp_path: Path) -> None:
        _, card = tokenized(context_of(tmp_path, [("zwei Wörter", "und drei dazu")], system=""))
        assert card["characters_per_token"] == round((11 + 13) / card["tokens"], 4)
        assert card["tokens_per_word"] == round(card["tokens"] / 5, 4)

    def test_counts_unknown_tokens(self, tmp_path: Path) -> None:
        tokenizer = gpt2_like()
        _, card = tokenized(context_of(tmp_path, [("日本", "語")], tokenizer))
        assert card["unknown_tokens"] == 1  # EOS, which is this family's unknown token too


class TestOverLong:
    def test_is_dropped_and_named(self, tmp_path: Path) -> None:
        written, card = tokenized(context_of(tmp_path, ROWS))
        assert [row["id"] for row in written] == ["r0", "r1"]
        (dropped,) = card["dropped"]
        assert (dropped["id"], dropped["reason"]) == ("r2", "over-long")
        assert dropped["tokens"] > 100
        assert card["truncated"] == []

    def test_is_truncated_and_named(self, tmp_path: Path) -> None:
        written, card = tokenized(context_of(tmp_path, ROWS, over_long="truncate"))
        assert len(written[2]["input_ids"]) == len(written[2]["loss"]) == 100
        assert [row["id"] for row in card["truncated"]] == ["r2"]
        assert card["longest"] == 100

    def test_without_an_answer_left_is_dropped(self, tmp_path: Path) -> None:
        _, card = tokenized(context_of(tmp_path, [("hi", "yes"), ("x " * 200, "y")], over_long="truncate"))
        assert [(row["id"], row["reason"]) for row in card["dropped"]] == [("r1", "nothing-supervised")]
        assert card["truncated"] == []

    def test_in_every_row_is_permanent(self, tmp_path: Path) -> None:
        context = context_of(tmp_path, [("x " * 200, "y")])
        with pytest.raises(Permanent, match="none of 1 rows can be trained on: over-long 1"):
            tokenize.run(context)
        assert not (context.out / "card.json").exists()


class TestRefusals:
    def test_no_rows(self, tmp_path: Path) -> None:
        with pytest.raises(Permanent, match="none of 0 rows can be trained on: no rows"):
            tokenize.run(context_of(tmp_path, []))

    def test_a_tokenizer_with_code(self, tmp_path: Path) -> None:
        context = context_of(tmp_path, ROWS)
        path = tmp_path / "base" / "model" / "tokenizer_config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "auto_map": {"AutoTokenizer": ["x.T", None]}}))
        with pytest.raises(Permanent, match="auto_map asks for code"):
            tokenize.run(context)

    def test_a_broken_tokenizer(self, tmp_path: Path) -> None:
        context = context_of(tmp_path, ROWS)
        (tmp_path / "base" / "model" / "tokenizer.json").write_text("{}")
        with pytest.raises(Permanent, match="tokenizer: cannot be loaded"):
            tokenize.run(context)


def test_stops_between_batches_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenize, "CHUNK_BYTES", 1)
    context = context_of(tmp_path, ROWS)
    context.stop_after = 2
    with pytest.raises(Interrupted):
        tokenize.run(context)
    assert len(context.reports) == 2
