"""What a model said, without what it thought: servers that know no reasoning of their own leave it in the text.

A block of reasoning ends at its closing marker; one that never ends is reasoning to the end, and a closing marker
without an opening one (the template wrote that) makes all before it reasoning. Markers are tags of any make whose name
means thinking in one of several languages (`<think>`, `<seed:think>`, `[THINK]`, `◁think▷`, `<|START_THINKING|>`,
`<|begin_of_thought|>`, `<pensée>`), the channels of the harmony format, with or without their special tokens, and
`Thinking...`/`...done thinking.` on lines of their own. A marker in quotation marks or as inline code is a mention,
as is an opening one that is never closed and stands inside a line.
"""

import re
from typing import NamedTuple

_STEMS = (
    "think thought reason analysis reflect(?!or) scratch deliberat cot(?![a-z]) chain[_\\s-]?of monolog "
    "denk gedank gedacht nachdenk überleg pensée pensee pensam pensier pensand raisonn réfle réflex ragion "
    "rifless razon racioc reflex myśl rozum tanke tänk ajat düşün gondol мысл размышл рассужд дум 思考 思维 推理 推論 "
    "考え 생각 추론 사고 تفكير التفكير विचार चिंतन सोच"
)
_WORD = "(?:" + "|".join(_STEMS.split()) + r")[\w\u0900-\u097f]*"
_NAME = rf"(?:[a-z]\w{{0,20}}[:_ -]|of[_ ]|inner[_ ]|start[_ ]|begin[_ ]){{0,3}}{_WORD}(?:[_ -]\w{{1,20}})?"
_QUOTE = "\"'`“”„«»‹›「」『』"
_MARK = re.compile(
    rf"""
    (?P<mention>[{_QUOTE}])?
    (?:
        [<⟨〈◁]\|?\s*(?P<end>/|end[_ ](?:of[_ ])?)?\s*
        {_NAME}(?:\s[^<>\n]{{0,80}})?\s*\|?(?P<empty>/)?[>⟩〉▷]
      | \[(?P<bracket_end>/)?(?P<bracket>think(?:ing)?|reasoning)\]
      | <details\s[^<>]*reasoning[^<>]*>(?P<details>(?s:.)*?(?:</details>|\Z))
      | (?P<channel_end><channel\|>|<unused95>)
      | <\|channel\|?>\s*(?P<channel>final\b|[a-z]+)(?:[^<>\n]{{0,40}}(?:<\|message\|>))?
      | <unused94>
      | ^Thinking\.\.\.[ \t]*$
      | ^(?P<lines_end>\.\.\.done\ thinking\.)[ \t]*$
    )
    (?(mention)[{_QUOTE}]?)
    """,
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
# the harmony format after its special tokens were dropped
_HARMONY = re.compile(r"\A\s*analysis(?=[^\W_a-z])")
_HARMONY_END = "assistantfinal"


class Said(NamedTuple):
    """What a reply says outside of its reasoning. `unfinished`: it ends inside of that."""

    text: str
    unfinished: bool = False


def said(text: str) -> Said:
    """Leave out what was thought."""
    if _is_harmony(text):
        _, end, rest = text.partition(_HARMONY_END)
        return Said(rest, unfinished=not end)
    marks = [mark for mark in _MARK.finditer(text) if not _is_mention(mark)]
    last_end = max((mark.start() for mark in marks if _is_closing(mark)), default=-1)
    kept, at, opened = "", 0, False
    for mark in marks:
        if _is_closing(mark):
            kept, at, opened = (kept if opened else ""), mark.end(), False  # what nobody opened began with the text
        elif not opened and (mark.start() < last_end or _begins(mark, text)):
            kept, at, opened = kept + text[at : mark.start()], mark.end(), mark["details"] is None
    return Said(kept if opened else kept + text[at:], unfinished=opened)


def answer(text: str) -> Said:
    """Leave out only what was thought before the text: further on, markers may be a part of it."""
    if _is_harmony(text):
        return said(text)
    marks = [mark for mark in _MARK.finditer(text) if not _is_mention(mark)]
    opened = bool(marks) and not _is_closing(marks[0])
    if not marks or (opened and text[: marks[0].start()].strip()):
        return Said(text)
    end = next((mark.end() for mark in marks if mark["details"] is not None or _is_closing(mark)), None)
    if end is None:
        return Said("", unfinished=True) if _begins(marks[0], text) else Said(text)
    return Said(text[end:].lstrip())


def _is_harmony(text: str) -> bool:
    """Whether its analysis stands first; without its end only a capital tells it from a word: "analysisLet me see"."""
    found = _HARMONY.match(text)
    return found is not None and (_HARMONY_END in text or text[found.end()].isupper())


def _is_mention(mark: re.Match[str]) -> bool:
    return mark["empty"] is not None or (mark["mention"] is not None and mark.group()[-1] in _QUOTE)


def _is_closing(mark: re.Match[str]) -> bool:
    ends = ("end", "bracket_end", "channel_end", "lines_end")
    return any(mark[name] for name in ends) or (mark["channel"] or "").lower() == "final"


def _begins(mark: re.Match[str], text: str) -> bool:
    """Whether an opening marker that is never closed is one: it is no word of a sentence, nor a heading in brackets."""
    if mark["details"] is not None:
        return True
    before, after = text[: mark.start()][-2:], text[mark.end() :][:2]
    in_sentence = before[:1].isalpha() and before[1:] == " " and after[:1] == " " and after[1:].islower()
    return not in_sentence and (mark["bracket"] or "think").lower().startswith("think")
