"""The findings of one language: every detector over every turn, counted and listed by id and turn."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.lib.card.defects import DETECTORS, INSTRUCTION_DETECTORS, LANGUAGE_DETECTORS, Detector, language
from jobs.lib.rows.content import MAX_LISTED, texts_of, turns_of
from jobs.lib.text.texts import Text


@dataclass(kw_only=True)
class Findings:
    """What the detectors found. Where a finding is, is written "<id>:<turn>", turns counted from 1."""

    language: str
    pivot: str
    count: Counter[tuple[str, str]] = field(default_factory=Counter)  # (detector, role) -> findings
    of: Counter[tuple[str, str]] = field(default_factory=Counter)
    where: dict[str, list[str]] = field(default_factory=dict)
    spoken: Counter[str] = field(default_factory=Counter)  # language identified -> turns
    judged: int = 0
    strangers: list[str] = field(default_factory=list)

    def add(self, row: Mapping[str, Any], pivot: Mapping[str, Any] | None) -> None:
        """Look at one row beside the pivot's row of the same id, None where it has none."""
        others = texts_of(pivot) if pivot is not None else []
        for number, (role, raw) in enumerate(turns_of(row)):
            text = Text(raw)
            other = Text(others[number]) if number < len(others) else None
            place = f"{row['id']}:{number + 1}"
            self._detect(DETECTORS, text, other, role, place)
            self._detect(LANGUAGE_DETECTORS.get(self.language, {}), text, other, role, place)
            if number == 0 and role == "user":
                self._detect(INSTRUCTION_DETECTORS, text, other, role, place)
            self._identify(text, place)

    def _detect(self, detectors: Mapping[str, Detector], text: Text, other: Text | None, role: str, place: str) -> None:
        for name, detector in detectors.items():
            findings, of = detector(text, other)
            if of:
                self.of[name, role] += of
            if findings:
                self.count[name, role] += findings
                self.where.setdefault(name, []).append(place)

    def _identify(self, text: Text, place: str) -> None:
        judged = language.spoken(text, self.language)
        if judged is None:
            return
        found, stranger = judged
        self.judged += 1
        self.spoken[found] += 1
        if stranger:
            self.strangers.append(place)

    def identified(self) -> dict[str, Any]:
        """The card's entry on the languages that were identified, most frequent first."""
        return {"identified": dict(self.spoken.most_common())}

    def document(self, name: str) -> dict[str, Any]:
        """One detector's entry: findings, of how many, both also by role, and where the first of them are."""
        roles = sorted({role for detector, role in self.of if detector == name})
        return {
            "count": sum(self.count[name, role] for role in roles),
            "of": sum(self.of[name, role] for role in roles),
            "by_role": {role: {"count": self.count[name, role], "of": self.of[name, role]} for role in roles},
            "where": self.where.get(name, [])[:MAX_LISTED],
        }


def other_language(findings: Findings) -> dict[str, Any]:
    """The entry on turns in another language than claimed."""
    return {"count": len(findings.strangers), "of": findings.judged, "where": findings.strangers[:MAX_LISTED]}
