"""Rows of a language through an engine: texts cut into units, each different unit asked for once, rows put together.

A row whose protected parts did not come back as they were, or one of whose texts could not be had, is rejected with a
reason of one word; nothing is repaired. A unit whose marks a free engine lost is asked for once more, in parts.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from jobs.lib.text.protection import pieces
from jobs.translate.engines.engine import Engine, Outcome
from jobs.translate.marks import Lost
from jobs.translate.units import Segment, Unit, changed, segments
from polyglot.kinds.translate import TurnRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One text after translation: `text` or `reason`, and what its record says."""

    text: str | None
    reason: str | None
    record: TurnRecord


@dataclass(kw_only=True)
class Translator:
    """Keeps every translation that it has seen, so that equal units are asked for once in the whole stage."""

    engine: Engine
    protected: Counter[str] = field(default_factory=Counter)  # parts by kind
    units: int = 0
    repeated: int = 0  # units that an earlier one was equal to
    parted: int = 0  # units that were asked for again in parts
    _known: dict[str, Outcome] = field(default_factory=dict)

    def translate(self, texts: Sequence[str], settled: Callable[[int], None]) -> list[Done]:
        """Translate some texts of rows, in order."""
        cut = [segments(text, self.engine.style) for text in texts]
        news = self._ask(_units(part for parts in cut for part in parts), settled)
        if self.engine.style.split_when_lost:
            lost = {unit.text: unit for parts in cut for unit in parts if isinstance(unit, Unit) and self._lost(unit)}
            self.parted += len(lost)
            around = {text: unit.around() for text, unit in lost.items()}
            self._ask(_units(part for parts in around.values() for part in parts), lambda _: None)
        else:
            around = {}
        return [self._done(text, parts, around, news) for text, parts in zip(texts, cut, strict=True)]

    def _ask(self, units: Iterable[Unit], settled: Callable[[int], None]) -> set[str]:
        """Ask for what is not known yet, each text once; return these texts."""
        wanted = dict.fromkeys(unit.text for unit in units if unit.text not in self._known)
        if wanted:
            self._known.update(self.engine.translate(list(wanted), settled))
        return set(wanted)

    def _lost(self, unit: Unit) -> bool:
        outcome = self._known[unit.text]
        if outcome.text is None:
            return False
        try:
            return changed(unit.source, unit.restore(outcome.text)) is not None
        except Lost:
            return True

    def _done(
        self, text: str, parts: Sequence[Segment], around: Mapping[str, Sequence[Segment]], news: set[str]
    ) -> Done:
        out: list[str] = []
        reason: str | None = None
        asked = repeated = parted = characters = 0
        for part in parts:
            if isinstance(part, str):
                out.append(part)
                continue
            asked += 1
            characters += part.characters
            repeated += part.text not in news
            news.discard(part.text)
            inner: Sequence[Segment] = around.get(part.text, (part,))
            parted += part.text in around
            for one in inner:
                translation, why = (one, None) if isinstance(one, str) else self._restored(one)
                reason = reason or why
                out.append(translation)
        translation = "".join(out)
        reason = reason or changed(text, translation)
        protected = Counter(piece.kind for piece in pieces(text) if piece.kind not in (None, "layout"))
        self.protected.update({str(kind): number for kind, number in protected.items()})
        self.units += asked
        self.repeated += repeated
        record = TurnRecord(
            characters=characters, protected=protected.total(), units=asked, repeated=repeated, parted=parted
        )
        return Done(text=None if reason else translation, reason=reason, record=record)

    def _restored(self, unit: Unit) -> tuple[str, str | None]:
        outcome = self._known[unit.text]
        if outcome.text is None:
            return "", outcome.reason or "no-translation"
        try:
            return unit.restore(outcome.text), None
        except Lost as lost:
            return "", lost.reason


def _units(parts: Iterable[Segment]) -> list[Unit]:
    return [part for part in parts if isinstance(part, Unit)]
