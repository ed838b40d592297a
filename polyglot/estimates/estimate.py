"""The forecast of every stage of a plan, in the plan's order, and what was used where a stage is done.

A stage's kind says what it needs (`estimate` of its declaration), from what is known of its inputs: the records of
those that are committed, else their own forecasts. Nothing is written, and nothing but the store, local files, and the
hub's small files of models that nobody knows is asked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from polyglot.core.errors import PolyglotError
from polyglot.core.stage import PlannedStage
from polyglot.estimates.room import Room, RoomOf
from polyglot.estimates.used import Used, used_by
from polyglot.kinds.device import Device
from polyglot.kinds.forecast import Ask, Facts, Forecast, Sources
from polyglot.kinds.registry import kind_of
from polyglot.store.artifact import StoredArtifact
from polyglot.store.committed import committed_many
from polyglot.store.manifest import Manifest
from polyglot.store.store import Store

_HALVINGS = 5
DeviceOf = Callable[[PlannedStage], Device | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated:
    """One stage: what it will need, and when it is done what it used."""

    planned: PlannedStage
    forecast: Forecast
    used: Used | None = None

    @property
    def gpu_hours(self) -> float:
        """Hours of all its GPUs; 0 for a stage without one, or of unknown length."""
        return (self.forecast.seconds or 0.0) / 3600 * self.planned.resources.total_gpus


def estimate(
    stages: Sequence[PlannedStage],
    store: Store | None,
    sources: Sources,
    device_of: DeviceOf,
    room_of: RoomOf = lambda planned: Room(),
) -> tuple[Estimated, ...]:
    """Forecast every stage. `stages` holds every input of every stage, earlier ones first.

    Without a store nothing counts as done. `room_of` is asked where a layout is to be chosen.
    """
    done = {} if store is None else committed_many(store, [planned.stage for planned in stages])
    facts: dict[str, Facts] = {}
    found = []
    with TemporaryDirectory(prefix="polyglot-") as cache:
        for planned in stages:
            if planned.settings.get("layout") == "auto":
                planned = _laid_out(planned, facts, sources, device_of, room_of)
            planned, forecast = _fitted(planned, facts, sources, device_of)
            manifest = done.get(planned.key)
            facts[planned.key] = forecast.result
            if manifest is not None and store is not None:
                facts[planned.key] = _known(store, manifest, Path(cache), forecast.result)
            used = None if manifest is None else used_by(manifest, planned)
            found.append(Estimated(planned=planned, forecast=forecast, used=used))
    return tuple(found)


def _laid_out(
    planned: PlannedStage, facts: Mapping[str, Facts], sources: Sources, device_of: DeviceOf, room_of: RoomOf
) -> PlannedStage:
    """With the fastest of its layouts that fits, of equally fast ones on the fewest GPUs; else with the smallest."""
    found = []
    for layout in kind_of(planned.stage.kind).layouts(_ask(planned, facts, sources, device_of)):
        resources = replace(planned.resources, gpus=layout.gpus, ranks=layout.ranks)
        one = replace(planned, resources=resources, settings={**planned.settings, **layout.settings})
        found.append((one, _forecast(one, facts, sources, device_of)))
    fitting = [(one, forecast) for one, forecast in found if room_of(one).holds(forecast)]
    if fitting:
        return min(fitting, key=lambda each: (each[1].seconds or 0.0, each[0].resources.total_gpus))[0]
    return min(found, key=lambda each: each[1].memory_bytes or 0)[0] if found else planned


def _fitted(
    planned: PlannedStage, facts: Mapping[str, Facts], sources: Sources, device_of: DeviceOf
) -> tuple[PlannedStage, Forecast]:
    """A stage that holds less at once where its GPU would not bear what was planned; as little, where none does."""
    forecast, device = _forecast(planned, facts, sources, device_of), device_of(planned)
    if device is None or not planned.resources.gpus:
        return planned, forecast
    for _ in range(_HALVINGS):
        name, size = kind_of(planned.stage.kind).held_at_once(planned.settings)
        if (forecast.memory_bytes or 0) <= device.memory_bytes or size < 2:
            break
        planned = replace(planned, settings={**planned.settings, name: size // 2})
        forecast = _forecast(planned, facts, sources, device_of)
    return planned, forecast


def _ask(planned: PlannedStage, facts: Mapping[str, Facts], sources: Sources, device_of: DeviceOf) -> Ask:
    return Ask(
        stage=planned.stage,
        settings=planned.settings,
        resources=planned.resources,
        device=device_of(planned),
        inputs={role: facts[key] for role, key in planned.stage.inputs.items()},
        sources=sources,
    )


def _forecast(planned: PlannedStage, facts: Mapping[str, Facts], sources: Sources, device_of: DeviceOf) -> Forecast:
    forecast = kind_of(planned.stage.kind).estimate
    return Forecast() if forecast is None else forecast(_ask(planned, facts, sources, device_of))


def _known(store: Store, manifest: Manifest, cache: Path, forecast: Facts) -> Facts:
    """What the committed result's own records say; what they do not, as it was forecast."""
    known = kind_of(manifest.stage.kind).known
    if known is None:
        return forecast
    try:
        found = known(manifest.stage, StoredArtifact(store, manifest, cache).read)
    except PolyglotError:  # of an older version, or damaged: whoever reads it for its own sake says so
        return forecast
    return replace(
        found,
        source=found.source or forecast.source,
        shape=found.shape or forecast.shape,
        texts=found.texts or forecast.texts,
        answer_tokens=found.answer_tokens or forecast.answer_tokens,
    )
