"""The built-in benchmark's grading rule: an answer against the one right answer, without a model.

| score | rule | the answer |
| --- | --- | --- |
| 10 | exact | is the reference |
| 8 | unstopped | begins with the reference as a sentence or line of its own, and goes on after it |
| 5 | other-language | is the reference's meaning, in another language or in several |
| 4 | other-order | has the reference's words in another order |
| 3 | overlap | shares a word with the reference, articles and "and" left out |
| 1 | wrong | shares nothing with it |
| 1 | empty | holds no word |

Texts are compared as NFC with white space made single blanks; one full stop at the end does not count, case does.
Any strings can be graded; the fifth row needs a reference that the built-in lexicon can read.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from jobs.builtin.families import AND, HELLO
from jobs.builtin.words import KINDS, LANGUAGES, NOUNS, NUMBERS

_WORD = re.compile(r"\w+")
_GOES_ON = re.compile(r" ?[.!?;:]|\n")  # what may follow a complete answer; a comma would only lengthen it
_AFTER_SENTENCE = re.compile(r"\s")  # and what may follow one that ends a sentence itself
_SMALL = frozenset(
    word
    for phrases in KINDS.values()
    for word in (phrase.split()[0] for phrase in phrases)  # the articles
) | frozenset(AND.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """A score from 1 to 10 and the name of the rule that gave it."""

    score: int
    rule: str


def grade(reference: str, answer: str, language: str) -> Grade:
    """Rate an answer in `language` (an unknown one does no harm) against its reference."""
    right, given = _plain(reference), _plain(answer)
    if not _WORD.search(given):
        return Grade(score=1, rule="empty")
    if given == right:
        return Grade(score=10, rule="exact")
    if right and _is_unstopped(reference, answer):
        return Grade(score=8, rule="unstopped")
    if _is_translation(right, given, language):
        return Grade(score=5, rule="other-language")
    right_words, given_words = _WORD.findall(right), _WORD.findall(given)
    if Counter(right_words) == Counter(given_words):
        return Grade(score=4, rule="other-order")
    if (set(right_words) & set(given_words)) - _SMALL:
        return Grade(score=3, rule="overlap")
    return Grade(score=1, rule="wrong")


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split()).removesuffix(".").rstrip()


def _is_unstopped(reference: str, answer: str) -> bool:
    """Lines matter here, so white space within the answer is left as it is."""
    right = unicodedata.normalize("NFC", reference).strip()
    given = unicodedata.normalize("NFC", answer).strip()
    rest = given.removeprefix(right)
    follows = _AFTER_SENTENCE if right.endswith(("!", "?")) else _GOES_ON
    return rest != given and follows.match(rest) is not None


def _is_translation(right: str, given: str, language: str) -> bool:
    """Whether two texts mean the same, part by part; the parts of a list may be of several languages."""
    if language not in LANGUAGES:
        return False
    wanted = _meanings(right, language)
    if not wanted:
        return False
    return any(wanted & _meanings(given, other) for other in LANGUAGES if other != language) or _mixed(right, given)


def _mixed(right: str, given: str) -> bool:
    """Lists and doubled words whose every word means the same, each in whichever language."""
    pairs = list(zip(re.split("(, | )", right), re.split("(, | )", given), strict=False))
    if len(re.split("(, | )", right)) != len(re.split("(, | )", given)):
        return False
    senses = _senses()
    return all(one == two or bool(senses.get(one, set()) & senses.get(two, set())) for one, two in pairs)


@cache
def _senses() -> Mapping[str, frozenset[int]]:
    """Word -> the nouns that it can be, in any language."""
    senses: dict[str, frozenset[int]] = {}
    for language in LANGUAGES:
        for number, noun in enumerate(NOUNS[language]):
            senses[noun.word] = senses.get(noun.word, frozenset()) | {number}
    return senses


def _meanings(text: str, language: str) -> frozenset[tuple[str, tuple[int, ...]]]:
    """What a text can mean as an answer in a language: (form, nouns, number or kind)."""
    return frozenset(_read(text, language))


def _read(text: str, language: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    for kind, phrase in enumerate(KINDS[language]):
        if text == phrase:
            yield "kind", (kind,)
    for number, word in NUMBERS[language].items():
        if text == word:
            yield "number", (number,)
    before, after = HELLO[language].split("{}")
    inner = text.removeprefix(before).removesuffix(after)
    forms = [("list", text.split(", ")), ("words", text.split(" "))]
    if text == before + inner + after:
        forms.append(("greeting", inner.split(f" {AND[language]} ")))
    nouns = _numbers(language)
    for form, words in forms:
        if all(word in nouns for word in words):
            yield form, tuple(nouns[word] for word in words)


@cache
def _numbers(language: str) -> Mapping[str, int]:
    return {noun.word: number for number, noun in enumerate(NOUNS[language])}
