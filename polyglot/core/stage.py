"""A stage: one unit of work, named by the content that determines its result.

The key is the SHA-256 of the RFC 8785 form of exactly `kind + version + params + keys of inputs + seed`. Whatever
does not change the meaning of a result (image, threads, resources, retries, prices) is never in here; it is
recorded with the result as its execution.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NotRequired, TypedDict

from polyglot.core.canonical import Json, canonical, sha256_bytes


class StageDocument(TypedDict):
    """A stage as JSON: of exactly this the key is made."""

    kind: str
    version: int
    params: Mapping[str, Json]
    inputs: Mapping[str, str]
    seed: int | None


class PlanRow(TypedDict):
    """A stage of a plan as JSON, as it is kept with a submission. Older ones have no mix; what checks is in `after`."""

    label: str
    key: str
    mix: NotRequired[str]
    stage: StageDocument
    after: NotRequired[list[str]]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What a worker is asked to make. `inputs` maps a role ("base", "tokens:DE") to the key of an earlier stage."""

    kind: str
    version: int
    params: Mapping[str, Json]
    inputs: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None

    def document(self) -> StageDocument:
        """Return the stage as the JSON document whose digest is the key."""
        return {
            "kind": self.kind,
            "version": self.version,
            "params": dict(self.params),
            "inputs": dict(self.inputs),
            "seed": self.seed,
        }

    @cached_property
    def canonical(self) -> bytes:
        """The canonical form of `document()`."""
        return canonical(self.document())

    @cached_property
    def key(self) -> str:
        """64 hex digits."""
        return sha256_bytes(self.canonical)

    def as_keyed(self) -> "Stage":
        """Return it as its key has it: mappings in the order of the canonical form, whatever a plan or a store had.

        Who works on it sees no order that another one of the same key would not see, so none can be in the result.
        """
        return Stage.from_document(json.loads(self.canonical), canonical=self.canonical)

    @property
    def path(self) -> str:
        """Where the stage lies in a store."""
        return f"stages/{self.kind}/{self.key}"

    @classmethod
    def from_document(cls, document: StageDocument, canonical: bytes | None = None) -> "Stage":
        """Rebuild a stage from `document()`. Raises KeyError when a part is missing.

        `canonical`: its canonical form, where that was read; a form that is not canonical gives another key.
        """
        stage = cls(
            kind=document["kind"],
            version=document["version"],
            params=document["params"],
            inputs=document["inputs"],
            seed=document["seed"],
        )
        if canonical is not None:
            stage.__dict__["canonical"] = canonical  # where cached_property looks
        return stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What one attempt may use, or each of its `ranks`: the pods that it runs in. Never part of a key.

    Everything but `ranks` is said of one pod; the processes that share it (Kind.processes) share that.
    """

    cpus: int = 1
    memory_bytes: int = 4 * 2**30
    gpus: int = 0
    ranks: int = 1
    deadline_seconds: int = 24 * 3600
    grace_seconds: int = 60
    scratch_bytes: int = 0  # of disk; 0: the profile's, where a backend limits it at all

    @property
    def total_gpus(self) -> int:
        """GPUs of all pods."""
        return self.gpus * self.ranks


class WorkDocument(TypedDict):
    """What a worker is started with, as JSON: one attempt at a stage. `input_kinds` maps roles to kinds."""

    stage: StageDocument
    label: str
    attempt: int
    store: str
    input_kinds: Mapping[str, str]
    settings: Mapping[str, Json]
    resources: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStage:
    """A stage with everything about it that is not part of its key.

    `label` is unique in a plan and readable ("train tiny ENDEFRITES@full s0"); `settings` are execution settings of the
    job (threads, batch size of generation, judge concurrency, endpoint); `networked` results may differ between runs.
    `after` are keys of stages that it reads nothing of, and that shall be done before it starts: what checks the study.
    """

    stage: Stage
    label: str
    resources: Resources = Resources()
    settings: Mapping[str, Json] = field(default_factory=dict)
    mix: str = ""
    after: tuple[str, ...] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        """The keys of all that shall be done before it starts, each once."""
        return tuple(dict.fromkeys((*self.stage.inputs.values(), *self.after)))

    @property
    def key(self) -> str:
        """The stage's key."""
        return self.stage.key

    @property
    def name(self) -> str:
        """`<kind>[-<mix slug>]-<key12>`, a DNS label of at most 55 characters; attempts append `-r<n>`."""
        slug = "".join(c if c.isascii() and c.isalnum() else "-" for c in self.mix.lower())[:28].strip("-")
        return "-".join(part for part in (self.stage.kind, slug, self.key[:12]) if part)
