"""Two-turn answers of one model to one benchmark."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, ClassVar, Literal, cast

from pydantic import Field

from polyglot.core.canonical import Json
from polyglot.core.records import UNSET, Record, UnsetType
from polyglot.core.section import Count, Section
from polyglot.core.stage import Resources, Stage
from polyglot.kinds.forecast import (
    CHARACTERS_PER_TOKEN,
    GPU_CONTEXT_BYTES,
    GPU_PROCESS_BYTES,
    PROCESS_BYTES,
    START_SECONDS,
    Ask,
    Facts,
    Forecast,
    Read,
    Texts,
)
from polyglot.kinds.kind import GIB, MODEL_LIBRARIES, Kind, Language, Params, Traits, always
from polyglot.kinds.settings import Settings
from polyglot.kinds.shape import Shape
from polyglot.kinds.templates import OWN, PAPER, TEMPLATES, TemplateDate, TemplateName

# MT-Bench's temperatures by category; categories not named (math, coding, reasoning, extraction, any other) use 0.
MT_BENCH_TEMPERATURES = {"writing": 0.7, "roleplay": 0.7, "stem": 0.1, "humanities": 0.1}


class Answers(Section):
    """How models answer; the defaults are MT-Bench's."""

    max_new_tokens: int = Field(1024, ge=1, le=2**20)
    """A turn."""
    temperatures: Mapping[str, Annotated[float, Field(ge=0, le=2)]] = Field(
        default_factory=lambda: dict(MT_BENCH_TEMPERATURES)
    )
    """By category; `{}` answers greedily throughout."""
    default_temperature: float = Field(0.0, ge=0, le=2)
    """Of every other category."""
    top_k: int = Field(0, ge=0, le=2**20)
    """0 is off."""
    top_p: float = Field(1.0, gt=0, le=1)
    samples: int = Field(1, ge=1, le=1000)
    """Answers to each question."""
    dtype: Literal["float32", "bfloat16"] = "bfloat16"


class AnswerParams(Answers, Params):
    """Two-turn answers of one model to one benchmark."""

    kind: ClassVar[str] = "answer"

    languages: tuple[Language, ...]
    template: TemplateName = PAPER
    systems: Mapping[Language, str]
    template_date: TemplateDate = None
    night: str = ""  # of a nightly evaluation: the same model's answers, made anew
    backend: Literal["transformers"] = "transformers"
    stops: tuple[str, ...] = TEMPLATES[PAPER].stops  # of the template, besides EOS


EngineName = Literal["transformers", "vllm"]
USUAL_ENGINE: EngineName = "transformers"


class AnswerSettings(Settings):
    """Of generation."""

    engine: EngineName = USUAL_ENGINE
    """What computes the answers."""
    batch_size: Count | None = None
    """Questions that are answered at once."""
    memory_share: float | None = Field(None, ge=0.1, le=0.98)
    """Of each GPU, that engine vllm takes for weights and cache; 0.9 where nothing is said."""


def engine_of(settings: Mapping[str, Json]) -> EngineName:
    """The engine that settings name, else the usual one."""
    return cast(EngineName, settings.get("engine") or USUAL_ENGINE)


class AnswerTurn(Record):
    """One turn of an answer."""

    text: str  # without the stop string
    tokens: int  # generated, those of EOS and of the stop string included
    finish: str  # "eos" (a token that ends a turn), "stop" or "length"
    stop: str | None = None  # the stop string that ended it
    end: str | UnsetType = UNSET  # the token that ended it, if it is not the tokenizer's EOS


class Answer(Record):
    """`answers/<LANG>.jsonl`: one model's answer to one question, in the order of questions and samples."""

    id: str  # of the question
    language: Language
    category: str
    turns: tuple[AnswerTurn, ...]  # of a question that failed, those that it got
    sample: int = 0
    error: str | None = None
    batching: str | UnsetType = UNSET  # what its model bears, if it is not questions of any lengths in one batch


Place = tuple[str, int, int]  # question, sample, turn


def texts_by_place(answers: Iterable[Answer]) -> dict[Place, str]:
    """The answers of one cell in one language, turn by turn."""
    return {(row.id, row.sample, number): turn.text for row in answers for number, turn in enumerate(row.turns, 1)}


class AnswerCounts(Record):
    """One language."""

    questions: int
    failed: int
    turns: int
    cut: int  # turns that ended at `max_new_tokens`
    cut_share: float
    tokens: int
    stopped: int | UnsetType = UNSET  # turns that ended before a stop string
    ended: dict[str, int] | UnsetType = UNSET  # turns that ended with a token: "eos", or another one's text


