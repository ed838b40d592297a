"""Defects of a benchmark's judge prompts, found by comparing each language with the pivot's prompts of the same names.

The judge uses prompts as they are: a defect is shown, never repaired.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_PLACEHOLDER = re.compile(r"\{\w+\}")
_VERDICT = re.compile(r"\[\[[A-Z0-9]\]\]")
_LABEL = re.compile(r"(?<!\[)\[([^\[\]\n]+)\](?!\])")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]")

RULES: Mapping[str, str] = {  # word for word as the card shows them
    "unclosed-delimiter": '"<|" and "|>" occur unequally often in a template; one finding a prompt.',
    "untranslated-label": "A bracketed label of two words or more that the pivot's prompt has in the same words.",
    "placeholders": "The {placeholders} are not the pivot's, each as often.",
    "verdict-format": 'An example such as "[[5]]" or "[[A]]" of the pivot\'s prompt is not shown, or another is.',
    "repeated-sentence": "A sentence of five words or more occurs twice in a row.",
    "missing-prompt": "The pivot has a prompt of this name.",
}


@dataclass(frozen=True, slots=True, order=True)
class PromptDefect:
    """One finding. `detail` is the text in question."""

    language: str
    prompt: str
    defect: str
    detail: str


def prompt_defects(
    prompts_by_language: Mapping[str, Sequence[Mapping[str, object]]], pivot: str = "EN"
) -> list[PromptDefect]:
    """Return every finding, sorted. Prompts are rows of MT-Bench's
    judge_prompts.jsonl: `name`, `system_prompt`, `prompt_template`. `RULES` has the defects.
    """
    reference = {str(prompt["name"]): prompt for prompt in prompts_by_language.get(pivot, ())}
    found: set[PromptDefect] = set()
    for language, prompts in prompts_by_language.items():
        for prompt in prompts:
            for defect, detail in _alone(prompt):
                found.add(PromptDefect(language, str(prompt["name"]), defect, detail))
            if language != pivot and (other := reference.get(str(prompt["name"]))):
                for defect, detail in _beside(prompt, other):
                    found.add(PromptDefect(language, str(prompt["name"]), defect, detail))
        for name in reference.keys() - {str(prompt["name"]) for prompt in prompts}:
            found.add(PromptDefect(language, name, "missing-prompt", ""))
    return sorted(found)


def _alone(prompt: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    template = str(prompt.get("prompt_template", ""))
    opened, closed = template.count("<|"), template.count("|>")
    if opened != closed:
        yield "unclosed-delimiter", f"{opened} of <| and {closed} of |>"
    for part in ("system_prompt", "prompt_template"):
        sentences = [sentence.strip() for sentence in _SENTENCE.findall(str(prompt.get(part, "")))]
        for first, second in zip(sentences, sentences[1:], strict=False):
            if first == second and len(first.split()) >= 5:
                yield "repeated-sentence", first


def _beside(prompt: Mapping[str, object], pivot: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    mine, theirs = str(prompt.get("prompt_template", "")), str(pivot.get("prompt_template", ""))
    for label in set(_LABEL.findall(mine)) & set(_LABEL.findall(theirs)):
        if len(label.split()) >= 2:
            yield "untranslated-label", f"[{label}]"
    if sorted(_PLACEHOLDER.findall(mine)) != sorted(_PLACEHOLDER.findall(theirs)):
        yield "placeholders", " ".join(_PLACEHOLDER.findall(mine))
    both = [str(row.get("system_prompt", "")) + str(row.get("prompt_template", "")) for row in (prompt, pivot)]
    shown, expected = (set(_VERDICT.findall(text)) for text in both)
    if shown != expected:
        yield "verdict-format", " ".join(sorted(shown))
