"""The data, and what is wrong with them: counts by language, and every defect that was looked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from jobs.report.groups import place_in
from jobs.report.numbers import View, whole
from polyglot.kinds.data_card import DataCard, LanguageCard
from polyglot.kinds.report import DataReport, NamedCard, Report

EXAMPLES = 5  # places that are named a language


class DefectRow(NamedTuple):
    """One finding; `counts` and `answers` by language."""

    name: str
    counts: tuple[str, ...]
    answers: tuple[str, ...]  # of findings in instructions and answers, those in answers
    places: str


class Check(NamedTuple):
    """What was looked for, and by which rule."""

    name: str
    rule: str
    hit: bool


class Card(NamedTuple):
    """One data set, or part of the benchmark; `languages` in the report's order."""

    what: str
    entry: NamedCard
    source: str
    languages: tuple[str, ...]
    defects: tuple[DefectRow, ...]
    checks: tuple[Check, ...]


class Data(NamedTuple):
    """All cards."""

    cards: tuple[Card, ...]


def show(report: Report | DataReport, view: View | None) -> Data | None:
    """Return what the section shows; None where no data are among the inputs."""
    benchmark = (report.questions, report.references, report.native_references, report.prompts)
    named = [("data set", entry) for entry in report.data]
    named += [(entry.name, entry) for entry in benchmark if entry is not None]
    place = place_in(report)
    cards = tuple(_card(what, entry, sorted(entry.card.languages, key=place)) for what, entry in named)
    return Data(cards=cards) if cards else None


def _card(what: str, entry: NamedCard, languages: Sequence[str]) -> Card:
    card, source = entry.card, entry.card.source
    return Card(
        what=what,
        entry=entry,
        source=", ".join(text for text in (source.kind, source.format, source.hub, source.revision) if text),
        languages=tuple(languages),
        defects=defects(card, languages),
        checks=_checks(card),
    )


@dataclass(slots=True)
class _Finding:
    """One defect by language: how many, of how many, where; and how many of them are in answers."""

    counts: dict[str, str] = field(default_factory=dict)
    places: dict[str, Sequence[str]] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)


class _Findings(dict[str, _Finding]):
    """Findings by name, in the order of their first one; what was found nowhere is left out."""

    def note(self, name: str, language: str, count: int, places: Sequence[str] = (), of: int | None = None) -> None:
        if count:
            finding = self.setdefault(name, _Finding())
            finding.counts[language] = whole(count) if of is None else f"{whole(count)}/{whole(of)}"
            finding.places[language] = places


def defects(card: DataCard, languages: Sequence[str]) -> tuple[DefectRow, ...]:
    """Flatten a card's findings into rows."""
    found = _Findings()
    for name, check in card.defects.items():
        for language, counted in check.languages.items():
            found.note(name, language, counted.count, counted.where, counted.of or None)
            by_role = counted.by_role or {}
            if "user" in by_role and by_role["user"].count and name in found:
                answers = by_role["assistant"].count if "assistant" in by_role else 0
                found[name].answers[language] = whole(answers)
    for language in languages:
        _note_language(found, language, card.languages[language])
    if card.parallel:
        for name, listed in (("ids absent", card.parallel.absent), ("ids rejected", card.parallel.rejected)):
            for language, ids in listed.items():
                found.note(name, language, ids.count, ids.ids)
    return tuple(
        DefectRow(
            name=_spaced(name),
            counts=tuple(finding.counts.get(language, "0") for language in languages),
            answers=tuple(finding.answers.get(language, "") for language in languages),
            places=" · ".join(
                f"{language} {', '.join(places[:EXAMPLES])}{' …' if len(places) > EXAMPLES else ''}"
                for language in languages
                if (places := finding.places.get(language))
            ),
        )
        for name, finding in found.items()
    )


def _note_language(found: _Findings, language: str, card: LanguageCard) -> None:
    for reason, count in (card.reasons or {}).items():
        found.note(f"rejected: {reason}", language, count)
    for reason, count in (card.notes or {}).items():
        found.note(reason, language, count)
    if filled := card.reference_field:
        found.note("reference field filled, of those that have it", language, filled.filled, of=filled.present)
    for name, listed in (
        ("repeated_rows", card.repeated_rows),
        ("ambiguous_instructions", card.ambiguous_instructions),
    ):
        if listed:
            found.note(name, language, listed.count, listed.ids)
    if near := card.near_duplicates:
        found.note("near duplicates", language, near.count, [ids[1] for ids in near.clusters.ids], near.of)
    for kind, personal in (card.personal or {}).items():
        found.note(f"personal data: {kind}", language, personal.count, personal.where)


def _checks(card: DataCard) -> tuple[Check, ...]:
    """What was looked for in a card's data."""
    languages = card.languages.values()
    found = [
        Check(name=_spaced(name), rule=check.rule, hit=any(counted.count for counted in check.languages.values()))
        for name, check in card.defects.items()
    ]
    if card.rules:
        found += [
            Check(f"personal data: {kind}", rule, any(kind in (entry.personal or {}) for entry in languages))
            for kind, rule in card.rules.personal.items()
        ]
        near = any(entry.near_duplicates and entry.near_duplicates.count for entry in languages)
        found.append(Check("near duplicates", card.rules.near_duplicates, near))
        ambiguous = any(entry.ambiguous_instructions and entry.ambiguous_instructions.count for entry in languages)
        found.append(Check("ambiguous instructions", card.rules.ambiguous_instructions, ambiguous))
    return tuple(found)


def _spaced(name: str) -> str:
    return name.replace("-", " ").replace("_", " ")
