"""Whether what must survive translation did: parts by kind, as jobs.lib.text.protection cuts them.

Kinds are gathered into the six that a reader asks for. Numbers are compared by their digits, as "1,000.5" is "1.000,5"
elsewhere; all other parts letter for letter. Layout (line ends, list marks) is not counted: a translation may break its
lines elsewhere.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from jobs.lib.text.protection import inventory, pieces

GROUPS: Mapping[str, tuple[str, ...]] = {
    "code blocks": ("code-block",),
    "inline code": ("code", "path"),
    "links": ("url", "email"),
    "numbers": ("number",),
    "placeholders": ("placeholder",),
    "LaTeX": ("math", "math-block"),
    "markup": ("tag", "emphasis", "comment"),
}
_NOT_DIGIT = re.compile(r"\D+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Counts by group: parts of the source, those of them that the translation has, and parts that it has besides."""

    parts: Mapping[str, int]
    kept: Mapping[str, int]
    added: Mapping[str, int]

    @property
    def share(self) -> float | None:
        """Of all parts; None where the source has none."""
        parts = sum(self.parts.values())
        return sum(self.kept.values()) / parts if parts else None

    @property
    def intact(self) -> bool:
        """Nothing is missing and nothing was added."""
        return self.parts == self.kept and not any(self.added.values())


def compare(source: str, target: str) -> Kept:
    """Compare the protected parts of a text and its translation."""
    before, after = _grouped(source), _grouped(target)
    groups = [group for group in GROUPS if before[group] or after[group]]
    return Kept(
        parts={group: before[group].total() for group in groups},
        kept={group: (before[group] & after[group]).total() for group in groups},
        added={group: (after[group] - before[group]).total() for group in groups},
    )


def code_blocks_equal(source: str, target: str) -> bool | None:
    """Whether the fenced blocks are those of the source, in order and byte for byte; None where it has none."""
    blocks = [piece.text for piece in pieces(source) if piece.kind == "code-block"]
    if not blocks:
        return None
    return blocks == [piece.text for piece in pieces(target) if piece.kind == "code-block"]


def _grouped(text: str) -> dict[str, Counter[str]]:
    found = inventory(text)
    grouped = {}
    for group, kinds in GROUPS.items():
        parts: Counter[str] = Counter()
        for kind in kinds:
            for part, number in found.get(kind, {}).items():
                parts[_NOT_DIGIT.sub("", part) if kind == "number" else part] += number
        grouped[group] = parts
    return grouped