class AnswerCard(Record):
    """`card.json`."""

    languages: dict[Language, AnswerCounts]
    batching: str | UnsetType = UNSET  # of the answers
    engine: str | UnsetType = UNSET  # what computed them, with its version, if it is not the usual one
    system_role: str | UnsetType = UNSET  # of the tokenizer's own template, as in the card of a token set
    date: str | UnsetType = UNSET  # likewise
    endpoint: str | UnsetType = UNSET  # of answers that were asked for, as the next two
    model: str | UnsetType = UNSET
    served_by: tuple[str, ...] | UnsetType = UNSET  # names that the endpoint gave
    fingerprints: tuple[str, ...] | UnsetType = UNSET  # that it gave of what serves it


TURNS = 2
QUESTION_TOKENS = 120  # of a turn, system message and template included, where nobody knows
CHAT_TOKENS = 300.0  # of an answer of a chat model, assumed
# Tokens of the first prompts of a group, padding included: few long questions are answered at once, many short ones
GROUP_TOKENS = {"cpu": 16384, "cuda": 65536}
PROMPTS_AT_ONCE = 4  # that are computed together, of similar lengths
SPARE_TOKENS = 128  # a question, for which the cache has room beside what it holds
SPREAD = 7.0  # MT-Bench-X's longest turn over its mean one
_LONGEST = 2.0  # a batch goes on for so many mean answers, and so long is its cache
_LAYER_SECONDS = 0.8e-3  # of a step on a GPU: starting its kernels


def known_answers(stage: Stage, read: Read) -> Facts:
    """How much was answered."""
    card: AnswerCard = read("card.json", AnswerCard)
    texts = {
        language: Texts(rows=count.questions, answers=count.turns, tokens=count.tokens)
        for language, count in card.languages.items()
    }
    turns = sum(count.turns for count in card.languages.values())
    tokens = sum(count.tokens for count in card.languages.values())
    return Facts(source="the card of the answers", texts=texts, answer_tokens=tokens / turns if turns else None)


