"""The train stage: fine-tuning of a base model on one mixture, with the loss on assistant turns only.

Writes `model/` (what transformers and vLLM load) and `training.json`; by LoRA also `adapter/`, whose products `model/`
holds merged. Any AutoModelForCausalLM; float32 on a CPU (said
in the log where the precision says otherwise, and recorded), bfloat16 autocast over float32 weights on a GPU where the
precision says bfloat16; over several ranks weights, gradients and moments are sharded. Rows held back (inputs
`validation:<LANG>`, in the mix's languages or not) give a loss per language at the end, and every `validate_every`
steps. On a CPU the result is a function of the parameters, the inputs and the thread count; a run that was stopped or
killed goes on from its newest checkpoint and ends with the same bits.

Execution settings: `threads`, `micro_batch_tokens` (padded tokens of one forward pass), `logits_at_once` (targets whose
logits are held at the same time), `checkpoint_seconds`, `hang_seconds` (jobs.train.hang), `trackers`, `spike_factor`,
and those of speed and memory that docs/training.md measures: `attention`, `compile`, `recompute`, `offload`,
`prefetch`. What each step took is left beside the attempt's logs (jobs.train.meter): it is no part of the result.
"""

import time
from collections.abc import Container, Mapping
from contextlib import ExitStack, nullcontext
from pathlib import Path

import torch
from accelerate import Accelerator
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from jobs.lib.context import Context
from jobs.lib.model.execution import computing, described, return_large_blocks, tell_unused_gpus, threads_of
from jobs.lib.model.loading import (
    check_ids,
    choose_device,
    configuration,
    embedded,
    load_model,
    load_tokenizer,
    max_positions,
    padding_id,
    routes,
)
from jobs.lib.model.template import ChatFormat
from jobs.lib.ranks import Ranks
from jobs.lib.token_set import TokenSet
from jobs.train import agreement
from jobs.train.ahead import AHEAD
from jobs.train.attention import FLASH, Choice, absent_kernels, choose
from jobs.train.checkpoint import History
from jobs.train.compiling import check_compiler, compiled
from jobs.train.keeping import Keeper
from jobs.train.meter import Meter
from jobs.train.mixture import Mixture
from jobs.train.pulse import Pulse
from jobs.train.recomputing import recompute
from jobs.train.record import describe
from jobs.train.saving import save_model
from jobs.train.sharding import load_sharded, mine
from jobs.train.spikes import Spikes
from jobs.train.trackers import Trackers, check_installed
from jobs.train.training import Layout, Trainer
from jobs.train.validation import validate
from polyglot.core.canonical import Json
from polyglot.core.errors import Interrupted, Permanent
from polyglot.core.records import to_json
from polyglot.kinds.mix import IndexRow
from polyglot.kinds.tokenize import TokenCard
from polyglot.kinds.train import TrainingRecord, TrainParams, TrainSettings, ValidationStep, clash
from polyglot.kinds.train_forecast import MICRO_BATCH_TOKENS


def run(context: Context) -> None:
    """Train, then write the model and the record of its training."""
    params = TrainParams.of(context.stage)
    if (params.steps is None) == (params.epochs is None):
        raise Permanent(f"steps and epochs: got {params.steps} and {params.epochs}; expected exactly one of them")
    settings = TrainSettings.of(context.settings)
    check_installed(settings.trackers or ())
    _check_settings(context, params, settings)
    threads = threads_of(context)
    return_large_blocks()
    tell_unused_gpus(context)
    with (
        ExitStack() as listening,  # ends last: no rank waits while one tells the rest
        computing(threads, deterministic=choose_device().type == "cpu"),
        agreement.met(Ranks.read(), context) as pulse,
    ):
        _train(context, params, settings, threads, pulse, listening)


