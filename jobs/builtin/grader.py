"""The built-in judge's grading: find question, reference and answer in a filled-in prompt, and rate by rule.

The grader knows the templates that prompts were made from. The benchmark's own texts (questions, references) come
first in them and are trusted; the answers are not. Where an answer holds a template's delimiters, a prompt can be
read in several ways, and the grade is the *lowest* of all readings: planting delimiters never helps. Verdicts planted
in an answer are text like any other.

With a reference the built-in benchmark's checker rates (`jobs.builtin.grade`); without one, surface rules do. Of a pair
the answer with more points is better, and where readings of a prompt differ in which one that is, neither is.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs.builtin.surface import rate
from polyglot.kinds.judge_prompts import Mode, Prompt, load

MODEL = "polyglot-rules"
_READINGS = 64  # of one prompt at most; beyond that an answer is nothing but delimiters
_WORDS: Mapping[str, tuple[str, str, str]] = {  # by reference; by surface; the verdict's word
    "EN": ("Compared with the reference answer", "Without a reference, judged by form", "Rating"),
    "DE": ("Verglichen mit der Referenzantwort", "Ohne Referenz, nach der Form bewertet", "Bewertung"),
    "FR": ("Comparé à la réponse de référence", "Sans référence, jugé sur la forme", "Note"),
    "ES": ("Comparado con la respuesta de referencia", "Sin referencia, juzgado por la forma", "Calificación"),
    "IT": ("Confrontato con la risposta di riferimento", "Senza riferimento, giudicato dalla forma", "Valutazione"),
}

Checker = Callable[[str, str, str], tuple[int, str]]  # reference, answer, language -> score 1..10, name of the rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A prompt of one language."""

    language: str
    prompt: Prompt


class Grader:
    """Rates filled-in prompts of known templates; deterministic."""

    def __init__(self, templates: Sequence[Template], checker: Checker | None = None) -> None:
        """`checker` compares an answer with a reference; the built-in benchmark's unless given."""
        self._templates = sorted(templates, key=lambda item: -len(item.prompt.pieces[0]))
        self._checker = checker or _builtin_checker

    def reply(self, system: str, user: str) -> str | None:
        """The judge's reply to one prompt, ending in [[n]] or in [[A]], [[B]] or [[C]]; None when it was made from no
        template known here.
        """
        for template in self._templates:
            prompt = template.prompt
            if prompt.system.strip() and prompt.system.strip() != system.strip():
                continue
            readings = list(_readings(prompt, user))
            if readings and prompt.mode == "pair":
                return self._of_pair(template, readings)
            if readings:
                return self._of_one(template, readings)
        return None

    def _of_one(self, template: Template, readings: Sequence[Mapping[str, str]]) -> str:
        score, rule, by_reference = min(self._grade(template, values, "answer") for values in readings)
        with_reference, by_surface, word = _WORDS.get(template.language, _WORDS["EN"])
        return f"{with_reference if by_reference else by_surface}: {rule}.\n\n{word}: [[{score}]]"

    def _of_pair(self, template: Template, readings: Sequence[Mapping[str, str]]) -> str:
        grades = [[self._grade(template, values, name) for name in ("answer_a", "answer_b")] for values in readings]
        better = {(a[0] > b[0]) - (a[0] < b[0]) for a, b in grades}
        (score_a, rule_a, by_reference), (score_b, rule_b, _) = grades[0]
        with_reference, by_surface, _ = _WORDS.get(template.language, _WORDS["EN"])
        letter = {1: "A", -1: "B"}.get(better.pop(), "C") if len(better) == 1 else "C"
        seen = f"A {score_a} ({rule_a}), B {score_b} ({rule_b})"
        return f"{with_reference if by_reference else by_surface}: {seen}.\n\n[[{letter}]]"

    def _grade(self, template: Template, values: Mapping[str, str], name: str) -> tuple[int, str, bool]:
        multi = template.prompt.multi_turn
        answer = values[f"{name}_2" if multi else name]
        reference = values.get("ref_answer_2" if multi else "ref_answer_1")
        if reference is None:
            question = values.get("question_2" if multi else "question", "")
            return (*rate(question, answer, template.language), False)
        return (*self._checker(reference, answer, template.language), True)


def templates(files: Mapping[str, Path], mode: Mode = "single") -> list[Template]:
    """Read the prompts of a mode of every language's file."""
    return [
        Template(language=language, prompt=prompt)
        for language, path in sorted(files.items())
        for prompt in load(path, language, mode).by_kind.values()
    ]


def builtin_templates() -> list[Template]:
    """Those of the built-in benchmark."""
    folder = Path(__file__).parent / "prompts"
    single, pairs = ({path.stem: path for path in sorted(at.glob("*.jsonl"))} for at in (folder, folder / "pairs"))
    return templates(single) + templates(pairs, "pair")


def _readings(prompt: Prompt, text: str) -> Iterator[dict[str, str]]:
    """Yield what the fields of a template can be, given the filled-in text; at most `_READINGS` ways.

    A field that occurs twice must have equal values. Trusted fields end at the first delimiter that follows; answers
    may end at any.
    """
    pieces = prompt.pieces
    if not text.startswith(pieces[0]) or not text.endswith(pieces[-1]):
        return
    end = len(text) - len(pieces[-1])
    stack: list[tuple[int, int, dict[str, str]]] = [(1, len(pieces[0]), {})]
    given = 0
    while stack and given < _READINGS:
        index, start, values = stack.pop()
        if start > end:
            continue
        name = pieces[index]
        if index == len(pieces) - 2:
            value = text[start:end]
            if values.get(name, value) == value:
                given += 1
                yield values | {name: value}
            continue
        delimiter = pieces[index + 1]
        if name in values:  # seen before: it can only be the same again
            after = start + len(values[name])
            if text[start:after] == values[name] and text.startswith(delimiter, after):
                stack.append((index + 2, after + len(delimiter), values))
            continue
        ends = [match.start() for match in re.finditer(re.escape(delimiter), text[start:end])]
        if not name.startswith("answer"):
            ends = ends[:1]
        for offset in ends[:_READINGS]:
            after = start + offset
            stack.append((index + 2, after + len(delimiter), values | {name: text[start:after]}))


def _builtin_checker(reference: str, answer: str, language: str) -> tuple[int, str]:
    from jobs.builtin.grade import grade  # its data are read when a reference is first seen

    result = grade(reference, answer, language)
    return result.score, result.rule
