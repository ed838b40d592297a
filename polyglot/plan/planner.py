"""Turns typed parameters into planned stages, with the resources and settings that the profile gives their kind."""

from collections.abc import Callable, Mapping
from typing import TypeVar, cast

from polyglot.core.canonical import Json, Raw, canonical
from polyglot.core.stage import PlannedStage, Resources, Stage, StageDocument
from polyglot.kinds.kind import Params
from polyglot.kinds.registry import kinds_for
from polyglot.study.profile import Profile

P = TypeVar("P", bound=Params)


class Planner:
    """Collects the stages of one plan."""

    def __init__(self, profile: Profile) -> None:
        self.stages: list[PlannedStage] = []
        self.endpoints: dict[str, str] = {}  # of a stage by its key, the name of what it asks in the profile
        self._profile = profile
        self._shared: dict[tuple[object, ...], Params] = {}
        self._written: dict[int, tuple[Params, dict[str, Json], Raw]] = {}

    def add(
        self,
        label: str,
        params: Params,
        inputs: Mapping[str, PlannedStage] | None = None,
        *,
        seed: int | None = None,
        mix: str = "",
        settings: Mapping[str, Json] | None = None,
        asks: str = "",
    ) -> PlannedStage:
        """Add a stage and return it. `settings` go on top of the profile's for its kind, and for the endpoint that it
        `asks` where that has a name.

        Raises ValueError for an input whose role or kind the stage's kind does not have.
        """
        for role, source in (inputs or {}).items():
            if source.stage.kind not in kinds_for(params.kind, role):
                raise ValueError(f"{label}: {source.stage.kind} cannot be its {role!r}")
        document, written = self._documents(params)
        stage = StageDocument(
            kind=params.kind,
            version=params.version,
            params=document,
            inputs={role: source.key for role, source in (inputs or {}).items()},
            seed=seed,
        )
        planned = PlannedStage(
            stage=Stage.from_document(stage, canonical=canonical({**stage, "params": written})),
            label=label,
            resources=self._profile.resources.get(params.kind, Resources()),
            settings={**self._profile.settings_of(params.kind, asks), **(settings or {})},
            mix=mix,
        )
        self.stages.append(planned)
        if asks in self._profile.endpoints:
            self.endpoints[planned.key] = asks
        return planned

    def once(self, name: tuple[object, ...], make: Callable[[], P]) -> P:
        """Parameters that many stages have alike, under a name that tells them from all others: made, checked and
        written once.
        """
        if name not in self._shared:
            self._shared[name] = make()
        return cast(P, self._shared[name])

    def _documents(self, params: Params) -> tuple[dict[str, Json], Raw]:
        """Parameters as JSON, and in canonical form; by the object, which is kept so that no other takes its id.

        Stages of the same parameters share the document: nobody writes into one.
        """
        if id(params) not in self._written:
            document = params.document()
            self._written[id(params)] = params, document, Raw(canonical(document))
        return self._written[id(params)][1:]
