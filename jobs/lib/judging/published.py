"""The verdict in a reply by MT-Bench's published rule, which MT-Bench-X keeps: to be compared with ours, not believed.

Single grading: the first `[[n]]` in the reply, else the first `[n]`; it may be any number. Pairs: "A" where `[[A]]`
stands anywhere, else "B" where `[[B]]` does, else a tie where `[[C]]` does. What was thought, quoted or cut counts like
the rest.
"""

import re

from polyglot.kinds.compare import Slot

_RATINGS = (re.compile(r"\[\[(\d+\.?\d*)\]\]"), re.compile(r"\[(\d+\.?\d*)\]"))
_WINNERS: tuple[tuple[str, Slot], ...] = (("[[A]]", "A"), ("[[B]]", "B"), ("[[C]]", "tie"))


def published_score(text: str) -> float | None:
    """The score, as FastChat's judge takes it; None where it finds none."""
    found = next((match for pattern in _RATINGS if (match := pattern.search(text))), None)
    return float(found[1]) if found else None


def published_winner(text: str) -> Slot | None:
    """The winner by slot; None where it finds none."""
    return next((winner for mark, winner in _WINNERS if mark in text), None)
