"""The results of a plan's stages as records, for what is written in another form than the stages have."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from polyglot.core.errors import BadInput
from polyglot.core.languages import language_rank
from polyglot.core.stage import PlannedStage
from polyglot.export.files import manifest_of
from polyglot.export.selection import Wanted
from polyglot.kinds.rows import Question
from polyglot.plan.plan import Plan
from polyglot.store.artifact import StoredArtifact
from polyglot.store.store import Store

T = TypeVar("T")


class Taken:
    """Reads what stages of one plan made, by language."""

    def __init__(self, store: Store, plan: Plan, cache: Path) -> None:
        """`cache` holds what was fetched, and is the caller's."""
        self._store, self._plan, self._cache = store, plan, cache
        self._read: dict[str, StoredArtifact] = {}

    def artifact(self, planned: PlannedStage) -> StoredArtifact:
        """What a stage made. Raises NotComputed."""
        if planned.key not in self._read:
            manifest = manifest_of(self._store, Wanted(planned=planned, folder=""))
            self._read[planned.key] = StoredArtifact(self._store, manifest, self._cache)
        return self._read[planned.key]

    def input(self, planned: PlannedStage, role: str) -> PlannedStage | None:
        """The stage that plays a role for another one, where there is one; for a panel it is its judges'."""
        key = planned.stage.inputs.get(role)
        if key is not None:
            return self._plan.by_key[key]
        judges = [key for name, key in planned.stage.inputs.items() if name.startswith(_OF_JUDGES)]
        return self.input(self._plan.by_key[judges[0]], role) if judges else None

    def languages(self, wanted: Sequence[Wanted]) -> list[str]:
        """The languages of some results, in their usual order."""
        found = {
            Path(name).stem
            for one in wanted
            for name in self.artifact(one.planned).names()
            if name.startswith(one.folder) and name.endswith(".jsonl")
        }
        return sorted(found, key=language_rank)

    def rows(self, planned: PlannedStage, folder: str, language: str, kind: type[T]) -> Iterator[T]:
        """The rows of one language; none where the stage has not this one."""
        artifact, name = self.artifact(planned), f"{folder}{language}.jsonl"
        if name in artifact.names():
            yield from artifact.lines(name, kind)

    def card(self, planned: PlannedStage, kind: type[T]) -> T:
        """The card of a result."""
        return self.artifact(planned).read("card.json", kind)

    def questions(self, planned: PlannedStage, language: str) -> Mapping[str, Question]:
        """What was asked, by id."""
        asked = self.input(planned, "questions")
        return {} if asked is None else {row.id: row for row in self.rows(asked, "questions/", language, Question)}


_OF_JUDGES = ("verdicts:", "comparisons:")  # what begins the roles of a panel's inputs


@contextmanager
def taken_of(store: Store, plan: Plan, to: Path) -> Iterator[Taken]:
    """Read a plan's results with a cache beside where something is to be written. Raises BadInput where none can be."""
    try:
        to.mkdir(parents=True, exist_ok=True)
        cache = tempfile.TemporaryDirectory(dir=to, prefix=".fetched-")
    except OSError as error:
        raise BadInput("nothing can be written there", where=str(to), got=error.strerror or "") from error
    with cache as folder:
        yield Taken(store, plan, Path(folder))
