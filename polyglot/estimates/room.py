"""How much there is where a stage shall run: what a layout is chosen to fit into."""

from collections.abc import Callable
from dataclasses import dataclass

from polyglot.core.stage import PlannedStage
from polyglot.kinds.forecast import Forecast
from polyglot.schedulers.base import Capacity
from polyglot.study.profile import Profile

_USED = 0.9  # of it: estimates agree with measured peaks to about a tenth


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Of each GPU, and of the machine; 0: nobody knows. With a GPU unnamed nothing is known to fit."""

    gpu_bytes: int = 0
    machine_bytes: int = 0
    has_gpus: bool = False

    def holds(self, forecast: Forecast) -> bool:
        """Whether it is known to fit, with some room left."""
        on_gpu = forecast.memory_bytes
        return (
            on_gpu is not None
            and self.machine_holds(forecast)
            and (not self.has_gpus or on_gpu <= _USED * self.gpu_bytes)
        )

    def machine_holds(self, forecast: Forecast) -> bool:
        """Whether nothing is known of the machine against it."""
        on_machine = forecast.host_bytes if self.has_gpus else forecast.memory_bytes
        return not self.machine_bytes or (on_machine or 0) <= _USED * self.machine_bytes


RoomOf = Callable[[PlannedStage], Room]


def rooms(profile: Profile, capacity_of: Callable[[PlannedStage], Capacity]) -> RoomOf:
    """What a profile's places have. Memory that it names for a kind bounds the machine's."""

    def room_of(planned: PlannedStage) -> Room:
        device = profile.device_of(planned) if planned.resources.gpus else None
        named = planned.stage.kind in profile.memory_named
        return Room(
            gpu_bytes=0 if device is None else device.memory_bytes,
            machine_bytes=planned.resources.memory_bytes if named else capacity_of(planned).memory_bytes,
            has_gpus=bool(planned.resources.gpus),
        )

    return room_of
