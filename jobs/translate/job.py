"""The translate stage: one language's rows, questions or references become another's, by an engine.

Reads `rows/<SOURCE>.jsonl` (`questions/…`, `references/…`, and `validation/…` where the data set has one) of `rows` and
writes the same below the target's name, `rejected.jsonl` with every row that could not be translated with its protected
parts intact, `records/<TARGET>.jsonl` with a line for each row, and `card.json`. Every text of a row is translated,
what the user says and what the assistant does. Rows in = rows accepted + rows rejected, in the same order.

What an engine returned is in the journal under the content of what it was asked: a killed stage asks for nothing that
is on record. Promise: no protected part is ever changed; not promised: that a translation is good (see the quality
stage). docs/translation.md says what is protected.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO

from jobs.lib.context import Context
from jobs.lib.rows.by_id import count_lines
from jobs.translate.engines import open_engine
from jobs.translate.engines.engine import Engine
from jobs.translate.rows import Translator
from polyglot.core.errors import Permanent
from polyglot.core.records import line, read_lines, to_json
from polyglot.kinds.rows import FOLDERS, FORMS, VALIDATION_FOLDER, Form, Rejection
from polyglot.kinds.translate import (
    RowCounts,
    TranslateParams,
    TranslationCard,
    TranslationRecord,
    TurnRejection,
)

_CHUNK_ROWS = 1000  # are asked for at once, and put together when all of it is there
_BATCH_ROWS = 25_000  # the same, where what is asked for takes hours: about as many as one batch holds


def run(context: Context) -> None:
    """Translate every row, then describe the result in the card."""
    params = TranslateParams.of(context.stage)
    engine = open_engine(params, context)
    stage = Stage(context, params, Translator(engine=engine))
    try:
        stage.translate()
    finally:
        context.volatile |= engine.account()
        engine.close()
    (context.out / "card.json").write_bytes(to_json(stage.card(engine)) + b"\n")
    context.metrics.update(rows=stage.accepted, rejected=stage.reasons.total())


@dataclass
class Stage:
    """The files of one stage, and its counts."""

    context: Context
    params: TranslateParams
    translator: Translator
    accepted: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    by_folder: dict[str, RowCounts] = field(default_factory=dict)
    characters: Counter[str] = field(default_factory=Counter)

    def translate(self) -> None:
        """Write every file but the card. Raises Permanent when no row at all could be translated."""
        sources = self._sources()
        total = sum(count_lines(path) for path in sources.values())
        kind: type[Form] = FORMS[self.params.what]
        (self.context.out / "records").mkdir(parents=True, exist_ok=True)
        with (
            (self.context.out / "rejected.jsonl").open("wb") as rejected,
            (self.context.out / "records" / f"{self.params.target}.jsonl").open("wb") as records,
        ):
            done = 0
            for folder, path in sources.items():
                (self.context.out / folder).mkdir(parents=True, exist_ok=True)
                target = self.context.out / folder / f"{self.params.target}.jsonl"
                before, first = (self.accepted, self.reasons.total()), 1
                with target.open("wb") as accepted:
                    for chunk in _chunks(path, kind, self._rows_at_once):
                        self._chunk(chunk, first, done, total, folder, accepted, rejected, records)
                        done += len(chunk)
                        first += len(chunk)
                        self.context.progress(done, total, "rows", rejected=float(self.reasons.total()))
                        self.context.raise_if_stopping()
                self.by_folder[folder] = RowCounts(
                    accepted=self.accepted - before[0], rejected=self.reasons.total() - before[1]
                )
        if total and not self.accepted:
            commonest = ", ".join(f"{reason} {count}" for reason, count in self.reasons.most_common(5))
            raise Permanent(f"{self.params.target}: none of {total} rows could be translated: {commonest}")

    def card(self, engine: Engine) -> TranslationCard:
        """What card.json says."""
        params, translator = self.params, self.translator
        named = ("model", "revision", "beams", "formality", "glossary", "prompt", "temperature", "max_tokens", "seed")
        given = params.model_dump(include=set(named))
        return TranslationCard(
            what=params.what,
            source=params.source,
            target=params.target,
            engine={"name": params.engine, **{name: given[name] for name in named if given[name]}, **engine.about()},
            accepted=self.accepted,
            rejected=self.reasons.total(),
            reasons=dict(sorted(self.reasons.items())),
            files=self.by_folder,
            characters={side: self.characters[side] for side in ("source", "target")},
            protected=dict(sorted(translator.protected.items())),
            units=translator.units,
            units_repeated=translator.repeated,
            units_in_parts=translator.parted,
        )

    @property
    def _rows_at_once(self) -> int:
        by_batches = self.params.engine == "openai" and self.context.settings.get("mode") == "batch"
        return _BATCH_ROWS if by_batches else _CHUNK_ROWS

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
        chunk: list[Form],
        first: int,
        done: int,
        total: int,
        folder: str,
        accepted: IO[bytes],
        rejected: IO[bytes],
        records: IO[bytes],
    ) -> None:
        texts = [text for row in chunk for text in row.texts]
        share = len(chunk) / max(1, len(texts))

        def settled(texts_done: int) -> None:  # some texts are many units, some none: an estimate between chunks
            rows = min(len(chunk), int(texts_done * share))
            self.context.progress(done + rows, total, "rows", rejected=float(self.reasons.total()))

        results = iter(self.translator.translate(texts, settled))
        for number, row in enumerate(chunk, first):
            parts = [next(results) for _ in row.turns]
            bad = next(
                (TurnRejection(turn=n, reason=part.reason) for n, part in enumerate(parts, 1) if part.reason), None
            )
            records.write(line(TranslationRecord(id=row.id, rejected=bad, turns=tuple(part.record for part in parts))))
            if bad is None:
                self.accepted += 1
                made = [part.text or "" for part in parts]
                self.characters["source"] += sum(map(len, row.texts))
                self.characters["target"] += sum(map(len, made))
                accepted.write(line(row.saying(made, self.params.target)))
                continue
            self.reasons[bad.reason] += 1
            file = f"{folder}/{self.params.source}.jsonl"
            refused = Rejection(
                language=self.params.target, file=file, line=number, id=row.id, reason=bad.reason, turn=bad.turn
            )
            rejected.write(line(refused))


def _chunks(path: Path, kind: type[Form], size: int) -> Iterator[list[Form]]:
    rows = read_lines(path, kind)
    while chunk := list(islice(rows, size)):
        yield chunk
