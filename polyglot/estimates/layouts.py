"""The layout of a stage whose profile says `layout: auto`: the fastest that is known to fit.

Layouts that keep weights beside the GPU come after all that do not, as the rates of that are assumed. Where no time is
known (of the data, or of the GPU) the one on most GPUs is taken; where none is known to fit, the one that needs least.
"""

from collections.abc import Mapping
from dataclasses import replace

from polyglot.core.canonical import digest
from polyglot.core.stage import PlannedStage
from polyglot.estimates.asking import DeviceOf, ask_of, forecast_of
from polyglot.estimates.room import RoomOf
from polyglot.kinds.forecast import Facts, Forecast, Layout, Sources
from polyglot.kinds.registry import kind_of


class Layouts:
    """What is chosen for the stages of one plan; stages that differ in their seed alone get the same."""

    def __init__(self, sources: Sources, device_of: DeviceOf, room_of: RoomOf) -> None:
        self._sources, self._device_of, self._room_of = sources, device_of, room_of
        self._found: dict[str, Layout | None] = {}

    def chosen(self, planned: PlannedStage, facts: Mapping[str, Facts]) -> PlannedStage:
        """The stage in its layout; as it is, where its kind has none."""
        same = digest({**planned.stage.document(), "seed": None})
        if same not in self._found:
            self._found[same] = self._best(planned, facts)
        layout = self._found[same]
        return planned if layout is None else _in(planned, layout)

    def _best(self, planned: PlannedStage, facts: Mapping[str, Facts]) -> Layout | None:
        ask = ask_of(planned, facts, self._sources, self._device_of)
        found = []
        for layout in kind_of(planned.stage.kind).layouts(ask):
            one = _in(planned, layout)
            found.append((layout, one, forecast_of(one, facts, self._sources, self._device_of)))
        rooms = [self._room_of(one) for _, one, _ in found]
        fitting = [each for each, room in zip(found, rooms, strict=True) if room.holds(each[2])]
        if fitting:
            return min(fitting, key=_rank)[0]
        bearable = [each for each, room in zip(found, rooms, strict=True) if room.machine_holds(each[2])] or found
        here = [each for each in bearable if not each[1].settings.get("offload")] or bearable
        return min(here, key=lambda each: each[2].memory_bytes or 0)[0] if here else None


def _rank(each: tuple[Layout, PlannedStage, Forecast]) -> tuple[bool, float, int]:
    """Not offloaded before offloaded; then the fastest, of equally fast ones on the fewest GPUs."""
    _, one, forecast = each
    gpus = one.resources.total_gpus
    beside = bool(one.settings.get("offload"))
    return (beside, 0.0, -gpus) if forecast.seconds is None else (beside, forecast.seconds, gpus)


def _in(planned: PlannedStage, layout: Layout) -> PlannedStage:
    resources = replace(planned.resources, gpus=layout.gpus, ranks=layout.ranks)
    return replace(planned, resources=resources, settings={**planned.settings, **layout.settings})
