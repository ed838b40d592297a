"""Answers that answer nothing, or speak to the judge: what they were given says whether a judge can be played."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Literal

from jobs.reliability.figures import mean
from jobs.reliability.reading import Graded
from polyglot.kinds.reliability import Suspicious

What = Literal["constant", "verdict-planted", "empty"]
CONSTANT_SHARE, CONSTANT_QUESTIONS = 0.2, 5  # of a cell's questions that get the same text, and at least so many
_VERDICT = re.compile(r"\[\[\s*(?:\d{1,2}(?:[.,]\d+)?|[A-D])\s*\]\]", re.IGNORECASE)


def suspicious(rows: Sequence[Graded]) -> Iterator[Suspicious]:
    """What there is of each kind, by cell and language; rows of one are beside each other."""
    for (cell, language), group in groupby(rows, key=lambda row: (row.of, row.verdict.language)):
        own = [row for row in group if row.text is not None]
        constant = _constant(own)
        kinds: dict[What, list[Graded]] = {
            "constant": [row for row in own if row.text in constant],
            "verdict-planted": [row for row in own if _VERDICT.search(row.text or "")],
            "empty": [row for row in own if not (row.text or "").strip()],
        }
        for what, found in kinds.items():
            if found:
                scores = [row.verdict.score for row in found if row.verdict.score is not None]
                chosen = {id(row) for row in found}
                others = [row.verdict.score for row in own if id(row) not in chosen and row.verdict.score is not None]
                yield Suspicious(
                    cell=cell,
                    language=language,
                    what=what,
                    turns=len(found),
                    scored=len(scores),
                    mean=mean(scores),
                    others_mean=mean(others),
                )


def _constant(rows: Sequence[Graded]) -> set[str | None]:
    """Texts that answer many different questions; the empty one is told as such."""
    questions = len({row.verdict.id for row in rows})
    asked = {(row.text, row.verdict.id) for row in rows if (row.text or "").strip()}
    counted = Counter(text for text, _ in asked)
    least = max(CONSTANT_QUESTIONS, CONSTANT_SHARE * questions)
    return {text for text, number in counted.items() if number >= least}
