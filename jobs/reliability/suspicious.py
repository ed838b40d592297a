"""Answers that answer nothing, or speak to the judge: what they were given says whether a judge can be played."""

import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby

from jobs.reliability.figures import mean
from jobs.reliability.planted import holds_delimiters, holds_instructions, holds_verdict
from jobs.reliability.reading import Graded
from polyglot.kinds.reliability import Suspicious, SuspiciousWhat

CONSTANT_SHARE, CONSTANT_QUESTIONS = 0.2, 5  # of a cell's questions that get the same text, and at least so many
LONG_BYTES, REPEATED_RATIO = 1000, 0.12  # a text of so many bytes that zlib makes so much shorter; prose comes to 0.4


def suspicious(rows: Sequence[Graded]) -> Iterator[Suspicious]:
    """What there is of each kind, by cell and language; rows of one are beside each other."""
    for (cell, language), group in groupby(rows, key=lambda row: (row.of, row.verdict.language)):
        own = [row for row in group if row.text is not None]
        constant = _constant(own)
        kinds: Mapping[SuspiciousWhat, Callable[[str], bool]] = {
            "constant": constant.__contains__,
            "verdict-planted": holds_verdict,
            "delimiters-planted": holds_delimiters,
            "instructions-planted": holds_instructions,
            "repeated": repeats_itself,
            "empty": lambda text: not text.strip(),
        }
        for what, is_so in kinds.items():
            if found := [row for row in own if is_so(row.text or "")]:
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


def repeats_itself(text: str) -> bool:
    """Whether a long text says the same over and over."""
    data = text.encode("utf-8", errors="surrogatepass")
    return len(data) >= LONG_BYTES and len(zlib.compress(data)) < REPEATED_RATIO * len(data)


def _constant(rows: Sequence[Graded]) -> set[str]:
    """Texts that answer many different questions; the empty one is told as such."""
    questions = len({row.verdict.id for row in rows})
    asked = {(row.text, row.verdict.id) for row in rows if (row.text or "").strip()}
    counted = Counter(text for text, _ in asked)
    least = max(CONSTANT_QUESTIONS, CONSTANT_SHARE * questions)
    return {text for text, number in counted.items() if text is not None and number >= least}
