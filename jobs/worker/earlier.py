"""What a worker may take of earlier starts of its stage, of other shards, and of other stages."""

from collections.abc import Mapping

from jobs.lib.ranks import Ranks
from polyglot.attempts.journal import StoredJournal
from polyglot.attempts.parts import StoredParts
from polyglot.attempts.replies import StoredReplies
from polyglot.attempts.retract import retractions
from polyglot.core.canonical import Json, digest
from polyglot.core.stage import Stage
from polyglot.kinds.registry import kind_of
from polyglot.store.manifest import Manifest
from polyglot.store.store import Store


class EarlierWork:
    """Of one stage, read from `inputs`.

    What was begun with other inputs, or ended in a result that was withdrawn, is not gone on with. The records of
    networked kinds are each named by the content of what was asked, so other inputs do not make them wrong.
    """

    def __init__(
        self, store: Store, stage: Stage, settings: Mapping[str, Json], inputs: Mapping[str, Manifest], ranks: Ranks
    ) -> None:
        """Counts the stage's withdrawn results, and makes no other request."""
        self._store, self._stage, self._settings, self._ranks = store, stage, settings, ranks
        self._kind = kind_of(stage.kind)
        self._inputs = {role: found.result for role, found in inputs.items()}
        self._withdrawn = len(retractions(store, stage.kind, stage.key))

    @property
    def fit(self) -> str:
        """The digest of all that must be equal for an earlier start's checkpoints to be of use."""
        return digest(self._document(self._inputs, self._withdrawn))

    def parts(self) -> StoredParts:
        """The parts of this stage that are made of the same inputs as ours."""
        fit = self._document(self._inputs, self._withdrawn)
        return StoredParts(self._store, self._stage, index=self._ranks.pod, count=self._ranks.pods, fit=fit)

    def journal(self, number: int, start: int) -> StoredJournal:
        """The records of earlier starts and versions, and where this start of an attempt adds its own."""
        return StoredJournal(
            self._store,
            self._stage,
            number,
            start,
            rank=self._ranks.pod,
            fit=digest(self._document({}, self._withdrawn)) if self._kind.networked else self.fit,
            earlier=self._versions(),
        )

    def replies(self) -> StoredReplies | None:
        """Those of other stages, where this one asks somebody at a price."""
        if not self._kind.traits(self._stage.params).asks:
            return None
        return StoredReplies(self._store, self._stage, withdrawn=self._withdrawn)

    def _versions(self) -> list[tuple[Stage, str]]:
        """Stages of earlier versions that asked the same; none once a result of this one was withdrawn."""
        if self._withdrawn:
            return []
        stages = self._kind.earlier(self._stage, self._settings)
        return [
            (stage, digest(self._document({}, len(retractions(self._store, stage.kind, stage.key)))))
            for stage in stages
        ]

    @staticmethod
    def _document(inputs: Mapping[str, str], withdrawn: int) -> dict[str, Json]:
        return {"inputs": dict(inputs), "withdrawn": withdrawn}
