"""What a study took, stage by stage: measured by its workers, so it is no part of any result."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from polyglot.attempts.history import History
from polyglot.core.stage import PlannedStage
from polyglot.core.units import show_seconds
from polyglot.estimates.used import Used, used_by
from polyglot.store.committed import committed_many
from polyglot.store.futures import concurrently
from polyglot.store.store import Store

_SMALL_SHARE = 0.01  # of the time: kinds below it are not named


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """A committed stage; `device` is "" where its worker did not say."""

    planned: PlannedStage
    device: str
    used: Used


def took(stages: Sequence[PlannedStage], store: Store) -> tuple[Took, ...]:
    """Those that are committed, in the plan's order, whenever they were; with the time of starts that were lost."""
    done = committed_many(store, [planned.stage for planned in stages])
    ended = [(planned, done[planned.key]) for planned in stages if planned.key in done]
    lost = concurrently(lambda one: History(store, one[0].stage).lost_seconds(), ended)
    found = []
    for (planned, manifest), seconds in zip(ended, lost, strict=True):
        used = used_by(manifest, planned)
        used = used if used.seconds is None else replace(used, seconds=used.seconds + seconds)
        found.append(Took(planned=planned, device=str(manifest.execution.get("device", "")), used=used))
    return tuple(found)


def time_and_cost(rows: Sequence[Took]) -> dict[str, str]:
    """Name -> value, for people: hours of work by kind, the longest first, and calls, dollars and GPU hours."""
    seconds = sum(row.used.seconds or 0.0 for row in rows)
    said = {"time": f"{show_seconds(seconds)} of work in the {len(rows)} stages: {', '.join(_by_kind(rows, seconds))}"}
    calls, gpu_hours = sum(row.used.calls or 0 for row in rows), sum(row.used.gpu_hours for row in rows)
    usd, unseen = sum(row.used.usd or 0.0 for row in rows), sum(row.used.usd_unseen or 0.0 for row in rows)
    costs = [f"{gpu_hours:.2f} GPU hours"] if gpu_hours else []
    if calls:
        price = f" for {usd:.2f} USD" if usd else ""
        costs.append(
            f"{calls:,.0f} calls{price}" + (f", up to {unseen:.2f} USD more for lost replies" if unseen else "")
        )
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
