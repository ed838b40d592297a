"""The prompts of one model, as answering it will make them: both turns of every question, in every language.

The first turn's answer stands in the second's prompt. It is not known yet: with a short one a prompt is as short as it
can be, with one of max-new-tokens as long. What cannot be even with a short one is a defect; what may be is a remark.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from jobs.check.found import Found
from jobs.lib.model.template import ChatFormat, Inexact
from polyglot.kinds.check import PromptLengths
from polyglot.kinds.rows import Question

UNKNOWN_SHARE = 0.1  # of tokens; above it a language cannot be written with this tokenizer
_REPLY = "OK."


@dataclass(kw_only=True)
class Prompts:
    """The prompts of one language, counted. `longest` is by turn."""

    longest: dict[int, tuple[int, str]] = field(default_factory=lambda: {1: (0, ""), 2: (0, "")})
    tokens: int = 0
    unknown: int = 0
    largest_id: int = 0
    refused: dict[str, list[str]] = field(default_factory=dict)  # questions, by the reason why they cannot be written

    def add(self, question: str, turn: int, ids: Sequence[int], unknown_id: int | None) -> None:
        """Count one prompt."""
        self.longest[turn] = max(self.longest[turn], (len(ids), question))
        self.tokens += len(ids)
        self.unknown += sum(one == unknown_id for one in ids)
        self.largest_id = max(self.largest_id, *ids)


def look(
    found: Found,
    chat: ChatFormat,
    questions: Sequence[Question],
    system: str,
    *,
    where: str,
    language: str,
    positions: int | None,
    embedded: int,
    max_new_tokens: int,
    may_fail: bool,
) -> PromptLengths:
    """Make every prompt of a language, and say what is wrong with them; `where` is the model's place in the study.

    `may_fail`: a question that does not fit is a remark.
    """
    made = _made(chat, questions, system)
    for reason, ids in made.refused.items():
        remedy = "Set another `template`, or change the text" if "template" in reason else ""
        what = f"{len(ids)} questions cannot be written, the first is {ids[0]}: {reason}"
        found.defect(what, where=f"{where}: {language}", remedy=remedy)
    share = made.unknown / made.tokens if made.tokens else 0.0
    if share > UNKNOWN_SHARE:
        what = f"the tokenizer cannot write {language}: {share:.0%} of the questions' tokens are unknown"
        found.defect(what, where=where, remedy="Take a model that was made for the language, or leave the language out")
    if made.largest_id >= embedded:
        what = f"{language}: a question has the token {made.largest_id}"
        expected = f"one of the {embedded} that the model embeds"
        found.defect(what, where=where, expected=expected, remedy="Take the tokenizer that it was trained with")
    _lengths(found, made, f"{where}: {language}", positions, max_new_tokens, may_fail=may_fail)
    first, second = (made.longest[turn][0] for turn in (1, 2))
    return PromptLengths(
        first=first,
        second=second,
        second_at_most=second + max_new_tokens if second else 0,
        unknown_share=round(share, 6),
    )


def look_at_systems(found: Found, chat: ChatFormat, systems: Mapping[str, str], *, where: str) -> None:
    """A template of the tokenizer's own that leaves out the system messages that the study sets."""
    said = [language for language, system in systems.items() if system]
    if chat.own is not None and chat.own.system_role == "ignored" and said:
        what = f"the model's own template leaves system messages out, and the study has some for {', '.join(said)}"
        remedy = "Set `systems` of these languages to '', or `template: system-user-assistant`"
        found.defect(what, where=f"{where}.template", remedy=remedy)


def _made(chat: ChatFormat, questions: Sequence[Question], system: str) -> Prompts:
    made, unknown_id = Prompts(), chat.tokenizer.unk_token_id
    for question in questions:
        for turn, said in _conversations(question):
            try:
                made.add(question.id, turn, chat.prompt(said, system), unknown_id)
            except Inexact as error:
                made.refused.setdefault(str(error), []).append(question.id)
                break
    return made


def _conversations(question: Question) -> Iterator[tuple[int, list[dict[str, str]]]]:
    said: list[dict[str, str]] = []
    for turn, text in enumerate(question.turns[:2], 1):
        said.append({"role": "user", "content": text})
        yield turn, list(said)
        said.append({"role": "assistant", "content": _REPLY})


def _lengths(
    found: Found, made: Prompts, where: str, positions: int | None, max_new_tokens: int, *, may_fail: bool
) -> None:
    if positions is None:
        return
    length, question, turn = max((length, question, turn) for turn, (length, question) in made.longest.items())
    if length + max_new_tokens > positions:
        got = f"a prompt of {length} tokens and answers of {max_new_tokens}"
        second = made.longest[2][0]
        room = min(positions - length, (positions - second) // 2 if second else positions)  # of both turns
        what = f"question {question}, turn {turn}, does not fit"
        if may_fail:
            sees = f"{length} tokens of the model's {positions} positions"
            found.remark(f"{what}: {sees}; such answers are cut or not given, and counted", where=where)
            return
        remedy = "Shorten it, or let it fail: `benchmark.over-long: fail`"
        if room > 0:
            remedy = f"Set `answers.max-new-tokens` to {room} or less"
        expected = f"at most the model's {positions} positions"
        found.defect(what, where=where, got=got, expected=expected, remedy=remedy)
        return
    length, question = made.longest[2]
    if length and length + 2 * max_new_tokens > positions:
        what = (
            f"question {question}, turn 2: behind a first answer of {max_new_tokens} tokens its prompt has "
            f"{length + max_new_tokens}, so of the model's {positions} positions fewer than {max_new_tokens} are left; "
            "such answers are cut or not given, and counted"
        )
        found.remark(what, where=where)
