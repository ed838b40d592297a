"""What a study took, stage by stage: measured by its workers, so it is no part of any result."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from polyglot.core.stage import PlannedStage
from polyglot.core.units import show_seconds
from polyglot.estimates.used import Used, used_by
from polyglot.store.committed import committed_many
from polyglot.store.store import Store

_SMALL_SHARE = 0.01  # of the time: kinds below it are not named


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """A committed stage; `device` is "" where its worker did not say."""

    planned: PlannedStage
    device: str
    used: Used

    @property
    def gpu_hours(self) -> float:
        """Hours of all its GPUs; 0 without one."""
        resources = self.planned.resources
        return (self.used.seconds or 0.0) / 3600 * resources.gpus * resources.ranks


def took(stages: Sequence[PlannedStage], store: Store) -> tuple[Took, ...]:
    """Those that are committed, in the plan's order; the time of several attempts is one sum."""
    done = committed_many(store, [planned.stage for planned in stages])
    return tuple(
        Took(planned=planned, device=str(manifest.execution.get("device", "")), used=used_by(manifest, planned))
        for planned in stages
        if (manifest := done.get(planned.key)) is not None
    )


def time_and_cost(rows: Sequence[Took]) -> dict[str, str]:
    """Name -> value, for people: hours of work by kind, the longest first, and calls, dollars and GPU hours."""
    seconds = sum(row.used.seconds or 0.0 for row in rows)
    said = {"time": f"{show_seconds(seconds)} of work in {len(rows)} stages: {', '.join(_by_kind(rows, seconds))}"}
    calls, usd = sum(row.used.calls or 0 for row in rows), sum(row.used.usd or 0.0 for row in rows)
    gpu_hours = sum(row.gpu_hours for row in rows)
    costs = [f"{gpu_hours:.2f} GPU hours"] if gpu_hours else []
    costs += [f"{calls:,.0f} calls for {usd:.2f} USD"] if calls else []
    return {**said, "cost": ", ".join(costs)} if costs else said


def _by_kind(rows: Sequence[Took], seconds: float) -> Iterator[str]:
    """`train 33 m 10 s (3, cpu)`."""
    kinds: dict[str, list[Took]] = {}
    for row in rows:
        kinds.setdefault(row.planned.stage.kind, []).append(row)
    times = {kind: sum(row.used.seconds or 0.0 for row in own) for kind, own in kinds.items()}
    for kind, time in sorted(times.items(), key=lambda item: -item[1]):
        if time >= seconds * _SMALL_SHARE:
            devices = dict.fromkeys(row.device for row in kinds[kind] if row.device)
            yield f"{kind} {show_seconds(time)} ({', '.join([str(len(kinds[kind])), *devices])})"
