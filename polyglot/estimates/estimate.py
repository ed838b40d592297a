"""The forecast of every stage of a plan, in the plan's order, and what was used where a stage is done.

A stage's kind says what it needs (`estimate` of its declaration), from what is known of its inputs: the records of
those that are committed, else their own forecasts. Nothing is written, and nothing but the store, local files, and the
hub's small files of models that nobody knows is asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from polyglot.core.errors import PolyglotError
from polyglot.core.stage import PlannedStage
from polyglot.estimates.asking import DeviceOf, forecast_of
from polyglot.estimates.layouts import Layouts
from polyglot.estimates.room import Room, RoomOf
from polyglot.estimates.used import Used, used_by
from polyglot.kinds.forecast import Facts, Forecast, Sources
from polyglot.kinds.registry import kind_of
from polyglot.store.artifact import StoredArtifact
from polyglot.store.committed import committed_many
from polyglot.store.manifest import Manifest
from polyglot.store.store import Store

_HALVINGS = 5


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
    lay_out = Layouts(sources, device_of, room_of).chosen
    with TemporaryDirectory(prefix="polyglot-") as cache:
        for planned in stages:
            manifest = done.get(planned.key)
            if planned.settings.get("layout") == "auto" and manifest is None:
                planned = lay_out(planned, facts)
            planned, forecast = _fitted(planned, facts, sources, device_of)
            facts[planned.key] = forecast.result
            if manifest is not None and store is not None:
                facts[planned.key] = _known(store, manifest, Path(cache), forecast.result)
            used = None if manifest is None else used_by(manifest, planned)
            found.append(Estimated(planned=planned, forecast=forecast, used=used))
    return tuple(found)


def _fitted(
    planned: PlannedStage, facts: Mapping[str, Facts], sources: Sources, device_of: DeviceOf
) -> tuple[PlannedStage, Forecast]:
    """A stage that holds less at once where its GPU would not bear what was planned; as little, where none does."""
    forecast, device = forecast_of(planned, facts, sources, device_of), device_of(planned)
    if device is None or not planned.resources.gpus:
        return planned, forecast
    for _ in range(_HALVINGS):
        name, size = kind_of(planned.stage.kind).held_at_once(planned.settings)
        if (forecast.memory_bytes or 0) <= device.memory_bytes or size < 2:
            break
        planned = replace(planned, settings={**planned.settings, name: size // 2})
        forecast = forecast_of(planned, facts, sources, device_of)
    return planned, forecast


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
