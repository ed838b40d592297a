"""The fast road of a chat format over columns: many conversations rendered, encoded and masked at once.

The texts, ids and masks are those of `ChatFormat.encode_many`, which a test holds it against row by row. Rows that need
the slow road (a control token in a message, a template of the tokenizer's own) are named and left empty: they are for
`ChatFormat` itself. An instance may be used by several threads; most of its time goes by in code that holds no lock.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from os.path import commonprefix
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute

from jobs.lib.template import PAPER, ChatFormat
from jobs.lib.tokens.arrays import arrow, numbers, strings
from jobs.lib.tokens.columns import Counts, Flags, Rows
from jobs.lib.tokens.tokens import Ids, Tokens

GROUP = 256  # conversations that the tokenizer gets at once: what it says of each token is large, and let go of soon

_PREFIXES = ("User: ", "\nUser: ", "\nAssistant: ")
_NOTHING = strings([""])[0]  # the separator when texts are joined
_COLON = len("\nAssistant")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answers:
    """Where the A assistant turns lie: in which text, and their places in its characters."""

    text: Counts
    colon: Counts  # the ":" of "Assistant:"
    end: Counts  # the EOS


class BulkFormat:
    """One chat format under one system message."""

    def __init__(self, chat: ChatFormat, system: str, *, shared: bool = False) -> None:
        """`shared`: several threads will use it; the tokenizer is copied then, as its owner may change the original."""
        self._eos: str = chat.tokenizer.eos_token
        self._eos_id = chat.eos_id
        self._head = chat.bos + (f"System: {system}\n" if system else "")
        self._control = _by_prefix(chat.control)
        self._backend: Any = None
        if chat.template == PAPER and chat.backend is not None and not any(token in system for token in chat.control):
            self._backend = chat.copy_of_backend() if shared else chat.backend
        self._ends_with_colon: dict[int, bool] = {}

    def encode(self, rows: Rows) -> Tokens:
        """Encode a chunk; rows for the slow road have no tokens yet."""
        plain = self._plain(rows)
        chosen = np.flatnonzero(plain)
        if not len(chosen):
            return Tokens.none(len(rows), slow=range(len(rows)))
        texts, answers = self._render(rows, plain)
        ids, lengths, places = self._tokenize(texts, answers)
        ids, loss, lengths, refused = self._mask(ids, lengths, answers, places)
        whole = np.zeros(len(rows), np.int64)
        whole[chosen] = lengths
        return Tokens(
            ids=ids,
            loss=loss,
            lengths=whole,
            slow=np.flatnonzero(~plain).tolist(),
            refused={int(chosen[number]): reason for number, reason in refused.items()},
        )

    def _plain(self, rows: Rows) -> Flags:
        """Rows for the fast road: turns alternate, and nobody wrote a control token into a message."""
        if self._backend is None:
            return np.zeros(len(rows), np.bool_)
        plain = rows.alternate.copy()
        for prefix, tokens in self._control:
            found = np.flatnonzero(numbers(compute.match_substring(rows.contents, prefix)))
            if len(found):
                suspects = rows.contents.take(arrow(found, pa.int64()))
                for token in tokens:
                    held = numbers(compute.match_substring(suspects, token))
                    plain[np.searchsorted(rows.first, found[held], side="right") - 1] = False
        return plain

    def _render(self, rows: Rows, plain: Flags) -> tuple[list[str], _Answers]:
        """The texts of the plain rows, as the template renders them, and where their answers are."""
        turns = np.diff(rows.first)
        kind = rows.assistant + 1
        kind[rows.first[:-1]] = 0
        pieces = compute.binary_join_element_wise(
            strings(_PREFIXES).take(arrow(kind, pa.int8())),
            rows.contents,
            strings(["", self._eos]).take(arrow(rows.assistant, pa.int8())),
            _NOTHING,
        )
        joined = compute.binary_join(pa.ListArray.from_arrays(arrow(rows.first, pa.int32()), pieces), _NOTHING)
        texts = compute.binary_join_element_wise(strings([self._head])[0], joined, _NOTHING)
        before = np.array([len(prefix) for prefix in _PREFIXES])[kind]
        length = before + rows.characters + rows.assistant * len(self._eos)
        total = np.concatenate([[0], np.cumsum(length)])
        start = total[:-1] - np.repeat(total[rows.first[:-1]], turns) + len(self._head)
        if not plain.all():
            texts = texts.filter(arrow(plain, pa.bool_()))
        wanted = rows.assistant & np.repeat(plain, turns)
        number = np.cumsum(plain) - 1  # of a row among the plain ones
        return texts.to_pylist(), _Answers(
            text=np.repeat(number, turns)[wanted],
            colon=(start + _COLON)[wanted],
            end=(start + before + rows.characters)[wanted],
        )

    def _tokenize(self, texts: list[str], answers: _Answers) -> tuple[Ids, Counts, Counts]:
        """All ids, the length of each text in tokens, and of each answer the tokens (2, A) of its colon and its EOS.

        A place is -1 where no token is: at the colon none that ends just behind it.
        """
        parts: list[Ids] = []
        lengths: list[int] = []
        places: list[tuple[int, int]] = []
        asked = list(zip(answers.text.tolist(), answers.colon.tolist(), answers.end.tolist(), strict=True))
        borders = np.searchsorted(answers.text, range(0, len(texts) + GROUP, GROUP)).tolist()
        for group, first in enumerate(range(0, len(texts), GROUP)):
            encodings = self._backend.encode_batch(texts[first : first + GROUP], add_special_tokens=False)
            found: list[list[int]] = [encoding.ids for encoding in encodings]
            sizes = list(map(len, found))
            parts.append(np.fromiter(chain.from_iterable(found), np.int32, count=sum(sizes)))
            lengths += sizes
            for number, colon, end in asked[borders[group] : borders[group + 1]]:
                encoding = encodings[number - first]
                before, last = encoding.char_to_token(colon), encoding.char_to_token(end)
                if before is None or encoding.token_to_chars(before)[1] != colon + 1:
                    before = -1
                places.append((before, -1 if last is None else last))
        return np.concatenate(parts), np.array(lengths, np.int64), np.array(places, np.int64).reshape(-1, 2).T

    def _mask(
        self, ids: Ids, lengths: Counts, answers: _Answers, places: Counts
    ) -> tuple[Ids, Flags, Counts, dict[int, str]]:
        """Supervise from the token after each colon to the EOS; refuse as `ChatFormat` does, and for its reasons."""
        starts = (np.cumsum(lengths) - lengths)[answers.text]
        colon, last = starts + places[0], starts + places[1]
        not_prefix = (places[0] < 0) | ~self._colons(ids[colon])
        wrong = np.flatnonzero(not_prefix | (places[1] < 0) | (ids[last] != self._eos_id))
        refused: dict[int, str] = {}
        for answer in wrong.tolist():
            reason = "prompt-not-a-prefix" if not_prefix[answer] else "eos-not-encoded"
            refused.setdefault(int(answers.text[answer]), reason)
        kept = np.ones(len(lengths), np.bool_)
        kept[list(refused)] = False
        good = kept[answers.text]
        change = np.zeros(len(ids) + 1, np.int8)
        change[colon[good] + 1] = 1
        change[last[good] + 1] -= 1
        loss = np.cumsum(change[:-1], dtype=np.int8).view(np.bool_)
        if refused:
            tokens = np.repeat(kept, lengths)
            ids, loss, lengths = ids[tokens], loss[tokens], lengths * kept
        return ids, loss, lengths, refused

    def _colons(self, ids: Ids) -> Flags:
        """Whether each id's own text ends with the colon; there are few different ones."""
        different, place = np.unique(ids, return_inverse=True)
        for identity in different.tolist():
            if identity not in self._ends_with_colon:
                piece: str = self._backend.id_to_token(identity)
                self._ends_with_colon[identity] = piece.endswith((":", "<0x3A>"))
        return np.array([self._ends_with_colon[identity] for identity in different.tolist()], np.bool_)[place]


@contextmanager
def one_thread_a_call() -> Iterator[None]:
    """Make a call of the fast tokenizer compute in the thread that calls, instead of in all cores of the machine."""
    name = "TOKENIZERS_PARALLELISM"
    before = os.environ.get(name)
    os.environ[name] = "false"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _by_prefix(tokens: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Control tokens by what they begin with in common, so that most texts are searched once and not 256 times."""
    groups: dict[str, list[str]] = {}
    for token in tokens:
        groups.setdefault(token[0], []).append(token)
    return [(commonprefix(group), group) for group in groups.values()]
