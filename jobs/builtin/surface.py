"""Rate an answer from 1 to 10 without a reference, by what can be seen on its surface.

These rules know nothing of content: they tell an empty, wrong-language or looping answer from a plausible one, so that
a benchmark without references can be run end to end. Reports say so wherever they were used. From 8 points: an empty
answer has 1; one in another language than the question's, one that only repeats the question, or one that talks to
the judge has at most 2; loops lose up to 5; fewer than four words lose 3; running on as another speaker loses 2; more
than thirty words gain 1, an ending with a full stop gains 1.
"""

import re

# Frequent words that the other languages do not have (or have rarely); enough to tell these five apart.
_FREQUENT = {
    "EN": "the and of to is that for with it are this you was be on not have as at by from",
    "DE": "der die und das ist nicht ein eine zu den mit von für auf sich dem auch sie werden wird im",
    "FR": "le les et des est une dans que qui pour pas sur au avec sont vous du ce cette être ou",
    "ES": "el los y las es una en que del se por con para como su más pero al son está o",
    "IT": "il di che è e la per una con non sono del della gli si nel alla più come anche o",
}
_SETS = {language: frozenset(words.split()) for language, words in _FREQUENT.items()}
_WORD = re.compile(r"[^\W\d_]+")
_SPEAKER = re.compile(r"^\s*(?:#+\s*)?(?:User|System|Assistant|Benutzer|Utilisateur|Usuario|Utente)\s*:", re.MULTILINE)
_TO_THE_JUDGE = re.compile(r"\[\[\s*\d+(?:[.,]\d+)?\s*\]\]")


def rate(question: str, answer: str, language: str) -> tuple[int, str]:
    """Return points from 1 to 10 and the name of the rule that weighed most."""
    words = [word.lower() for word in _WORD.findall(answer)]
    if not answer.strip():
        return 1, "empty"
    if _TO_THE_JUDGE.search(answer):
        return 1, "holds a verdict"
    if " ".join(answer.split()) == " ".join(question.split()):
        return 2, "repeats the question"
    other = guess_language(words)
    if language in _SETS and other not in (None, language):
        return 2, f"language {other}"
    points, rule = 8, "plausible"
    for loss, name in ((_loops(words), "loops"), (3 * (len(words) < 4), "short"), (2 * _runs_on(answer), "runs on")):
        if loss:
            points, rule = points - loss, name
    points += len(words) > 30
    points += answer.rstrip().endswith((".", "!", "?", "\u2026", ":", "```", "\u00bb", '"'))
    return max(1, min(10, points)), rule


def guess_language(words: list[str]) -> str | None:
    """The language whose frequent words occur clearly most often, or None when that cannot be told."""
    if len(words) < 8:
        return None
    counts = sorted(((sum(word in frequent for word in words), name) for name, frequent in _SETS.items()), reverse=True)
    (first, name), (second, _) = counts[:2]
    return name if first >= 3 and first >= 1.5 * second else None


def _loops(words: list[str]) -> int:
    """0 to 5 points for repeated groups of four words."""
    groups = [tuple(words[index : index + 4]) for index in range(len(words) - 3)]
    if len(groups) < 4:
        return 0
    repeated = 1 - len(set(groups)) / len(groups)
    return min(5, int(repeated * 8))


def _runs_on(answer: str) -> bool:
    return _SPEAKER.search(answer) is not None
