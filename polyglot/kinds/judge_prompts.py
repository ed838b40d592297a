"""A benchmark's judge prompts: FastChat's judge_prompts.jsonl, read, chosen from and filled in.

Of the prompts of a mode (type "single": one answer; "pairwise": two of them, A and B) there are up to four: general or
with references ("math" in the name), for the first turn or for the second ("multi-turn"). Filling in is one pass over
the template, so braces and placeholders inside questions and answers stay what they are: data.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from polyglot.core.errors import Permanent
from polyglot.core.json_lines import numbered_lines, parse

Mode = Literal["single", "pair"]
_TYPES: Mapping[Mode, str] = {"single": "single", "pair": "pairwise"}  # what a file calls them
_USUAL: Mapping[Mode, tuple[str, str]] = {  # what FastChat calls the two that are needed
    "single": ("single-v1", "single-v1-multi-turn"),
    "pair": ("pair-v2", "pair-v2-multi-turn"),
}
_NAME = re.compile(r"(?P<mode>single|pair)(?P<math>-math)?-v(?P<number>\d+)(?P<multi>-multi-turn)?")
_FIELD = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z_0-9]*)\}")
_ANSWERS: Mapping[Mode, tuple[str, ...]] = {"single": ("answer",), "pair": ("answer_a", "answer_b")}


def _fields(mode: Mode, *, multi_turn: bool) -> set[str]:
    """What a template may ask for."""
    if not multi_turn:
        return {"question", "ref_answer_1", *_ANSWERS[mode]}
    return {f"{name}_{turn}" for name in ("question", "ref_answer", *_ANSWERS[mode]) for turn in (1, 2)}


def _graded(mode: Mode, *, multi_turn: bool) -> list[str]:
    """What a template must show: the answers that it is about."""
    return [f"{name}_2" if multi_turn else name for name in _ANSWERS[mode]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One template; `pieces` alternate between literal text (even) and the name of a field (odd)."""

    name: str
    system: str
    pieces: tuple[str, ...]
    math: bool
    multi_turn: bool
    mode: Mode = "single"

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields, in order, repeats included."""
        return self.pieces[1::2]

    @property
    def offers_both_bad(self) -> bool:
        """Whether a judge of pairs is told that it may say that both answers are bad."""
        return any("[[D]]" in text for text in (self.system, *self.pieces[::2]))

    def messages(self, values: Mapping[str, str]) -> list[dict[str, str]]:
        """Fill in the template: a system message (when there is one) and a user message. KeyError: a missing value."""
        user = "".join(values[piece] if index % 2 else piece for index, piece in enumerate(self.pieces))
        system = [{"role": "system", "content": self.system}] if self.system.strip() else []
        return [*system, {"role": "user", "content": user}]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The prompt for one verdict; `fallback` says why it is not the prompt with references that the category asks."""

    prompt: Prompt
    fallback: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompts:
    """The prompts of one mode in one language."""

    language: str
    by_kind: Mapping[tuple[bool, bool], Prompt]  # (math, multi_turn)

    def choose(self, *, turn: int, needs_reference: bool, references: Sequence[str]) -> Choice:
        """Pick the prompt of one turn (1 or 2); `references` are those that exist, one a turn, "" for none.

        Fallbacks: "no-reference" (fewer non-empty references than turns), "no-reference-prompt".
        """
        multi = turn == 2
        general = self.by_kind[False, multi]
        if not needs_reference:
            return Choice(prompt=general)
        if len(references) < turn or not all(text.strip() for text in references[:turn]):
            return Choice(prompt=general, fallback="no-reference")
        with_references = self.by_kind.get((True, multi))
        if with_references is None:
            return Choice(prompt=general, fallback="no-reference-prompt")
        return Choice(prompt=with_references)


def rows(path: Path, language: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line, object) of one language's file. Raises Permanent with the line for what is no JSON object."""
    name = f"judge prompts of {language}"
    for number, text in numbered_lines(path, name):
        try:
            row = parse(text)
        except (ValueError, RecursionError) as error:
            raise Permanent(f"{name}, line {number}: not JSON: {error}") from error
        if not isinstance(row, dict):
            raise Permanent(f"{name}, line {number}: got {type(row).__name__}; expected an object")
        yield number, row


