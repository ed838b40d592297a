"""The fast road of a chat format over columns: many conversations rendered, encoded and masked at once.

The texts, ids and masks are those of `ChatFormat.encode_many`, which a test holds it against row by row. Rows that need
the slow road (a control token in a message, a template of the tokenizer's own) are named and left empty: they are for
`ChatFormat` itself. An instance may be used by several threads; most of its time goes by in code that holds no lock.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any
from unicodedata import is_normalized

import numpy as np
import pyarrow as pa
from pyarrow import compute
from tokenizers import Encoding

from jobs.lib.arrays import arrow, numbers
from jobs.lib.model.template import ChatFormat
from jobs.tokenize.columns import Counts, Flags, Rows
from jobs.tokenize.locate import by_bytes, by_offsets, bytes_by_id
from jobs.tokenize.render import Answers, Rendered, by_prefix, render
from jobs.tokenize.tokens import Ids, Tokens

GROUP = 256  # conversations that the tokenizer gets at once: what it says of each token is large, and let go of soon


class BulkFormat:
    """One chat format under one system message."""

    def __init__(self, chat: ChatFormat, system: str, *, shared: bool = False) -> None:
        """`shared`: several threads will use it; the tokenizer is copied then, as its owner may change the original."""
        self._eos: str = chat.tokenizer.eos_token
        self._eos_id = chat.eos_id
        self._chat = chat
        self._markers = chat.markers
        self._head = chat.bos + (chat.markers.head(system) if chat.markers else "")
        self._control = by_prefix(chat.control)
        self._backend: Any = None
        if chat.markers is not None and chat.backend is not None and not any(token in system for token in chat.control):
            self._backend = chat.copy_of_backend() if shared else chat.backend
        self._bytes = bytes_by_id(self._backend) if self._backend is not None else None
        self._nfc = self._bytes is not None and self._backend.normalizer is not None
        self._ends_prompt: dict[int, bool] = {}

    def encode(self, rows: Rows) -> Tokens:
        """Encode a chunk; rows for the slow road have no tokens yet."""
        plain = self._plain(rows)
        chosen = np.flatnonzero(plain)
        if self._markers is None or not len(chosen):
            return Tokens.none(len(rows), slow=range(len(rows)))
        rendered = render(rows, plain, self._markers, head=self._head, eos=self._eos)
        ids, lengths, border, last = self._tokenize(rendered)
        ids, loss, lengths, refused = self._mask(ids, lengths, rendered.answers, border, last)
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

    def _tokenize(self, rendered: Rendered) -> tuple[Ids, Counts, Counts, Counts]:
        """All ids, the length of each text in tokens, and which of the ids each answer's border and EOS are.

        -1 stands for none: at the border no token that ends just behind it.
        """
        texts, answers = rendered.texts, rendered.answers
        encode = self._backend.encode_batch if self._bytes is None else self._backend.encode_batch_fast
        parts: list[Ids] = []
        lengths: list[int] = []
        asked: list[tuple[int, int]] = []
        for first in range(0, len(texts), GROUP):
            encodings = encode(texts[first : first + GROUP], add_special_tokens=False)
            found: list[list[int]] = [encoding.ids for encoding in encodings]
            sizes = list(map(len, found))
            parts.append(np.fromiter(chain.from_iterable(found), np.int32, count=sum(sizes)))
            lengths += sizes
            if self._bytes is None:
                asked += _ask(encodings, answers, first)
        ids, per_text = np.concatenate(parts), np.array(lengths, np.int64)
        starts = np.cumsum(per_text) - per_text
        if self._bytes is None:
            places = np.array(asked, np.int64).reshape(-1, 2).T
            border, last = np.where(places < 0, -1, places + starts[answers.text])
            return ids, per_text, border, last
        border, last, unsure = by_bytes(ids, per_text, rendered, self._bytes)
        if self._nfc:
            unsure |= np.array([not is_normalized("NFC", text) for text in texts])
        for text in np.flatnonzero(unsure).tolist():
            places = np.array(_ask([self._backend.encode(texts[text], add_special_tokens=False)], answers, text)).T
            span = slice(*np.searchsorted(answers.text, (text, text + 1)))
            border[span], last[span] = np.where(places < 0, -1, places + starts[text])
        return ids, per_text, border, last

    def _mask(
        self, ids: Ids, lengths: Counts, answers: Answers, border: Counts, last: Counts
    ) -> tuple[Ids, Flags, Counts, dict[int, str]]:
        """Supervise from the token after each border to the EOS; refuse as `ChatFormat` does, and for its reasons."""
        not_prefix = (border < 0) | ~self._borders(ids[border])
        wrong = np.flatnonzero(not_prefix | (last < 0) | (ids[last] != self._eos_id))
        refused: dict[int, str] = {}
        for answer in wrong.tolist():
            reason = "prompt-not-a-prefix" if not_prefix[answer] else "eos-not-encoded"
            refused.setdefault(int(answers.text[answer]), reason)
        kept = np.ones(len(lengths), np.bool_)
        kept[list(refused)] = False
        good = kept[answers.text]
        change = np.zeros(len(ids) + 1, np.int8)
        change[border[good] + 1] = 1
        change[last[good] + 1] -= 1
        loss = np.cumsum(change[:-1], dtype=np.int8).view(np.bool_)
        if refused:
            tokens = np.repeat(kept, lengths)
            ids, loss, lengths = ids[tokens], loss[tokens], lengths * kept
        return ids, loss, lengths, refused

    def _borders(self, ids: Ids) -> Flags:
        """Whether each id's own text ends as a prompt does; there are few different ones."""
        different, place = np.unique(ids, return_inverse=True)
        for identity in different.tolist():
            if identity not in self._ends_prompt:
                self._ends_prompt[identity] = self._chat.ends_prompt(identity)
        return np.array([self._ends_prompt[identity] for identity in different.tolist()], np.bool_)[place]


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


def _ask(encodings: Sequence[Encoding], answers: Answers, first: int) -> list[tuple[int, int]]:
    """Where the answers of some texts lie in their encodings; `first` is the number of the first text."""
    span = slice(*np.searchsorted(answers.text, (first, first + len(encodings))))
    asked = zip(answers.text[span].tolist(), answers.border[span].tolist(), answers.end[span].tolist(), strict=True)
    return [by_offsets(encodings[text - first], border, end) for text, border, end in asked]
