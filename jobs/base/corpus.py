"""The built-in text as a tokenizer and as blocks of tokens."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from jobs.builtin.text import documents
from jobs.lib.model.template import ChatFormat
from polyglot.kinds.base import BaseParams

BOS, EOS, PAD = "<s>", "</s>", "<pad>"


def train_tokenizer(lines: Iterable[str], vocabulary: int, max_positions: int) -> PreTrainedTokenizerFast:
    """Return a tokenizer of at most `vocabulary` tokens; encoding text begins with BOS, as Llama's does."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    bpe.train_from_iterator(
        lines,
        trainers.BpeTrainer(
            vocab_size=vocabulary,
            special_tokens=[PAD, BOS, EOS],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    bpe.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A {BOS} $B", special_tokens=[(BOS, bpe.token_to_id(BOS))]
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=bpe,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        model_max_length=max_positions,
        clean_up_tokenization_spaces=False,
    )


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


def make_blocks(params: BaseParams, tokenizer: PreTrainedTokenizerBase, seed: int) -> torch.Tensor:
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
