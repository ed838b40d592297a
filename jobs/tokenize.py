"""The tokenize stage: one language's rows as token ids and loss mask, under one tokenizer and chat template.

Writes `tokens.arrow` (columns id, input_ids, loss, and characters, words and number of the answers; rows in the order
of the data set's file) and `card.json`: counts, fertility, and by id every row that was dropped or truncated. Rows stream
through in batches, so memory stays bounded whatever the size. A truncated row keeps its first `max_tokens` tokens (its
last answer then has no EOS); one that has no supervised token left is dropped.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from jobs.lib.context import Context
from jobs.lib.model.loading import load_tokenizer
from jobs.lib.template import ChatFormat, Encoded, Inexact
from polyglot.core.canonical import canonical
from polyglot.core.errors import Permanent
from polyglot.spec.params import TokenizeParams

BATCH_ROWS = 1024
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("input_ids", pa.list_(pa.int32())),
        ("loss", pa.list_(pa.bool_())),
        # of the assistant turns, before any cut: with these a mix card needs no text
        ("characters", pa.int32()),
        ("words", pa.int32()),  # split at white space
        ("answers", pa.int16()),
    ]
)


def run(context: Context) -> None:
    """Tokenize every row of the language, then describe the result in the card."""
    params = TokenizeParams.of(context.stage)
    tokenizer = load_tokenizer(context.inputs["base"].directory("model"))
    source = context.inputs["rows"].path(f"{params.part}/{params.language}.jsonl")
    chat = ChatFormat(tokenizer, params.template)
    tally = Tally(params, tokenizer)
    total = _count(source)
    with pa.OSFile(str(context.out / "tokens.arrow"), "wb") as sink, pa.ipc.new_file(sink, SCHEMA) as writer:
        for rows in _batches(source):
            kept = [
                (row, encoded)
                for row, result in zip(
                    rows, chat.encode_many([row["turns"] for row in rows], params.system), strict=True
                )
                if (encoded := tally.take(row, result)) is not None
            ]
            if kept:
                writer.write_batch(_record_batch(kept))
            context.progress(tally.read, total, "rows", tokens=tally.tokens)
            context.raise_if_stopping()
    if tally.rows == 0:
        raise Permanent(
            f"{params.language}: none of {tally.read} rows can be trained on: {tally.reasons() or 'no rows'}"
        )
    (context.out / "card.json").write_bytes(canonical(tally.card()) + b"\n")
    context.metrics.update(
        rows=tally.rows, tokens=tally.tokens, loss_tokens=tally.loss_tokens, dropped=len(tally.dropped)
    )


class Tally:
    """Decides about each row's length and counts everything that the card says."""

    def __init__(self, params: TokenizeParams, tokenizer: Any) -> None:
        self.params, self.unknown_id = params, tokenizer.unk_token_id
        self.read = self.rows = self.tokens = self.loss_tokens = self.unknown = self.longest = 0
        self.characters = self.words = self.measured = 0  # before any cut: the base of the fertility figures
        self.dropped: list[dict[str, Any]] = []
        self.truncated: list[dict[str, Any]] = []

    def take(self, row: dict[str, Any], result: Encoded | Inexact) -> Encoded | None:
        """Count one row, and return what is to be written of it; None when it is dropped."""
        self.read += 1
        if isinstance(result, Inexact):
            self._drop(row, 0, str(result))
            return None
        length = len(result.input_ids)
        self._measure(row, length)
        if length > self.params.max_tokens:
            if self.params.over_long == "drop":
                self._drop(row, length, "over-long")
                return None
            result = Encoded(
                input_ids=result.input_ids[: self.params.max_tokens], loss=result.loss[: self.params.max_tokens]
            )
            if any(result.loss):
                self.truncated.append({"id": row["id"], "tokens": length})
        supervised = sum(result.loss)
        if supervised == 0:
            self._drop(row, length, "nothing-supervised")
            return None
        self.rows += 1
        self.tokens += len(result.input_ids)
        self.loss_tokens += supervised
        self.longest = max(self.longest, len(result.input_ids))
        if self.unknown_id is not None:
            self.unknown += result.input_ids.count(self.unknown_id)
        return result

    def reasons(self) -> str:
        """The reasons of dropped rows, most frequent first."""
        names = [one["reason"] for one in self.dropped]
        counts = sorted(((names.count(name), name) for name in set(names)), reverse=True)
        return ", ".join(f"{name} {count}" for count, name in counts)

    def card(self) -> dict[str, Any]:
        """The document of card.json. Fertility counts whole encodings: roles, system message and specials included."""
        return {
            "language": self.params.language,
            "part": self.params.part,
            "template": self.params.template,
            "system": self.params.system,
            "max_tokens": self.params.max_tokens,
            "rows_read": self.read,
            "rows": self.rows,
            "tokens": self.tokens,
            "loss_tokens": self.loss_tokens,
            "longest": self.longest,
            "unknown_tokens": self.unknown,
            "characters_per_token": round(self.characters / self.measured, 4) if self.measured else 0.0,
            "tokens_per_word": round(self.measured / self.words, 4) if self.words else 0.0,
            "dropped": self.dropped,
            "truncated": self.truncated,
        }

    def _measure(self, row: dict[str, Any], length: int) -> None:
        self.measured += length
        for turn in row["turns"]:
            self.characters += len(turn["content"])
            self.words += len(turn["content"].split())

    def _drop(self, row: dict[str, Any], length: int, reason: str) -> None:
        self.dropped.append({"id": row["id"], "tokens": length, "reason": reason})


def _count(source: Path) -> int:
    with source.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def _batches(source: Path) -> Iterator[list[dict[str, Any]]]:
    with source.open(encoding="utf-8", newline="\n") as file:
        while rows := [json.loads(line) for line in islice(file, BATCH_ROWS)]:
            yield rows


def _record_batch(kept: Sequence[tuple[dict[str, Any], Encoded]]) -> pa.RecordBatch:
    answers = [[turn["content"] for turn in row["turns"] if turn["role"] == "assistant"] for row, _ in kept]
    return pa.record_batch(
        [
            pa.array([row["id"] for row, _ in kept], pa.string()),
            pa.array([encoded.input_ids for _, encoded in kept], pa.list_(pa.int32())),
            pa.array([encoded.loss for _, encoded in kept], pa.list_(pa.bool_())),
            pa.array([sum(map(len, turns)) for turns in answers], pa.int32()),
            pa.array([sum(len(turn.split()) for turn in turns) for turns in answers], pa.int32()),
            pa.array(list(map(len, answers)), pa.int16()),
        ],
        schema=SCHEMA,
    )
