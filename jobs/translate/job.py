"""The translate stage: one language's rows, questions or references become another's, by an engine.

Reads `rows/<SOURCE>.jsonl` (`questions/…`, `references/…`, and `validation/…` where the data set has one) of `rows` and
writes the same below the target's name, `rejected.jsonl` with every row that could not be translated with its protected
parts intact, `records/<TARGET>.jsonl` with a line for each row, and `card.json`. Every text of a row is translated,
what the user says and what the assistant does. Rows in = rows accepted + rows rejected, in the same order.

What an engine returned is in the journal under the content of what it was asked: a killed stage asks for nothing that
is on record. Promise: no protected part is ever changed; not promised: that a translation is good (see the quality
stage). docs/translation.md says what is protected.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

from jobs.lib.context import Context
from jobs.lib.rows.by_id import count_lines
from jobs.lib.rows.content import texts_of
from jobs.lib.rows.forms import FOLDERS, VALIDATION_FOLDER, json_line
from jobs.translate.engines import open_engine
from jobs.translate.engines.engine import Engine
from jobs.translate.rows import Done, Translator
from polyglot.core.canonical import canonical
from polyglot.core.errors import Permanent
from polyglot.kinds.translate import TranslateParams

_CHUNK_ROWS = 1000  # are asked for at once, and put together when all of it is there

Row = dict[str, Any]


def run(context: Context) -> None:
    """Translate every row, then describe the result in the card."""
    params: TranslateParams = TranslateParams.of(context.stage)
    engine = open_engine(params, context)
    stage = Stage(context, params, Translator(engine=engine))
    try:
        stage.translate()
    finally:
        context.volatile |= engine.account()
        engine.close()
    (context.out / "card.json").write_bytes(canonical(stage.card(engine)) + b"\n")
    context.metrics.update(rows=stage.accepted, rejected=stage.reasons.total())


@dataclass
class Stage:
    """The files of one stage, and its counts."""

    context: Context
    params: TranslateParams
    translator: Translator
    accepted: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    by_folder: dict[str, dict[str, int]] = field(default_factory=dict)
    characters: Counter[str] = field(default_factory=Counter)

    def translate(self) -> None:
        """Write every file but the card. Raises Permanent when no row at all could be translated."""
        sources = self._sources()
        total = sum(count_lines(path) for path in sources.values())
        (self.context.out / "records").mkdir(parents=True, exist_ok=True)
        with (
            (self.context.out / "rejected.jsonl").open("w", encoding="utf-8", newline="\n") as rejected,
            (self.context.out / "records" / f"{self.params.target}.jsonl").open(
                "w", encoding="utf-8", newline="\n"
            ) as records,
        ):
            done = 0
            for folder, path in sources.items():
                (self.context.out / folder).mkdir(parents=True, exist_ok=True)
                target = self.context.out / folder / f"{self.params.target}.jsonl"
                before = (self.accepted, self.reasons.total())
                with target.open("w", encoding="utf-8", newline="\n") as accepted:
                    for chunk in _chunks(path):
                        self._chunk(chunk, done, total, folder, accepted, rejected, records)
                        done += len(chunk)
                        self.context.progress(done, total, "rows", rejected=float(self.reasons.total()))
                        self.context.raise_if_stopping()
                counts = (self.accepted - before[0], self.reasons.total() - before[1])
                self.by_folder[folder] = dict(zip(("accepted", "rejected"), counts, strict=True))
        if total and not self.accepted:
            commonest = ", ".join(f"{reason} {count}" for reason, count in self.reasons.most_common(5))
            raise Permanent(f"{self.params.target}: none of {total} rows could be translated: {commonest}")

    def card(self, engine: Engine) -> Row:
        """The document of card.json."""
        params, translator = self.params, self.translator
        named = ("model", "revision", "beams", "formality", "glossary", "prompt", "temperature", "max_tokens", "seed")
        return {
            "what": params.what,
            "source": params.source,
            "target": params.target,
            "engine": {
                "name": params.engine,
                **{name: value for name in named if (value := getattr(params, name))},
                **engine.about(),
            },
            "accepted": self.accepted,
            "rejected": self.reasons.total(),
            "reasons": dict(sorted(self.reasons.items())),
            "files": self.by_folder,
            "characters": {side: self.characters[side] for side in ("source", "target")},
            "protected": dict(sorted(translator.protected.items())),
            "units": translator.units,
            "units_repeated": translator.repeated,
            "units_in_parts": translator.parted,
        }

    def _sources(self) -> dict[str, Path]:
        rows, language = self.context.inputs["rows"], self.params.source
        first = FOLDERS[self.params.what]
        others = (VALIDATION_FOLDER,) if self.params.what == "dataset" else ()
        names = rows.names()
        if f"{first}/{language}.jsonl" not in names:
            there = " ".join(name for name in names if name.startswith(f"{first}/")) or "none"
            raise Permanent(f"rows: got {there}; expected {first}/{language}.jsonl, the language to translate from")
        folders = [first, *(folder for folder in others if f"{folder}/{language}.jsonl" in names)]
        return {folder: rows.path(f"{folder}/{language}.jsonl") for folder in folders}

    def _chunk(
        self,
        chunk: list[tuple[int, Row]],
        done: int,
        total: int,
        folder: str,
        accepted: IO[str],
        rejected: IO[str],
        records: IO[str],
    ) -> None:
        texts = [text for _, row in chunk for text in texts_of(row)]
        share = len(chunk) / max(1, len(texts))

        def settled(texts_done: int) -> None:  # some texts are many units, some none: an estimate between chunks
            rows = min(len(chunk), int(texts_done * share))
            self.context.progress(done + rows, total, "rows", rejected=float(self.reasons.total()))

        results = iter(self.translator.translate(texts, settled))
        for line, row in chunk:
            parts = [next(results) for _ in row["turns"]]
            bad = next(((number, part) for number, part in enumerate(parts, 1) if part.reason), None)
            records.write(json_line(_record(row, parts, bad)))
            if bad is None:
                self.accepted += 1
                made = [part.text or "" for part in parts]
                self.characters["source"] += sum(map(len, texts_of(row)))
                self.characters["target"] += sum(map(len, made))
                accepted.write(json_line(_translated(row, made, self.params.target)))
                continue
            turn, part = bad
            self.reasons[str(part.reason)] += 1
            refused = {"language": self.params.target, "file": f"{folder}/{self.params.source}.jsonl", "line": line}
            rejected.write(json_line({**refused, "id": row["id"], "reason": part.reason, "turn": turn}))


def _translated(row: Row, texts: list[str], language: str) -> Row:
    """The row in its own form, with other texts."""
    turns = [
        text if isinstance(turn, str) else {**turn, "content": text}
        for turn, text in zip(row["turns"], texts, strict=True)
    ]
    return {**row, "language": language, "turns": turns}


def _record(row: Row, parts: list[Done], bad: tuple[int, Done] | None) -> Row:
    reason = {"turn": bad[0], "reason": bad[1].reason} if bad else None
    return {"id": row["id"], "rejected": reason, "turns": [dict(part.record) for part in parts]}


def _chunks(path: Path) -> Iterator[list[tuple[int, Row]]]:
    """Rows with the numbers of their lines, from 1."""
    with path.open(encoding="utf-8", newline="\n") as file:
        lines = enumerate(file, 1)
        while chunk := [(number, json.loads(line)) for number, line in islice(lines, _CHUNK_ROWS)]:
            yield chunk
