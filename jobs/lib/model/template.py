r"""The chat format: how turns become token ids, and which of them carry the loss.

The paper's format (arXiv 2402.13703) is `System: {system}\nUser: {user}\nAssistant: {answer}</s>`, "</s>" being the
tokenizer's own EOS. Later turns go on with `\nUser: …`; without a system message the first line is missing. The
generation prompt ends in `Assistant:`, so that the space before an answer belongs to its first token, as tokenizers
like it. BOS is written where the tokenizer's own encoding of text begins with it, and nowhere else.

Promises, for every row that `encode` accepts, under every tokenizer:
- the ids equal `tokenizer.apply_chat_template` with the template that the trained model ships;
- one BOS at most, at the front; one supervised end per assistant turn (EOS, or what the tokenizer's own template
  writes instead); nothing outside assistant turns is supervised;
- the ids that `prompt` makes for a turn are an exact prefix of the training ids;
- control tokens that somebody wrote into a message are text there, never control (rows that have them take the slow
  road of transformers' `sanitize_control_tokens`).
A row for which the tokenizer cannot keep these is refused with `Inexact`, never encoded nearly right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import jinja2
from tokenizers import Encoding, Tokenizer
from transformers import PreTrainedTokenizerBase

from jobs.lib.model.loading import adds_bos
from jobs.lib.model.own_template import examine, folded
from polyglot.core.errors import Permanent
from polyglot.core.records import UNSET, UnsetType
from polyglot.kinds.templates import PAPER, TEMPLATE_DATE, TEMPLATES, Markers

Turns = Sequence[Mapping[str, str]]  # {"role": "user" | "assistant", "content": …}, alternating, user first


def jinja_of(markers: Markers) -> str:
    """The Jinja template that says what the markers say, as trained models ship it, without BOS.

    The space before an answer stands outside the generation block: fast tokenizers that trim offsets have no token at a
    lone space, and transformers then gives up on the whole mask. Its mask may miss a token that is only that space.
    """

    def text(marker: str) -> str:
        return "'" + marker.encode("unicode_escape").decode().replace("'", "\\'") + "'"

    between = markers.user.removesuffix(markers.first_user)
    return (
        "{% for message in messages %}"
        "{% if message['role'] == 'system' %}"
        "{% if not loop.first %}{{ raise_exception('a system message stands first') }}{% endif %}"
        f"{{{{ {text(markers.system)} + message['content'] + {text(markers.after_system)} }}}}"
        "{% elif message['role'] == 'user' %}"
        f"{{% if loop.index0 > 0 and loop.previtem['role'] == 'assistant' %}}{{{{ {text(between)} }}}}{{% endif %}}"
        f"{{{{ {text(markers.first_user)} + message['content'] }}}}"
        "{% elif message['role'] == 'assistant' %}"
        f"{{{{ {text(markers.assistant)} }}}}"
        "{% generation %}{{ message['content'] + eos_token }}{% endgeneration %}"
        "{% else %}{{ raise_exception('unknown role: ' + message['role']) }}{% endif %}"
        "{% endfor %}"
        f"{{% if add_generation_prompt %}}{{{{ {text(markers.prompt)} }}}}{{% endif %}}"
    )


class Inexact(ValueError):
    """A row cannot be encoded so that the module's promises hold; the message is a short reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """Token ids of one conversation and its loss mask (same length, True = supervised)."""

    input_ids: list[int]
    loss: list[bool]


@dataclass(frozen=True, slots=True)
class _Rendered:
    text: str
    borders: tuple[int, ...]  # character positions of the last character of each prompt
    ends: tuple[int, ...]  # character positions of each EOS