def _estimate(ask: Ask) -> Forecast:
    params, model, questions = AnswerParams.of(ask.stage), ask.inputs["model"], ask.inputs["questions"]
    asked = {one: questions.texts[one].rows * params.samples for one in params.languages if one in questions.texts}
    count = sum(asked.values())
    if model.shape is None or not count:
        what = "the model's shape" if model.shape is None else "the number of questions"
        return Forecast(memory={"process": PROCESS_BYTES}, lacking=(what,))
    prompt = prompt_tokens(questions, count, params.systems, params.samples)
    mean, source = _answer_tokens(params, model, prompt)
    steps = min(_LONGEST * mean, float(params.max_new_tokens))
    shape, gpu = model.shape, ask.resources.gpus > 0
    rows = min(_batch(ask), -(-count // max(1, ask.resources.ranks)))
    second = TURNS * prompt + mean  # the second turn's prompt has the first one's answer
    place = min(second + steps, float(shape.positions or second + steps))
    # the cache is as wide as its longest; second prompts are of other lengths than the first, which a group is made by
    spread = max((texts.spread or SPREAD for texts in questions.texts.values()), default=SPREAD)
    many = min(rows, max(1.0, GROUP_TOKENS["cuda" if gpu else "cpu"] // prompt))
    width = min(max(1.0, 0.35 * (spread + 1)) * second, float(shape.positions or math.inf))
    vllm = engine_of(ask.settings) == "vllm"
    prompts, spare = (many, 0) if vllm else (min(many, PROMPTS_AT_ONCE), SPARE_TOKENS if gpu else 0)
    wide = max(place, width + steps) + spare
    held = _memory(shape, params, rows=many, prompts=prompts, prompt=width, place=wide)
    held["process"] = GPU_CONTEXT_BYTES if gpu else PROCESS_BYTES
    if vllm:
        held = _memory_of_vllm(held, ask, one=int(place * shape.cache_numbers * DTYPE_BYTES[params.dtype]))
    ended = Forecast(
        memory=held,
        host_bytes=GPU_PROCESS_BYTES if gpu else None,
        parameters=shape.parameters,
        tokens=TURNS * count * mean,
        disk_bytes=shape.parameters * shape.dtype_bytes + int(TURNS * count * mean * 6),
        sources={"parameters": model.source, "tokens": f"{questions.source}; answers {source}, {mean:.0f} tokens"},
        result=Facts(
            source=f"answers {source}",
            texts={one: Texts(rows=rows, answers=TURNS * rows) for one, rows in asked.items()},
            answer_tokens=mean,
        ),
    )
    if ask.device is None:
        return replace(ended, lacking=("the GPU's name: write `device:` into the profile or its pool",))
    # each step reads all weights and the cache, and multiplies by all weights
    width = DTYPE_BYTES[params.dtype]
    read = shape.parameters * width + rows * place / 2 * shape.cache_numbers * width
    step = max(read / ask.device.bytes_per_second, 2 * (shape.multiplied + shape.head) * rows / ask.device.flops)
    batches = -(-count // rows) / max(1, ask.resources.ranks)
    prefill = 2 * shape.multiplied * rows * TURNS * prompt / ask.device.reached  # an answer's keys are there
    starting = _LAYER_SECONDS * shape.layers * steps if gpu else 0.0  # to the longest answer's end
    seconds = batches * TURNS * (mean * step + starting) + batches * prefill
    return replace(ended, seconds=START_SECONDS + seconds, sources={**ended.sources, "time": str(ask.device)})


def _answer_tokens(params: AnswerParams, model: Facts, prompt: float) -> tuple[float, str]:
    """How long the mean answer will be, and why; no longer than the model's positions have room for."""
    room = model.shape.positions - prompt if model.shape is not None and model.shape.positions else math.inf
    most = min(float(params.max_new_tokens), max(1.0, room))
    if model.answer_tokens:
        return min(model.answer_tokens, most), "as long as what the mix teaches"
    if params.template == OWN:
        return min(CHAT_TOKENS, most), "as long as a chat model's, assumed"
    return most, "to the length limit, as nothing ends them"


MEMORY_SHARE = 0.9  # of each GPU that vllm takes where nothing is said
VLLM_PROCESS_BYTES = 2 * GIB  # of the machine, without weights and cache
DTYPE_BYTES = {"float32": 4, "bfloat16": 2}


def _memory(
    shape: Shape, params: AnswerParams, *, rows: float, prompts: float, prompt: float, place: float
) -> dict[str, int]:
    """Weights, the cache of a group (a layer's is copied as it grows), a layer's work over the prompts, logits.

    Each row is `prompt` tokens wide at its last turn's beginning, and `place` at its end, padding included; the prompts
    of `prompts` rows are computed at once.
    """
    width = DTYPE_BYTES[params.dtype]
    inner = 3 * shape.intermediate * shape.experts_at_once
    return {
        "weights": shape.parameters * width,
        "cache": int(rows * place * shape.cache_numbers * width * (1 + 1 / shape.layers)),
        "activations": int(prompts * prompt * (inner + 4 * shape.hidden) * width),
        "logits": int(rows * shape.vocabulary * 4 * (5 if params.temperatures or params.default_temperature else 3)),
    }


def _memory_of_vllm(held: Mapping[str, int], ask: Ask, *, one: int) -> dict[str, int]:
    """On each GPU its share, which its cache fills up; on a processor less cache will do.

    `one` is the cache of one conversation, which there must be room for.
    """
    gpus = ask.resources.gpus
    if not gpus:
        cache = min(held["cache"], max(one, GIB))
        return {**held, "weights": int(1.1 * held["weights"]), "cache": cache, "process": VLLM_PROCESS_BYTES}
    parts = {name: amount // gpus for name, amount in held.items()} | {"process": held["process"]}
    if ask.device is None:
        return parts
    share = ask.settings.get("memory_share")
    given = int(ask.device.memory_bytes * (share if isinstance(share, int | float) else MEMORY_SHARE))
    others = sum(parts.values()) - parts["cache"]
    if others + one // gpus > given:  # so that what is left of the GPU does not count
        return {**parts, "cache": one // gpus, "not given": ask.device.memory_bytes - given}
    return {**parts, "cache": given - others}


def _batch(ask: Ask) -> int:
    size = ask.settings.get("batch_size")
    return size if isinstance(size, int) and size else 64


def prompt_tokens(questions: Facts, count: float, systems: Mapping[str, str], samples: int) -> float:
    """The mean of a turn's question with its system message and template."""
    characters = sum(texts.characters or 0.0 for texts in questions.texts.values())
    if not characters or not count:
        return QUESTION_TOKENS
    system = sum(map(len, systems.values())) / max(1, len(systems))
    return (characters * samples / count / TURNS + system) / CHARACTERS_PER_TOKEN + 12


KIND = Kind(
    params=AnswerParams,
    settings=AnswerSettings,
    defaults={"threads": 1, "batch_size": 256},
    inputs={"model": ("train", "base"), "questions": ("ingest",)},
    files={"answers/<LANG>.jsonl": Answer, "card.json": AnswerCard},
    offers=lambda params: {"answers": "answers/"},
    resources=Resources(memory_bytes=4 * GIB),
    costly=True,
    computed_by=engine_of,
    environment=lambda settings: "vllm" if engine_of(settings) == "vllm" else "",
    ranks="shards",
    spans_gpus=lambda settings: engine_of(settings) == "vllm",
    at_once={"batch_size": 256},
    nightly=True,
    libraries=MODEL_LIBRARIES,
    kernels=True,
    traits=always(Traits(loads_model=True)),
    estimate=_estimate,
    known=known_answers,
)