def _train(
    context: Context, params: TrainParams, settings: TrainSettings, threads: int, pulse: Pulse, listening: ExitStack
) -> None:
    ranks = Ranks.read().ranks
    accelerator = Accelerator(cpu=choose_device().type == "cpu")
    pulse.at("fetching its inputs", files=True)
    base = context.inputs["base"].directory("model")
    mixture = _mixture(context)
    tokenizer = load_tokenizer(base)
    chat = ChatFormat(tokenizer, _template(context, mixture))
    pulse.at("loading the model", files=True)
    model, dtype = _load(context, params, settings, base, accelerator.device, ranks)
    kept = torch.float32 if params.precision == "float32" else dtype
    adapter = None
    if params.method == "lora":
        from jobs.train import adapters  # peft takes its time

        adapter = adapters.attach(model, params, seed=context.stage.seed or 0, log=context.log)
    validation = _token_sets(context, "validation")
    _check_fit("mix", mixture, model, tokenizer)
    for language, tokens in validation.items():
        _check_fit(f"validation:{language}", tokens, model, tokenizer)
    if settings.recompute:
        recompute(model, settings.recompute, context.log)
    pulse.at("trying the model")
    trainer = Trainer(
        model,
        mixture,
        params,
        seed=context.stage.seed or 0,
        layout=_layout(settings, accelerator.device, pad_id=padding_id(tokenizer, embedded(model))),
        accelerator=accelerator,
        pulse=pulse,
    )
    if trainer.precision != params.precision:
        context.log.warning("computing in %s: %s is for GPUs only", trainer.precision, params.precision)
    with compiled(model, context.log) if settings.compile else nullcontext():
        history = _steps(context, trainer, settings, validation, listening)
    pulse.at("checking the weights", step=0)
    _check_weights(trainer)
    if settings.recompute:
        model.activation_checkpointing_disable()  # type: ignore[no-untyped-call]
    record = describe(trainer, history)
    if adapter is not None:
        adapters.write(adapter, context.out / "adapter", context.inputs["base"], first=trainer.rank == 0)
        model = adapters.merge(adapter)
    save_model(model, base, context.out / "model", chat=chat, dtype=kept, first=trainer.rank == 0, pulse=pulse)
    pulse.at("the last exchange")
    if trainer.rank == 0:
        (context.out / "training.json").write_bytes(to_json(record) + b"\n")
        execution: dict[str, Json] = dict(described(threads, dtype=trainer.precision, ranks=trainer.ranks))
        execution["attention"] = model.config._attn_implementation
        if settings.compile:
            execution["compiled"] = True
        _count(context, record, execution)
    accelerator.wait_for_everyone()
    accelerator.end_training()


def _layout(settings: TrainSettings, device: torch.device, *, pad_id: int) -> Layout:
    return Layout(
        micro_batch_tokens=settings.micro_batch_tokens or MICRO_BATCH_TOKENS[device.type],
        pad_id=pad_id,
        logits_at_once=settings.logits_at_once,
        prefetch=AHEAD if settings.prefetch is None else settings.prefetch,
    )


def _count(context: Context, record: TrainingRecord, execution: Mapping[str, Json]) -> None:
    """What the manifest says of the training."""
    context.metrics.update(
        steps=record.steps,
        samples=record.samples,
        epochs=record.epochs,
        final_loss=record.final_loss,
        loss_tokens=sum(record.loss_tokens_per_language.values()),
        execution=execution,
    )


def _check_settings(context: Context, params: TrainParams, settings: TrainSettings) -> None:
    """Raise Permanent for what does not go together, or wants a compiler that is not there."""
    device = choose_device()
    if said := clash(params.document(), context.settings):
        raise Permanent(f"{said}. Take one of the two")
    if params.optimizer == "adamw-8bit":
        check_compiler("optimizer adamw-8bit", device)
    if settings.compile:
        check_compiler("compile", device)
    if settings.attention == "flex" and device.type == "cuda":
        check_compiler("attention flex", device)


def _load(
    context: Context, params: TrainParams, settings: TrainSettings, base: Path, device: torch.device, ranks: int
) -> tuple[PreTrainedModel, torch.dtype]:
    """The model with float32 weights, sharded over several ranks or offloaded; and the type of its files."""
    on_gpu, offload = device.type == "cuda", bool(settings.offload)
    half, packed = on_gpu and params.precision == "bfloat16", params.packing != "none"
    choice = _attention(settings.attention, base, on_gpu=on_gpu, half=half, packed=packed)
    if offload and not on_gpu:
        context.log.warning("offload: nothing is gained without a GPU: all lies in the processor's memory anyway")
    if ranks > 1 or offload:
        found = load_sharded(
            base, ranks=ranks, device=device, attention=choice.implementation, half=half, offload=offload
        )
    else:
        model = load_model(base, dtype=None, device=device, attention=choice.implementation)
        found = model, model.dtype
        model.to(torch.float32)  # type: ignore[arg-type]
        if half and routes(model.config):
            context.log.warning("experts compute in float32 on one GPU: grouped products do not follow autocast")
    context.log.info("attention: %s, %s", found[0].config._attn_implementation, choice.why)
    if packed and not on_gpu:
        context.log.info("packing: on a processor rows without it are faster (docs/performance.md)")
    return found


def _attention(asked: str | None, base: Path, *, on_gpu: bool, half: bool, packed: bool) -> Choice:
    wanted = on_gpu and half and (asked in FLASH or (asked is None and packed))
    absent = absent_kernels(configuration(base)) if wanted else {}
    return choose(asked, on_gpu=on_gpu, half=half, packed=packed, absent=absent)