def load(path: Path, language: str, mode: Mode = "single") -> Prompts:
    """Read one language's file. Raises Permanent with the line for what is no prompt file of FastChat's form."""
    by_kind: dict[tuple[bool, bool], Prompt] = {}
    for number, row in rows(path, language):
        where = f"judge prompts of {language}, line {number}"
        prompt = _prompt(row, where, mode)
        if prompt is None:
            continue
        kind = (prompt.math, prompt.multi_turn)
        if kind in by_kind:
            raise Permanent(f"{where}: two prompts for the same use; got {by_kind[kind].name} and {prompt.name}")
        by_kind[kind] = prompt
    for multi in (False, True):
        if (False, multi) not in by_kind:
            got = f"got {len(by_kind)} prompts for {'single grading' if mode == 'single' else 'pairs'}"
            raise Permanent(f"judge prompts of {language}: no {_USUAL[mode][multi]}; {got}")
    return Prompts(language=language, by_kind=by_kind)


def values_for(
    questions: Sequence[str], answers: Sequence[str], references: Sequence[str], turn: int
) -> dict[str, str]:
    """Name every text that a template of this turn may ask for; all sequences have one text a turn."""
    return _named({"question": questions, "answer": answers}, references, turn)


def values_for_pair(
    questions: Sequence[str], first: Sequence[str], second: Sequence[str], references: Sequence[str], turn: int
) -> dict[str, str]:
    """The same for two answers: `first` is shown as A, `second` as B."""
    return _named({"question": questions, "answer_a": first, "answer_b": second}, references, turn)


def _named(texts: Mapping[str, Sequence[str]], references: Sequence[str], turn: int) -> dict[str, str]:
    """The texts of a first turn have no number in its template."""
    values = {name: given[0] for name, given in texts.items()} if turn == 1 else {}
    for name, given in (*texts.items(), ("ref_answer", references)):
        values |= {f"{name}_{index}": text for index, text in enumerate(given[:turn], start=1)}
    return values


def _prompt(row: Mapping[str, Any], where: str, mode: Mode) -> Prompt | None:
    missing = [key for key in ("name", "type", "prompt_template") if not isinstance(row.get(key), str)]
    if missing:
        raise Permanent(f"{where}: no text in {', '.join(missing)}")
    if row["type"] != _TYPES[mode]:
        return None
    system = row.get("system_prompt")
    if not isinstance(system, str | None):
        raise Permanent(f"{where}: system_prompt is {type(system).__name__}; expected text")
    if any("\ud800" <= sign <= "\udfff" for sign in (system or "") + row["prompt_template"]):
        raise Permanent(f"{where}: half of a surrogate pair (\\ud800 to \\udfff alone) is no text")
    match = _NAME.fullmatch(row["name"])
    if match is None or match["mode"] != mode:
        raise Permanent(f"{where}: got name {row['name']!r}; expected {mode}[-math]-v<n>[-multi-turn]")
    multi = match["multi"] is not None
    prompt = Prompt(
        name=row["name"],
        system=system or "",
        pieces=_split(row["prompt_template"]),
        math=match["math"] is not None,
        multi_turn=multi,
        mode=mode,
    )
    _check(prompt, where)
    return prompt


def _split(template: str) -> tuple[str, ...]:
    """Cut a template at its fields; `{{` and `}}` are braces, as for str.format."""
    pieces, literal, end = [], "", 0
    for match in _FIELD.finditer(template):
        literal += template[end : match.start()]
        end = match.end()
        if match[1] is None:
            literal += match[0][0]
        else:
            pieces += [literal, match[1]]
            literal = ""
    return (*pieces, literal + template[end:])


def _check(prompt: Prompt, where: str) -> None:
    fields, turn = set(prompt.fields), 2 if prompt.multi_turn else 1
    unknown = sorted(fields - _fields(prompt.mode, multi_turn=prompt.multi_turn))
    if unknown:
        raise Permanent(f"{where}: {prompt.name} asks for unknown {{{'}, {'.join(unknown)}}}")
    references = sorted(field for field in fields if field.startswith("ref_answer"))
    if references and not prompt.math:  # it is used where there is no reference
        raise Permanent(
            f"{where}: {prompt.name} asks for {{{'}, {'.join(references)}}}, which only prompts named "
            f"{prompt.mode}-math-v<n>[-multi-turn] are given"
        )
    for graded in _graded(prompt.mode, multi_turn=prompt.multi_turn):
        if graded not in fields:
            raise Permanent(f"{where}: {prompt.name} never shows the answer: no {{{graded}}}")
    if prompt.math and f"ref_answer_{turn}" not in fields:
        raise Permanent(f"{where}: {prompt.name} never shows the reference: no {{ref_answer_{turn}}}")
