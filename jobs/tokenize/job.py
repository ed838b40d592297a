"""The tokenize stage: one language's rows as token ids and loss mask, under one tokenizer and chat template.

Writes `tokens.arrow` (columns id, input_ids, loss, and characters, words and number of the answers; rows in the order
of the data set's file) and `card.json`: counts, fertility, and by id every row that was dropped or truncated. Rows
stream through in chunks of columns, one chunk a thread, so memory stays bounded whatever the size, and the result does
not depend on the threads. A truncated row keeps its first `max_tokens` tokens (its last answer then has no EOS); one
that has no supervised token left is dropped.

Execution setting: `threads`, by default the CPUs that the stage was given.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import msgspec
import pyarrow as pa

from jobs.lib.context import Context
from jobs.lib.model.execution import threads_of
from jobs.lib.model.loading import check_ids, load_tokenizer, vocabulary
from jobs.lib.model.template import ChatFormat
from jobs.lib.rows.by_id import count_lines
from jobs.tokenize.bulk import BulkFormat, one_thread_a_call
from jobs.tokenize.columns import Rows, chunks, parse
from jobs.tokenize.row_counts import SCHEMA, RowCounts
from jobs.tokenize.tokens import Tokens
from polyglot.core.errors import Permanent
from polyglot.core.records import to_json
from polyglot.kinds.templates import PAPER
from polyglot.kinds.tokenize import TokenizeParams

CHUNK_BYTES = 1 << 19
ENDLESS = "The tokenizer's chat template puts no control token behind an answer, so answers would never end."


def run(context: Context) -> None:
    """Tokenize every row of the language, then describe the result in the card."""
    params = TokenizeParams.of(context.stage)
    base = context.inputs["base"].directory("model")
    tokenizer, embeds = load_tokenizer(base), vocabulary(base)
    source = context.inputs["rows"].path(f"{params.part}/{params.language}.jsonl")
    chat = ChatFormat(tokenizer, params.template, template_date=params.template_date)
    tally = RowCounts(params, tokenizer.unk_token_id)
    total = count_lines(source)
    threads = max(1, min(threads_of(context), source.stat().st_size // CHUNK_BYTES))
    with pa.OSFile(str(context.out / "tokens.arrow"), "wb") as sink, pa.ipc.new_file(sink, SCHEMA) as writer:
        for rows, tokens in _encoded(source, BulkFormat(chat, params.system, shared=threads > 1), threads):
            if tokens.slow:
                tokens = tokens.with_slow(chat.encode_many([rows.turns(row) for row in tokens.slow], params.system))
            check_ids(params.language, int(tokens.ids.max(initial=-1)), embeds, tokenizer)
            batch = tally.take(rows, tokens)
            if batch.num_rows:
                writer.write_batch(batch)
            context.progress(tally.read, total, "rows", tokens=tally.tokens)
            context.raise_if_stopping()
    if tally.rows == 0:
        reasons = tally.reasons() or "no rows"
        remedy = f'. {ENDLESS} Set the model\'s template to "{PAPER}"' if "eos-not-encoded" in reasons else ""
        remedy = remedy or f". Raise `training.max-tokens`: it is {params.max_tokens}" * ("over-long" in reasons)
        raise Permanent(f"{params.language}: none of {tally.read} rows can be trained on: {reasons}{remedy}")
    card = msgspec.structs.replace(tally.card(), turn_end=chat.name_of_end(chat.end_id), **chat.unusual)
    (context.out / "card.json").write_bytes(to_json(card) + b"\n")
    context.metrics.update(
        rows=tally.rows, tokens=tally.tokens, loss_tokens=tally.loss_tokens, dropped=len(tally.dropped)
    )


def _encoded(source: Path, bulk: BulkFormat, threads: int) -> Iterator[tuple[Rows, Tokens]]:
    """The file's rows and their tokens, in its order; at most a chunk a thread is held, and one that is ready."""

    def encode(chunk: bytes) -> tuple[Rows, Tokens]:
        rows = parse(chunk, source.name)
        return rows, bulk.encode(rows)

    with one_thread_a_call(), ThreadPoolExecutor(threads, thread_name_prefix="tokenize") as pool:
        ahead: deque[Future[tuple[Rows, Tokens]]] = deque()
        try:
            for chunk in chunks(source, CHUNK_BYTES):
                ahead.append(pool.submit(encode, chunk))
                if len(ahead) > threads:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
