"""What a kind says of a stage before it runs: what it needs, and what its result will be like.

A kind's `estimate` is a pure function from an `Ask` to a `Forecast`. What comes before a stage is known by its `Facts`,
from the record of a committed result (the kind's `known`), or else from the forecast of the stage that will make it. So
a plan is forecast in its order, and each figure says where it comes from.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from polyglot.core.canonical import Json
from polyglot.core.stage import Resources, Stage
from polyglot.kinds.device import Device
from polyglot.kinds.shape import Shape

MIB = 2**20
# Measured (tests/bench/cost_estimate.py): resident size of a worker that has imported what its job needs.
PROCESS_BYTES = 800 * MIB  # torch, transformers, accelerate; less where it was forked from a warm server
LIGHT_BYTES = 400 * MIB  # no model
GPU_CONTEXT_BYTES = 1024 * MIB  # of a GPU: CUDA's context, workspaces of its libraries, gaps between tensors
GPU_PROCESS_BYTES = 3072 * MIB  # of the machine, beside a GPU
START_SECONDS = 4.0  # of a worker that loads a model: its start, its inputs, its result's way to the store

CHARACTERS_PER_TOKEN = 3.5  # of European text under a vocabulary of 32,000 and more
SMALL_VOCABULARY, SMALL_CHARACTERS_PER_TOKEN = 8192, 2.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Rows of one language, or of a mix. None: nobody knows. `answers` counts assistant turns, `characters` all.

    `tokens` are under a model's tokenizer, `loss_tokens` those that are learnt, `longest` of one row.
    """

    rows: float
    answers: float | None = None
    characters: float | None = None
    answer_characters: float | None = None  # of the assistant's turns
    tokens: float | None = None
    loss_tokens: float | None = None
    longest: int | None = None
    spread: float | None = None  # the user's longest turn over the mean one


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a result, and in words from where. `texts` are by language; `answer_tokens` of one answer."""

    source: str = ""
    shape: Shape | None = None
    stored_bytes: int | None = None
    texts: Mapping[str, Texts] = field(default_factory=dict)
    answer_tokens: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a stage needs. None: nobody knows, and `lacking` says what of.

    `memory` is of a pod by parts, or of each of its GPUs where it has some; `host_bytes` is then of the machine beside
    them.
    `sources` says in words where a figure comes from.
    """

    memory: Mapping[str, int] = field(default_factory=dict)
    host_bytes: int | None = None
    parameters: int | None = None
    tokens: float | None = None
    seconds: float | None = None
    disk_bytes: int | None = None
    calls: float | None = None
    prompt_tokens: float | None = None
    completion_tokens: float | None = None
    usd: float | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()
    smaller: tuple[tuple[str, int], ...] = ()  # what could be set, in words, and the bytes that it leaves needed
    result: Facts = field(default_factory=Facts)

    @property
    def memory_bytes(self) -> int | None:
        """Of a rank, all parts together."""
        return sum(self.memory.values()) if self.memory else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One way to spread a stage over GPUs, and what is then set; `gpus` of each of `ranks` pods."""

    gpus: int
    ranks: int
    settings: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """How much one language of a published set has; `characters` of a row, all turns together."""

    rows: int
    characters: float
    source: str


class Sources(Protocol):
    """What lies outside of the store, as far as it can be looked at; None and False where it cannot."""

    def local(self, sha256: str) -> Path | None:
        """A file that the study names, on this machine."""
        ...

    def lines(self, sha256: str) -> int | None:
        """The lines of such a file, of JSON Lines, that are not blank."""
        ...

    def published_config(self, hub: str, revision: str) -> tuple[Mapping[str, Json] | None, str]:
        """The configuration of a published model, and from where, or why there is none."""
        ...

    def published_amounts(self, named: str) -> Amounts | None:
        """What the catalogue says of a published set, by its repository, or by the SHA-256 of one of its files."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A stage whose forecast is wanted. `inputs` are the facts of its inputs by role."""

    stage: Stage
    settings: Mapping[str, Json]
    resources: Resources
    device: Device | None  # None: a GPU that nobody has named
    inputs: Mapping[str, Facts]
    sources: Sources

    def of(self, role: str) -> Iterable[tuple[str, Facts]]:
        """The inputs `<role>:<NAME>`, by name, or the one that is called `role` alone, by ""."""
        for name, facts in self.inputs.items():
            kind, _, rest = name.partition(":")
            if kind == role:
                yield rest, facts


Estimate = Callable[[Ask], Forecast]
Read = Callable[[str, type[Any]], Any]  # a file of an artifact, as a record of a class; raises Missing, Corrupt
