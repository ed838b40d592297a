"""The pre-training text as token blocks: each begins with BOS, and documents in it end in EOS."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import torch

from jobs.builtin.text import documents
from jobs.lib.model.template import ChatFormat
from polyglot.kinds.base import BaseParams

TOKENIZER_LINES = 20_000
_BATCH = 1000


def lines(params: BaseParams, seed: int) -> Iterator[str]:
    """The text that the tokenizer is trained on: the first documents, dialogues in their parts."""
    for document in islice(documents(params.shares, params.systems, seed), TOKENIZER_LINES):
        if isinstance(document, str):
            yield document
        else:
            system, user, assistant = document
            yield f"System: {system}\nUser: {user}\nAssistant: {assistant}"


def make_blocks(params: BaseParams, tokenizer: Any, seed: int) -> torch.Tensor:
    """Return int64 ids of shape (steps * batch_size, block_tokens). What a block's end cuts is lost."""
    chat = ChatFormat(tokenizer)
    stream = documents(params.shares, params.systems, seed)
    rows, count = list[list[int]](), params.steps * params.batch_size
    row = [chat.tokenizer.bos_token_id]
    while len(rows) < count:
        for ids in _encode(list(islice(stream, _BATCH)), chat):
            row += ids
            if len(row) >= params.block_tokens:
                rows.append(row[: params.block_tokens])
                row = [chat.tokenizer.bos_token_id]
    return torch.tensor(rows[:count])


def _encode(batch: list[str | tuple[str, str, str]], chat: ChatFormat) -> Iterator[list[int]]:
    plain = [document for document in batch if isinstance(document, str)]
    encoded = iter(chat.tokenizer(plain, add_special_tokens=False)["input_ids"])
    for document in batch:
        if isinstance(document, str):
            yield [*next(encoded), chat.eos_id]
        else:
            system, user, assistant = document
            turns = _turns(user, assistant)
            yield chat.encode(turns, system).input_ids[1:]  # less its BOS: it stands inside a block


def _turns(user: str, assistant: str) -> list[Mapping[str, str]]:
    return [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]
