"""Which tokens of an encoding hold given places of its text.

Most fast tokenizers are byte-level BPE, whose tokens partition the bytes of the text: a table of bytes by token id then
says where each token lies, all at once, and the tokenizer is spared the bookkeeping (a seventh of its time). Whether
the table holds is decided by the tokenizer's own parts, and checked on every text: its tokens must count as many bytes
as it has. Any other tokenizer, or text, is asked for its offsets.
"""

import json

import numpy as np
from tokenizers import Encoding, Tokenizer

from jobs.tokenize.columns import Counts, Flags
from jobs.tokenize.render import Rendered
from jobs.tokenize.tokens import Ids


def bytes_by_id(backend: Tokenizer) -> Counts | None:
    """Bytes of text that each token stands for; None for a tokenizer whose tokens need not partition the bytes.

    It must be BPE over all 256 bytes, without marks of word ends, after no normalisation but NFC (see `is_nfc`), and
    put no space before a text. What it might leave out then shows in the sum, as nothing can make up for it.
    """
    state = json.loads(backend.to_str())
    model = state["model"]
    if model["type"] != "BPE" or model.get("continuing_subword_prefix") or model.get("end_of_word_suffix"):
        return None
    if (state["normalizer"] or {"type": "NFC"})["type"] != "NFC":
        return None
    splitting = state["pre_tokenizer"] or {}
    last = (splitting.get("pretokenizers") or [splitting])[-1]
    others = (splitting.get("pretokenizers") or [splitting])[:-1]
    if last.get("type") != "ByteLevel" or last.get("add_prefix_space") or any(one["type"] != "Split" for one in others):
        return None
    vocabulary: dict[str, int] = model["vocab"]
    if sum(len(piece) == 1 for piece in vocabulary) < 256:
        return None
    table = np.zeros(backend.get_vocab_size(with_added_tokens=True), np.int64)
    identities = {**vocabulary, **{token["content"]: token["id"] for token in state["added_tokens"]}}
    if max(identities.values()) >= len(table):
        return None
    for piece, identity in vocabulary.items():
        table[identity] = len(piece)  # a character of a byte-level piece is a byte
    for token in state["added_tokens"]:
        table[token["id"]] = len(token["content"].encode())
    return table


def by_bytes(ids: Ids, lengths: Counts, rendered: Rendered, table: Counts) -> tuple[Counts, Counts, Flags]:
    """Tokens (by their number in `ids`) of each answer's border and EOS, and the texts of which the table says nothing.

    -1 where no token ends just behind the border, or none begins where the EOS does.
    """
    spans = table[ids]
    ends = np.cumsum(spans)
    of_text = np.concatenate([[0], ends])[np.concatenate([[0], np.cumsum(lengths)])]
    unsure = np.diff(of_text) != rendered.sizes
    answers = rendered.answers
    start = of_text[answers.text]
    most = max(len(ids) - 1, 0)
    behind = start + answers.border_byte + 1
    border = np.minimum(np.searchsorted(ends, behind), most)
    begin = start + answers.end_byte
    last = np.minimum(np.searchsorted(ends, begin, side="right"), most)
    return (
        np.where(ends[border] == behind, border, -1),
        np.where(ends[last] - spans[last] == begin, last, -1),
        np.asarray(unsure),
    )


def by_offsets(encoding: Encoding, border: int, end: int) -> tuple[int, int]:
    """The same of one answer, from an encoding with offsets; by the token's number in this encoding."""
    before, last = encoding.char_to_token(border), encoding.char_to_token(end)
    characters = None if before is None else encoding.token_to_chars(before)
    ends_there = characters is not None and characters[1] == border + 1
    return before if before is not None and ends_there else -1, -1 if last is None else last
