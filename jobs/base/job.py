"""The base stage: bring a base model into the store, so that every later stage reads it like any artifact.

Built in: a byte-level BPE tokenizer and a tiny Llama, pre-trained here in the study's language shares. From a hub or
from files: copied after it was checked; pickle weights and repository code are refused, and a tokenizer that is code is
read from its SentencePiece model instead. Writes `model/` and `training.json`. On a CPU the built-in result is a
function of parameters, seed, thread count and libraries (config.json names the version of transformers); a run that was
stopped or killed goes on from its newest checkpoint and ends with the same bytes. Execution setting: `threads`; cores
that are idle are computed on too, where that gives the same bits.
"""

import shutil
import time
from pathlib import Path

from msgspec.structs import replace

from jobs.base.corpus import lines, make_blocks, train_tokenizer
from jobs.base.pretraining import Pretraining, new_model
from jobs.lib.context import Context
from jobs.lib.model.converted_pieces import replace_code
from jobs.lib.model.execution import computing, described, threads_of
from jobs.lib.model.fetching import copy_files, fetch_hub, fetch_prefix
from jobs.lib.model.loading import check_configuration, check_weights
from jobs.lib.model.spare_cores import SpareCores
from jobs.lib.model.template import ChatFormat
from polyglot.core.errors import Permanent
from polyglot.core.records import to_json
from polyglot.kinds.base import BaseParams, BaseRecord

CHECKPOINT_SECONDS = 15.0
WORTH_STEPS = 50  # fewer are over before idle cores would save what it costs to try whether they give the same bits
FETCHERS = {"hub": fetch_hub, "files": copy_files, "prefix": fetch_prefix}


def run(context: Context) -> None:
    """Make or fetch the model, check it, and record how it came about."""
    params = BaseParams.of(context.stage)
    model = context.out / "model"
    model.mkdir()
    if params.source == "built-in":
        threads = threads_of(context)
        with computing(threads, deterministic=True):
            record = _pretrain(context, params, model)
        context.metrics["execution"] = dict(described(threads, dtype="float32"))
    else:
        read_from: list[str] = []

        def check(directory: Path) -> None:
            read_from.append(replace_code(directory))
            check_configuration(directory)

        FETCHERS[params.source](params, model, context, check)
        record = BaseRecord(source=params.source, hub=params.hub, revision=params.revision)
        if params.convert is not None:
            record = replace(record, weights="converted from pickles, by a reader that runs no code of theirs")
        if any(read_from):
            record = replace(record, tokenizer=f"converted from {read_from[0]}; the repository's code was not run")
            context.log.info("tokenizer %s", record.tokenizer)
        check_weights(model)
    (context.out / "training.json").write_bytes(to_json(record) + b"\n")


def _pretrain(context: Context, params: BaseParams, out: Path) -> BaseRecord:
    seed = context.stage.seed or 0
    _check(params)
    try:
        tokenizer = train_tokenizer(lines(params, seed), params.vocabulary, params.max_positions)
        blocks = make_blocks(params, tokenizer, seed)
    except KeyError as error:
        raise Permanent(
            f"the built-in text has no language {error}; expected shares of EN, DE, FR, IT and ES"
        ) from error
    pretraining = Pretraining(new_model(params, tokenizer, seed), blocks, params)
    _steps(context, pretraining)
    pretraining.model.save_pretrained(out)
    tokenizer.chat_template = ChatFormat(tokenizer).jinja
    tokenizer.save_pretrained(out)
    parameters = sum(tensor.numel() for tensor in pretraining.model.parameters())
    context.metrics.update(final_loss=pretraining.losses[-1], parameters=parameters, vocabulary=len(tokenizer))
    return BaseRecord(
        source=params.source,
        steps=params.steps,
        tokens=int(blocks.numel()),
        parameters=parameters,
        loss=tuple(pretraining.losses),
        final_loss=pretraining.losses[-1],
    )


def _check(params: BaseParams) -> None:
    """Refuse what no model can be built from. Raises Permanent."""
    if not params.shares:
        raise Permanent("the built-in model: got no shares; expected at least one language's")
    if params.hidden_size % params.heads or params.hidden_size // params.heads % 2:
        raise Permanent(
            f"hidden_size: got {params.hidden_size}, which {params.heads} heads do not divide into even parts"
        )
    if params.block_tokens > params.max_positions:
        raise Permanent(f"block_tokens: got {params.block_tokens}; the model sees {params.max_positions} positions")


def _steps(context: Context, pretraining: Pretraining) -> None:
    directory = context.work / "checkpoint"
    if context.checkpoints.newest(directory) is not None:
        pretraining.load(directory)
    first, started, saved = len(pretraining.losses), time.monotonic(), time.monotonic()
    steps, spare = pretraining.params.steps, SpareCores(threads_of(context))
    if spare.most > spare.own and (steps - first < WORTH_STEPS or not pretraining.is_same_with(spare.most, first)):
        spare.most = spare.own  # a few steps, or a processor whose sums depend on the number of threads
    for number in range(first, steps):
        spare.look()
        loss = pretraining.step(number)
        context.progress(number + 1, steps, "steps", loss=loss)
        if number + 1 < steps and (context.stopping() or time.monotonic() - saved >= CHECKPOINT_SECONDS):
            shutil.rmtree(directory, ignore_errors=True)
            pretraining.save(directory)
            context.checkpoints.save(directory, number + 1)
            saved = time.monotonic()
            context.raise_if_stopping()
    context.volatile.update(train_seconds=time.monotonic() - started, resumed_from_step=first)
    if spare.taken_seconds:
        context.volatile["idle_cores_taken_seconds"] = round(spare.taken_seconds, 1)
