"""What of a plan is done and what is open, as the store tells it; others may commit, withdraw and remake meanwhile."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from polyglot.attempts.progress import Progress
from polyglot.core.stage import PlannedStage
from polyglot.engine.observer import Observer
from polyglot.plan.plan import unneeded
from polyglot.schedulers.base import Attempt
from polyglot.store.committed import committed, committed_many
from polyglot.store.manifest import Manifest
from polyglot.store.store import Store


@dataclass(slots=True)
class Node:
    """A stage of the plan that is not done yet."""

    planned: PlannedStage
    missing: set[str]  # keys of what shall be done before it and is not
    not_before: float = 0.0
    attempt: Attempt | None = None  # submitted and not ended
    running: bool = False
    stuck: bool = False  # it began, and its place says that it does not go on: its node may be lost, its worker at work
    waits: str = ""  # for what, as it was noted last
    started: float | None = None
    interruptions: int = 0
    asked: bool = False  # to save and stop, as the budget is used up
    again: bool = False  # it was done when the run began, or in it, and its result was withdrawn or its inputs changed
    shown: Progress | None = None  # the progress that was told last


class Graph:
    """The stages of a plan, which contains all that any of them needs."""

    def __init__(self, stages: Sequence[PlannedStage], store: Store, observer: Observer) -> None:
        """Looks up what is done already. Raises ValueError for an input that no stage of the plan makes."""
        self.store, self._observer = store, observer
        self.by_key = {planned.key: planned for planned in stages}
        self.results: dict[str, str] = {}  # key -> result digest, of what is done
        self.open: dict[str, Node] = {}
        self.failed: dict[str, str] = {}  # key -> reason
        self.blocked: dict[str, str] = {}  # key -> key of what failed before it
        self._waiting: dict[str, list[str]] = {}  # key -> keys of what reads it, or comes after it
        manifests = committed_many(store, [planned.stage for planned in stages])
        idle = unneeded(stages, manifests)
        for planned in stages:
            for key in planned.needs:
                if key not in self.by_key:
                    raise ValueError(f"{planned.label}: no stage of the plan makes what it needs, {key}")
                self._waiting.setdefault(key, []).append(planned.key)
            if planned.key in manifests:
                self.results[planned.key] = manifests[planned.key].result
            elif planned.key not in idle:
                self.open[planned.key] = Node(planned, set(planned.needs) - manifests.keys())
        observer.cached([self.by_key[key] for key in self.results])
        observer.unneeded([self.by_key[key] for key in idle])

    def settle(self, node: Node) -> bool:
        """Look whether a stage is done by now, and if so release what waits for it."""
        key = node.planned.key
        manifest = committed(self.store, node.planned.stage.kind, key)
        if manifest is None:
            return False
        if not self._holds(manifest):
            self.look_at_inputs(node)
            if not self._holds(manifest):
                return False  # made from an input that has been withdrawn or made anew since: the worker replaces it
        del self.open[key]
        self.results[key] = manifest.result
        for waiting in self._waiting.get(key, ()):
            if waiting in self.open:
                self.open[waiting].missing.discard(key)
        began = node.started if node.started is not None else time.monotonic()
        if not node.again or node.started is not None:  # else it was told already
            self._observer.committed(node.planned, time.monotonic() - began)
        return True

    def look_at_inputs(self, node: Node) -> None:
        """Take in which of a stage's inputs were withdrawn, or made anew by others, while this run went on."""
        for key in sorted(set(node.planned.stage.inputs.values()) & self.results.keys()):
            manifest = committed(self.store, self.by_key[key].stage.kind, key)
            if manifest is None:
                self._reopen(key, "its result was withdrawn; it is made again")
            elif manifest.result != self.results[key]:
                self.results[key] = manifest.result
                for reader in self._waiting.get(key, ()):
                    if reader in self.results and self._reads(reader, key):
                        self._reopen(reader, "an input was made anew; it is looked at again")

    def give_up(self, node: Node, reason: str) -> list[Attempt]:
        """Fail a stage for good and block everything that needs it; returns the attempts that are of no use now."""
        key, useless = node.planned.key, []
        del self.open[key]
        self.failed[key] = reason
        self._observer.failed(node.planned, reason)
        behind = list(self._waiting.get(key, ()))
        while behind:
            reader = behind.pop()
            blocked = self.open.pop(reader, None)
            if blocked is not None:
                self.blocked[reader] = key
                if blocked.attempt is not None:  # this input was done when it started
                    useless.append(blocked.attempt)
                self._observer.blocked(blocked.planned, node.planned)
                behind += self._waiting.get(reader, ())
        return useless

    def _holds(self, manifest: Manifest) -> bool:
        """Whether a result was made from the results that this run knows of its inputs."""
        return all(manifest.inputs[role] == self.results.get(key) for role, key in manifest.stage.inputs.items())

    def _reopen(self, key: str, why: str) -> None:
        """Make a stage that was done one that is not, and all that was made from it."""
        planned = self.by_key[key]
        del self.results[key]
        missing = {of for of in planned.stage.inputs.values() if of not in self.results}
        missing |= {of for of in planned.after if of in self.open}  # a check that was not needed stays so
        self.open[key] = Node(planned, missing, again=True)
        self._observer.warning(planned, why)
        for reader in self._waiting.get(key, ()):
            if reader in self.open:
                self.open[reader].missing.add(key)
            elif reader in self.results and self._reads(reader, key):
                self._reopen(reader, "what it was made from is made again; it is looked at again")

    def _reads(self, reader: str, key: str) -> bool:
        """Whether a stage was made from another's result, and does not only come after it."""
        return key in self.by_key[reader].stage.inputs.values()
