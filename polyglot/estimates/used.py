"""What a committed stage used, as its worker measured it: the volatile part of its manifest."""

from collections.abc import Mapping
from dataclasses import dataclass

from polyglot.core.canonical import Json
from polyglot.core.stage import PlannedStage, Resources
from polyglot.kinds.registry import kind_of
from polyglot.store.manifest import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """None: it was not measured, or nothing has run. `memory_bytes` is the peak of its GPU, else of its process.

    `seconds` are those of the worker that committed it. `usd_unseen`: what calls whose replies were lost may have cost.
    `reused_calls`: what was not asked, as another stage had the reply; they are not among `calls`.
    """

    memory_bytes: int | None = None
    seconds: float | None = None
    tokens: float | None = None
    calls: float | None = None
    reused_calls: int = 0
    usd: float | None = None
    usd_unseen: float | None = None
    disk_bytes: int | None = None
    gpus: int = 0  # of each pod
    ranks: int = 1  # its pods

    @property
    def gpu_hours(self) -> float:
        """Hours of all its GPUs; 0 without one, or where nothing says how long."""
        return (self.seconds or 0.0) / 3600 * Resources(gpus=self.gpus, ranks=self.ranks).total_gpus


def used_by(manifest: Manifest, planned: PlannedStage) -> Used:
    """Read it; `planned` says whether it ran on a GPU where a manifest of an older version does not."""
    volatile, execution, asks = manifest.volatile, manifest.execution, _asks(planned)
    attempts, metrics = volatile.get("attempts"), manifest.metrics
    gpus = int(_number(execution.get("gpus", planned.resources.gpus)) or 0)
    processes = _number(execution.get("world_size", planned.resources.ranks)) or 1
    pods = int(processes // (_number(execution.get("local_world_size")) or 1))
    peak = "peak_device_memory_bytes" if gpus else "peak_memory_bytes"
    prompt, completion = _number(volatile.get("prompt_tokens")), _number(volatile.get("completion_tokens"))
    asked = None if prompt is None or completion is None else prompt + completion
    return Used(
        memory_bytes=None if (found := _number(volatile.get(peak))) is None else int(found),
        seconds=manifest.seconds,
        tokens=asked if asked is not None else _number(volatile.get("tokens", metrics.get("tokens"))),
        calls=_total(attempts) if asks and isinstance(attempts, Mapping) else None,
        reused_calls=int(_number(volatile.get("reused_calls")) or 0),
        usd=_number(volatile.get("cost_usd")) if asks else None,
        usd_unseen=_number(volatile.get("cost_usd_unseen_at_most")) if asks else None,
        disk_bytes=manifest.total_bytes,
        gpus=gpus,
        ranks=pods,
    )


def _asks(planned: PlannedStage) -> bool:
    """Whether somebody is asked at a price, which the rules that are built in are not."""
    return bool(kind_of(planned.stage.kind).traits(planned.stage.params).asks)


def _total(counts: Mapping[str, Json]) -> int:
    return sum(count for count in counts.values() if isinstance(count, int))


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