def _check_weights(trainer: Trainer) -> None:
    """Raise Permanent when a weight of any rank is no number. A collective."""
    good = all(bool(mine(tensor).isfinite().all()) for tensor in trainer.model.parameters())
    if not agreement.all_say(good, trainer.ranks, trainer.device):
        raise Permanent(f"step {trainer.steps}: the weights are no numbers after it; the run has diverged")


def _steps(
    context: Context,
    trainer: Trainer,
    settings: TrainSettings,
    validation: Mapping[str, TokenSet],
    listening: ExitStack,
) -> History:
    """Run every step that is still to be done; save now and then, and when asked to stop.

    Who records and is told the steps goes on in the background until `listening` is closed.
    """
    every_steps = trainer.params.checkpoint_steps
    keeper = Keeper(context, trainer, every_steps=every_steps, every_seconds=float(settings.checkpoint_seconds or 0))
    history = keeper.resume()
    started, first = time.monotonic(), len(history.losses)
    spikes = Spikes(trainer, settings.spike_factor, context.log)
    tokens, validating = 0, 0.0
    validate_every = trainer.params.validate_every or trainer.steps
    named = settings.trackers or ()
    trackers = listening.enter_context(
        Trackers(named if trainer.rank == 0 else (), context, first=first, told=trainer.params.document())
    )
    meter = listening.enter_context(Meter(context, trainer, listen=trackers.row))
    for number in range(first, trainer.steps):
        began = time.monotonic()
        history.losses.append(trainer.step(number))
        history.norms.append(trainer.gradient_norm)
        tokens += int(trainer.mixture.lengths[trainer.order.step(number)].sum())
        seconds, validated = time.monotonic() - began, 0.0
        if validation and ((number + 1) % validate_every == 0 or number + 1 == trainer.steps):
            began = time.monotonic()
            history.validation.append(ValidationStep(step=number + 1, languages=validate(trainer, validation)))
            validated = time.monotonic() - began
            validating += validated
            trackers.validation(history.validation[-1])
        meter.step(number, history.losses[-1], seconds, validation_seconds=validated)
        spikes.look(history)
        context.progress(number + 1, trainer.steps, "steps", loss=history.losses[-1])
        stalled = keeper.stalled_seconds
        stop = keeper.after_step(history)
        meter.stalled(keeper.stalled_seconds - stalled)
        if stop:
            raise Interrupted(f"asked to stop; saved after step {len(history.losses)}")
    meter.send()
    keeper.finish()
    seconds = time.monotonic() - started - validating
    context.volatile.update(train_seconds=seconds, tokens=tokens, resumed_from_step=first)
    context.volatile.update(meter.summary())
    context.volatile.update(checkpoints=keeper.stored, checkpoint_stall_seconds=keeper.stalled_seconds)
    if validating:
        context.volatile["validation_seconds"] = validating
    if seconds > 0:
        context.volatile["tokens_per_second"] = tokens / seconds
    return history


def _mixture(context: Context) -> Mixture:
    rows = context.inputs["mix"].lines("index.jsonl", IndexRow)
    index = [(row.language, row.row) for row in rows]
    wanted = {language for language, _ in index}
    mixture = Mixture(_token_sets(context, "tokens", wanted), index)
    if int(mixture.supervised.sum()) == 0:
        raise Permanent(f"mix: none of the {len(mixture)} samples has a supervised token: there is nothing to learn")
    return mixture


def _token_sets(context: Context, role: str, wanted: Container[str] | None = None) -> dict[str, TokenSet]:
    """The inputs `<role>:<LANG>` of the wanted languages, or of all that there are; in alphabetical order."""
    named = {name.partition(":"): artifact for name, artifact in sorted(context.inputs.items())}
    return {
        language: TokenSet(artifact.path("tokens.arrow"))
        for (kind, _, language), artifact in named.items()
        if kind == role and language and (wanted is None or language in wanted)
    }


def _template(context: Context, mixture: Mixture) -> str:
    """The chat template of the mixture's token sets, which the trained model will ship."""
    cards = (context.inputs[f"tokens:{language}"].read("card.json", TokenCard) for language in mixture.languages)
    templates = {card.template for card in cards}
    if len(templates) != 1:
        raise Permanent(f"mix: token sets of different chat templates: {', '.join(sorted(templates))}")
    return templates.pop()


def _check_fit(
    what: str, samples: Mixture | TokenSet, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> None:
    """Refuse samples that the model cannot see whole, and token ids that it has no embedding of."""
    limit, longest = max_positions(model), int(samples.lengths.max(initial=0))
    if limit is not None and longest > limit:
        too_long = int((samples.lengths > limit).sum())
        raise Permanent(
            f"{what}: {too_long} samples are longer than the model's {limit} positions, the longest has {longest} "
            f"tokens; set max_tokens to {limit} or less"
        )
    check_ids(what, samples.largest_id(), embedded(model), tokenizer)