class ChatFormat:
    """One chat template under one tokenizer. Raises Permanent when the two cannot work together at all."""

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, template: str = PAPER, *, template_date: date | None = None
    ) -> None:
        """`template` is a name of TEMPLATES; `tokenizer` any tokenizer of transformers.

        `template_date` is the day that a template of the tokenizer's own writes when it asks for today's.
        """
        if template not in TEMPLATES:
            raise Permanent(f"template: got {template!r}; expected {' or '.join(map(repr, TEMPLATES))}")
        if tokenizer.eos_token is None or tokenizer.eos_token_id is None:
            raise Permanent("the tokenizer has no EOS token: answers would never end. Set eos_token in its config")
        self.markers = TEMPLATES[template].markers
        if self.markers is None and not tokenizer.chat_template:
            raise Permanent(f'the tokenizer has no chat template. Use template "{PAPER}"')
        self.tokenizer = tokenizer
        self.eos_id: int = tokenizer.eos_token_id
        self.bos = tokenizer.bos_token if adds_bos(tokenizer) else ""
        self.own = None if self.markers else examine(tokenizer, template_date or TEMPLATE_DATE)
        self.jinja = ("{{ bos_token }}" if self.bos else "") + jinja_of(self.markers) if self.markers else ""
        self.end_id = self._end_id()  # of a turn, as the template writes it
        self.end_ids = frozenset({self.eos_id, self.end_id})
        self.control: tuple[str, ...] = tuple(token for token in tokenizer.get_added_vocab() if not token.isspace())
        self._special = frozenset(tokenizer.all_special_ids)
        self._before: dict[int, str] = {}  # text of prompts' last tokens
        self.backend: Any = getattr(tokenizer, "backend_tokenizer", None) if self.markers else None
        if self.backend is not None:
            self.backend.no_truncation()
            self.backend.no_padding()
            self.backend.encode_special_tokens = False

    def _end_id(self) -> int:
        if self.own is None or self.own.end is None:
            return self.eos_id
        found: Any = self.tokenizer.convert_tokens_to_ids(self.own.end)
        return int(found)

    @property
    def unusual(self) -> dict[str, str]:
        """What cards say of a template of the tokenizer's own, where it is not as usual."""
        own = self.own
        if own is None:
            return {}
        said = {"system_role": own.system_role if own.system_role != "own" else None, "date": own.date}
        return {name: value for name, value in said.items() if value is not None}

    def name_of_end(self, identity: int | None) -> str | UnsetType:
        """The text of a token that ended an answer, if it is not EOS."""
        if identity is None or identity == self.eos_id:
            return UNSET
        return str(self.tokenizer.convert_ids_to_tokens(identity))

    def copy_of_backend(self) -> Tokenizer:
        """The fast tokenizer anew, for other threads: transformers changes its own while they encode."""
        return Tokenizer.from_str(self.backend.to_str())

    def encode(self, turns: Turns, system: str = "") -> Encoded:
        """Encode a conversation for training. Raises Inexact."""
        encoded = self.encode_many([turns], system)[0]
        if isinstance(encoded, Inexact):
            raise encoded
        return encoded

    def encode_many(self, rows: Sequence[Turns], system: str = "") -> list[Encoded | Inexact]:
        """Encode a batch of conversations at the speed of the fast tokenizer; a row that is refused is in its place."""
        result: list[Encoded | Inexact | None] = [None] * len(rows)
        fast = [i for i, turns in enumerate(rows) if self._is_plain(turns, system)]
        if self.markers and fast:
            rendered = [self._render(self.markers, rows[i], system) for i in fast]
            encodings = self.backend.encode_batch([one.text for one in rendered], add_special_tokens=False)
            for i, one, encoding in zip(fast, rendered, encodings, strict=True):
                result[i] = _caught(self._mask_by_position, one, encoding)
        return [_caught(self._mask_by_prompts, rows[i], system) if r is None else r for i, r in enumerate(result)]

    def prompt(self, turns: Turns, system: str = "") -> list[int]:
        """Ids after which the model writes its answer to the last (user) turn."""
        if self.markers and self._is_plain(turns, system):
            text = self._render(self.markers, turns, system).text + self.markers.prompt
            return list(self.backend.encode(text, add_special_tokens=False).ids)
        return self._apply(turns, system, add_generation_prompt=True)

    def text(self, prompt: Sequence[int], generated: Sequence[int]) -> str:
        """Return the answer that generated ids spell, without the space that the format puts before it.

        Decoded in the context of the prompt's last token, as some tokenizers drop the first space of any text.
        """
        last = prompt[-1] if len(prompt) else -1
        before = self._before.get(last)
        if before is None:
            before = self._before[last] = "" if last in self._special or last < 0 else self._decode([last])
        text = self._decode([last, *generated])[len(before) :] if before else self._decode(generated)
        return text.removeprefix(self.markers.assistant.removeprefix(self.markers.prompt)) if self.markers else text

    def _decode(self, ids: Sequence[int]) -> str:
        if self.backend is not None:
            return str(self.backend.decode(ids, skip_special_tokens=True))
        known = [one for one in ids if one < len(self.tokenizer)]  # embeddings may have more rows than there are pieces
        return str(self.tokenizer.decode(known, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def _is_plain(self, turns: Turns, system: str) -> bool:
        """Whether the fast road is open: nobody wrote a control token into a message."""
        if self.backend is None:
            return False
        contents = [system, *(turn["content"] for turn in turns)]
        return not any(token in content for content in contents for token in self.control)

    def _render(self, markers: Markers, turns: Turns, system: str) -> _Rendered:
        """Say what the Jinja template says, and remember where each answer begins and ends."""
        pieces = [self.bos, markers.head(system)]
        length, borders, ends = sum(map(len, pieces)), [], []
        for number, turn in enumerate(turns):
            if turn["role"] == "user":
                piece = (markers.user if number else markers.first_user) + turn["content"]
            else:
                piece = markers.assistant + turn["content"]
                borders.append(length + len(markers.prompt) - 1)
                ends.append(length + len(piece))
                piece += self.tokenizer.eos_token
            pieces.append(piece)
            length += len(piece)
        return _Rendered("".join(pieces), tuple(borders), tuple(ends))

    def _mask_by_position(self, rendered: _Rendered, encoding: Encoding) -> Encoded:
        """Supervise from the token after each prompt to its EOS.

        The prompt is an exact prefix if and only if a token ends with it, by its own text (trimmed offsets hide a space
        behind it) and by its place: then no merge crosses the border, and both sides are encoded as if alone.
        """
        ids: list[int] = encoding.ids
        loss = [False] * len(ids)
        for border, end in zip(rendered.borders, rendered.ends, strict=True):
            before, last = encoding.char_to_token(border), encoding.char_to_token(end)
            if before is None or not self._ends_at(encoding, ids[before], before, border):
                raise Inexact("prompt-not-a-prefix")
            if last is None or ids[last] != self.eos_id:
                raise Inexact("eos-not-encoded")
            loss[before + 1 : last + 1] = [True] * (last - before)
        return Encoded(input_ids=ids, loss=loss)

    def _ends_at(self, encoding: Encoding, identity: int, place: int, border: int) -> bool:
        characters = encoding.token_to_chars(place)
        return self.ends_prompt(identity) and characters is not None and characters[1] == border + 1

    def ends_prompt(self, identity: int) -> bool:
        """Whether a token's own text ends with the last character of a prompt, as itself or as its byte."""
        if self.markers is None:
            return False
        last = self.markers.prompt[-1]
        piece: str = self.backend.id_to_token(identity)
        return piece.endswith((last, f"<0x{ord(last):02X}>"))

    def _mask_by_prompts(self, turns: Turns, system: str) -> Encoded:
        """Supervise what each turn adds to its own prompt, to the turn's first end; works for any template."""
        ids = self._apply(turns, system)
        loss = [False] * len(ids)
        for number, turn in enumerate(turns):
            if turn["role"] != "assistant":
                continue
            prompt = self._apply(turns[:number], system, add_generation_prompt=True)
            answered = self._apply(turns[: number + 1], system) if number + 1 < len(turns) else ids
            if ids[: len(prompt)] != prompt or ids[: len(answered)] != answered:
                raise Inexact("prompt-not-a-prefix")
            try:
                last = ids.index(self.end_id, len(prompt), len(answered))
            except ValueError:
                raise Inexact("eos-not-encoded") from None
            loss[len(prompt) : last + 1] = [True] * (last + 1 - len(prompt))
        return Encoded(input_ids=ids, loss=loss)

    def _apply(self, turns: Turns, system: str, *, add_generation_prompt: bool = False) -> list[int]:
        messages = [{"role": "system", "content": system}] if system else []
        messages += [{"role": turn["role"], "content": turn["content"]} for turn in turns]
        try:
            ids = self.tokenizer.apply_chat_template(
                folded(messages) if self.own and self.own.system_role == "first-user" else messages,
                chat_template=self.own.jinja if self.own else self.jinja,
                add_generation_prompt=add_generation_prompt,
                sanitize_control_tokens=True,
                return_dict=False,
            )
        except jinja2.exceptions.TemplateError as error:
            raise Inexact(f"template-refuses: {error}") from error
        except ValueError as error:  # a control token that the tokenizer makes of plain text as well
            raise Inexact("control-token-in-text") from error
        return list(ids)


def encode(tokenizer: PreTrainedTokenizerBase, turns: Turns, system: str = "", template: str = PAPER) -> Encoded:
    """Encode one conversation; see ChatFormat.encode. Raises Inexact, Permanent."""
    return ChatFormat(tokenizer, template).encode(turns, system)


def _caught(mask: Any, *arguments: Any) -> Encoded | Inexact:
    try:
        encoded: Encoded = mask(*arguments)
    except Inexact as error:
        return error
    return encoded
