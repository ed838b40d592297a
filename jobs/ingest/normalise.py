"""From records to normal forms, for one language: ids, languages and the text itself are checked here.

Promise: every record that comes in goes out as one form or one rejection, in order; nothing else is counted or left.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from jobs.ingest.adapters.fields import Draft, Reject, is_blank, text_fault
from jobs.ingest.adapters.normal import written
from jobs.ingest.adapters.schemas import Adapter
from jobs.ingest.streams import MAX_RECORD_BYTES, Record
from jobs.lib.rows.by_id import id_key
from polyglot.kinds.rows import ROLES, Form, Question, Reference, Rejection, Row, Turn

MAX_ID_CHARACTERS = 512
_SUFFIX = re.compile(r"(?P<id>.+)_(?P<language>[A-Z]{2})", re.DOTALL)


@dataclass(kw_only=True)
class Normaliser:
    """Normalises the files of one language in order, and counts what happened.

    `what` is dataset, questions or references; ids of the last two lose the language suffix of MT-Bench-X ("81_DE"),
    which must agree with `language`. Ids are compared as NFC over all files of the language; the first one stays.
    """

    what: str
    language: str
    adapter: Adapter
    dataset: str  # how origins name the source
    licence: str
    positional: str = "row"  # what a record without an id is called, with its number
    records: int = 0
    accepted: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    turns: Counter[int] = field(default_factory=Counter)  # turns of a conversation -> rows
    with_input: int = 0
    reference_fields: int = 0
    reference_filled: int = 0
    positional_ids: int = 0
    _seen: dict[str, str] = field(default_factory=dict)

    def file(self, name: str, records: Iterable[Record]) -> Iterator[Form | Rejection]:
        """Yield one form or rejection per record of a file."""
        for record in records:
            if record.note is not None:
                self.notes[record.note] += 1
                continue
            self.records += 1
            found: str | None = None
            try:
                draft = self._draft(record)
                self.with_input += draft.input
                found = self._id(draft)
                form = self._form(found, draft, f"{self.dataset}:{name}:{record.line}")
                self._remember(found)
            except Reject as reject:
                self.reasons[reject.reason] += 1
                shown = found if found is not None else _plain_id(record.value)
                yield Rejection(language=self.language, file=name, line=record.line, id=shown, reason=reject.reason)
                continue
            self._count(draft, form)
            yield form

    def _draft(self, record: Record) -> Draft:
        if record.reason is not None:
            raise Reject(record.reason)
        if isinstance(record.value, Form):  # as an earlier stage wrote it
            return written(record.value)
        if not isinstance(record.value, Mapping):
            raise Reject("wrong-type")
        return self.adapter(record.value)

    def _id(self, draft: Draft) -> str:
        if draft.id is None:
            # every record counts, the rejected too: so the numbers of parallel files stay parallel
            self.positional_ids += 1
            return f"{self.positional}-{self.records:06d}"
        name = draft.id
        if not name.strip() or len(name) > MAX_ID_CHARACTERS or not name.isprintable():
            raise Reject("bad-id")
        if self.what != "dataset" and (match := _SUFFIX.fullmatch(name)):
            if match["language"] != self.language:
                raise Reject("other-language")
            name = match["id"]
        return name

    def _remember(self, name: str) -> None:
        earlier = self._seen.setdefault(id_key(name), name)
        if len(self._seen) == self.accepted:  # it was there before
            raise Reject("duplicate-id" if earlier == name else "twin-id")

    def _form(self, name: str, draft: Draft, origin: str) -> Form:
        if sum(map(len, draft.turns)) > MAX_RECORD_BYTES:  # of a table; readers of lines have refused it before
            raise Reject("too-long")
        for text in draft.turns:
            if fault := text_fault(text):
                raise Reject(fault)
        if self.what == "questions":
            if any(map(is_blank, draft.turns)):
                raise Reject("empty-instruction")
            return Question(id=name, language=self.language, category=draft.category, turns=draft.turns)
        if self.what == "references":
            return Reference(id=name, language=self.language, turns=draft.turns)
        if len(draft.turns) < 2 or len(draft.turns) % 2:
            raise Reject("bad-turns")
        for number, turn in enumerate(draft.turns):
            if is_blank(turn):
                raise Reject("empty-output" if number % 2 else "empty-instruction")
        licence = self.licence if draft.licence is None else draft.licence
        origin = draft.origin or origin
        turns = tuple(Turn(role=ROLES[number % 2], content=text) for number, text in enumerate(draft.turns))
        return Row(id=name, language=self.language, turns=turns, origin=origin, licence=licence)

    def _count(self, draft: Draft, form: Form) -> None:
        self.accepted += 1
        self.turns[len(form.turns)] += 1
        if draft.reference is not None:
            self.reference_fields += 1
            self.reference_filled += any(turn.strip() for turn in draft.reference)


def _plain_id(value: object) -> str | None:
    """Return what a rejected record gives as its id, where that can be written down."""
    if isinstance(value, Form | Rejection):
        return value.id
    if not isinstance(value, Mapping):
        return None
    for name in ("id", "question_id"):
        found = value.get(name)
        if isinstance(found, str | int) and not isinstance(found, bool):
            shown = str(found)
            return shown[:MAX_ID_CHARACTERS] if text_fault(shown) is None else None
    return None
