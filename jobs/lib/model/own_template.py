"""A tokenizer's own chat template, asked what it does: how it ends a turn, where a system message goes, what day it is.

Nothing about it is taken for granted: it is rendered with texts that are easily found again. A template that writes
today's date would make other bytes of the same key tomorrow, so the date is a parameter, and the clock is taken away.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import jinja2
from transformers import PreTrainedTokenizerBase

from polyglot.core.errors import Permanent

SystemRole = Literal["own", "first-user", "ignored"]

_SYSTEM, _USER, _ANSWER = "syszwqj", "usrzwqj", "anszwqj"
_DIRECTIVES = "aAwdbBmyYHIpMSfzZjUWcxXGuV"  # of strftime
_AT_RANDOM = re.compile(r"\|\s*random\b|\blipsum\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTemplate:
    """`jinja` is what to render with; `end` the control token that ends a turn, None where none is found."""

    jinja: str
    end: str | None
    system_role: SystemRole  # "first-user": it refuses a system message, which is put before the first user's
    date: str | None  # the one that it writes


def examine(tokenizer: PreTrainedTokenizerBase, day: date) -> OwnTemplate:
    """Find out what the template does on that day. Raises Permanent when two renderings may differ."""
    try:
        source: str = tokenizer.get_chat_template()
    except ValueError as error:
        raise Permanent(f"the tokenizer has several chat templates, and none is called default: {error}") from error
    if _AT_RANDOM.search(source):
        raise Permanent("the tokenizer's chat template draws at random: the same rows would become other tokens")
    dated = "strftime_now" in source
    jinja = frozen_clock(day) + source if dated else source
    return OwnTemplate(
        jinja=jinja,
        end=_end(tokenizer, jinja),
        system_role=_system_role(tokenizer, jinja),
        date=day.isoformat() if dated else None,
    )


def frozen_clock(day: date) -> str:
    """A macro that stands where transformers puts the clock: `strftime_now` of the begin of that day."""
    text = "format|replace('%%', '\\0')"
    for directive in _DIRECTIVES:
        said = day.strftime("%" + directive)
        text += f"|replace('%{directive}', '{said}')|replace('%-{directive}', '{said.lstrip('0') or '0'}')"
    return "{%- macro strftime_now(format) -%}{{- " + text + "|replace('\\0', '%') -}}{%- endmacro -%}"


def folded(messages: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The system message put before the first user's, for templates that have no place for it."""
    if not messages or messages[0]["role"] != "system":
        return list(messages)
    system, first, *others = messages
    return [{**first, "content": f"{system['content']}\n\n{first['content']}"}, *others]


def _rendered(tokenizer: PreTrainedTokenizerBase, jinja: str, *turns: tuple[str, str]) -> str | None:
    """The text of a conversation; None when the template refuses it. It begins a turn behind a user's."""
    messages = [{"role": role, "content": content} for role, content in turns]
    try:
        return str(
            tokenizer.apply_chat_template(
                messages, chat_template=jinja, tokenize=False, add_generation_prompt=turns[-1][0] == "user"
            )
        )
    except jinja2.exceptions.TemplateError:
        return None


def _end(tokenizer: PreTrainedTokenizerBase, jinja: str) -> str | None:
    """EOS where it stands behind an answer, else the first control token that does."""
    text = _rendered(tokenizer, jinja, ("user", _USER), ("assistant", _ANSWER)) or ""
    _, found, tail = text.rpartition(_ANSWER)
    if not found:
        return None
    if tokenizer.eos_token in tail:
        return str(tokenizer.eos_token)
    control = {token for token in {*tokenizer.get_added_vocab(), *tokenizer.all_special_tokens} if token.strip()}
    places = {token: place for token in control if (place := tail.find(token)) >= 0}
    return min(places, key=lambda token: (places[token], -len(token)), default=None)


def _system_role(tokenizer: PreTrainedTokenizerBase, jinja: str) -> SystemRole:
    text = _rendered(tokenizer, jinja, ("system", _SYSTEM), ("user", _USER))
    if text is not None:
        return "own" if _SYSTEM in text else "ignored"
    return "first-user" if _rendered(tokenizer, jinja, ("user", _USER)) is not None else "own"
