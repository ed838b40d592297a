"""What a committed stage used, as its worker measured it: the volatile part of its manifest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from polyglot.core.stage import PlannedStage
from polyglot.store.manifest import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """None: it was not measured, or nothing has run. `memory_bytes` is the peak of its GPU, else of its process."""

    memory_bytes: int | None = None
    seconds: float | None = None
    tokens: float | None = None
    calls: float | None = None
    usd: float | None = None
    disk_bytes: int | None = None


def used_by(manifest: Manifest, planned: PlannedStage) -> Used:
    """Read it; `planned` says whether it ran on a GPU, as a manifest of an older version does not."""
    volatile, seconds = manifest.volatile, manifest.volatile.get("seconds", {})
    peak = "peak_device_memory_bytes" if planned.resources.gpus else "peak_memory_bytes"
    metrics: Mapping[str, Any] = manifest.metrics
    attempts = volatile.get("attempts")
    prompt, completion = _number(volatile.get("prompt_tokens")), _number(volatile.get("completion_tokens"))
    asked = None if prompt is None or completion is None else prompt + completion
    return Used(
        memory_bytes=None if (found := _number(volatile.get(peak))) is None else int(found),
        seconds=sum(seconds.values()) if seconds else None,
        tokens=asked if asked is not None else _number(volatile.get("tokens", metrics.get("tokens"))),
        calls=sum(attempts.values()) if isinstance(attempts, Mapping) else None,
        usd=_number(volatile.get("cost_usd")),
        disk_bytes=manifest.total_bytes,
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
