"""The findings of one language: every detector over every turn, counted and listed by id and turn."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from jobs.lib.card.defects import (
    CODE_DETECTORS,
    DETECTORS,
    INSTRUCTION_DETECTORS,
    LANGUAGE_DETECTORS,
    Detector,
    language,
)
from jobs.lib.rows.content import MAX_LISTED
from jobs.lib.text.texts import Text
from polyglot.kinds.data_card import Found, Share
from polyglot.kinds.rows import Form


@dataclass(kw_only=True)
class LanguageDefects:
    """What the detectors found. Where a finding is, is written "<id>:<turn>", turns counted from 1."""

    language: str
    pivot: str
    count: Counter[tuple[str, str]] = field(default_factory=Counter)  # (detector, role) -> findings
    of: Counter[tuple[str, str]] = field(default_factory=Counter)
    where: dict[str, list[str]] = field(default_factory=dict)
    spoken: Counter[str] = field(default_factory=Counter)  # language identified -> turns
    judged: int = 0
    off_language: list[str] = field(default_factory=list)

    def add(self, row: Form, pivot: Form | None) -> None:
        """Look at one row beside the pivot's row of the same id, None where it has none."""
        others = pivot.texts if pivot is not None else []
        for number, (role, raw) in enumerate(row.spoken):
            text = Text(raw)
            other = Text(others[number]) if number < len(others) else None
            place = f"{row.id}:{number + 1}"
            if text.may_have_code or (other is not None and other.may_have_code):
                self._detect(CODE_DETECTORS, text, other, role, place)
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
        found, elsewhere = judged
        self.judged += 1
        self.spoken[found] += 1
        if elsewhere:
            self.off_language.append(place)

    def identified(self) -> dict[str, int]:
        """The languages that turns were identified as, most frequent first."""
        return dict(self.spoken.most_common())

    def found(self, name: str) -> Found:
        """What one detector found: of how many, both also by role, and where the first of them are."""
        roles = sorted({role for detector, role in self.of if detector == name})
        by_role = {role: Share(count=self.count[name, role], of=self.of[name, role]) for role in roles}
        return Found(
            count=sum(share.count for share in by_role.values()),
            of=sum(share.of for share in by_role.values()),
            by_role=by_role,
            where=tuple(self.where.get(name, [])[:MAX_LISTED]),
        )

    def other_language(self) -> Found:
        """The turns that are in another language than claimed, of those judged."""
        where = tuple(self.off_language[:MAX_LISTED])
        return Found(count=len(self.off_language), of=self.judged, where=where)
