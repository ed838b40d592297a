"""Asking a kind what a stage of it will need."""

from collections.abc import Callable, Mapping

from polyglot.core.stage import PlannedStage
from polyglot.kinds.device import Device
from polyglot.kinds.forecast import Ask, Facts, Forecast, Sources
from polyglot.kinds.registry import kind_of

DeviceOf = Callable[[PlannedStage], Device | None]


def ask_of(planned: PlannedStage, facts: Mapping[str, Facts], sources: Sources, device_of: DeviceOf) -> Ask:
    """What the kind is told of a stage: its inputs' facts, and where it will run."""
    return Ask(
        stage=planned.stage,
        settings=planned.settings,
        resources=planned.resources,
        device=device_of(planned),
        inputs={role: facts[key] for role, key in planned.stage.inputs.items()},
        sources=sources,
    )


def forecast_of(planned: PlannedStage, facts: Mapping[str, Facts], sources: Sources, device_of: DeviceOf) -> Forecast:
    """What the stage's kind says that it will need."""
    forecast = kind_of(planned.stage.kind).estimate
    return Forecast() if forecast is None else forecast(ask_of(planned, facts, sources, device_of))
