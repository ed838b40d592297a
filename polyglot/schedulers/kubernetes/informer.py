"""What a cluster holds of one kind of object, kept up to date by one list and one long watch, not by polling.

A watch that ends is taken up where it ended; one that is too old (410), dead or refused for a while is replaced by a
new list, and the difference is told as if it had been watched. So no change is lost, only intermediate states are.
"""

import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from polyglot.schedulers.kubernetes.api import Api, ApiError
from polyglot.schedulers.kubernetes.names import Document

_LONGEST_WAIT_SECONDS = 8.0
_HOPELESS = frozenset({401, 403, 404})  # no right to look, or no such namespace: waiting does not help


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An object as it is now, or as it was last seen before it went away."""

    kind: str
    object: Document
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A list was taken that began at `began` (monotonic seconds): what was there before and is not in it, is gone."""

    kind: str
    began: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """Looking cannot work: the caller raises this."""

    error: ApiError


Update = Change | Listed | Broken


class Informer:
    """The newest documents by name, and by what they are about; every change goes into the queue that the caller reads.

    A group is never changed but replaced, so that it can be read while changes come in.
    """

    def __init__(
        self,
        api: Api,
        kind: str,
        selector: str,
        updates: "queue.SimpleQueue[Update]",
        *,
        group: Callable[[Document], str] = lambda _: "",
        optional: bool = False,
    ) -> None:
        """Begins to look when `start` is called. `group` names what a document is about; "" for nothing.

        `optional`: where looking cannot work, nothing is known, and nobody is told.
        """
        self._optional, self.is_known = optional, False
        self._api, self._kind, self._selector, self._updates, self._group = api, kind, selector, updates, group
        self._objects: dict[str, Document] = {}
        self._groups: dict[str, dict[str, Document]] = {}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"informer-{kind}", daemon=True)

    def about(self, group: str) -> list[Document]:
        """The documents about one thing, however many there are of others."""
        return list(self._groups.get(group, {}).values())

    def get(self, name: str) -> Document | None:
        """One document."""
        return self._objects.get(name)

    def start(self) -> None:
        """Begin to look, in a thread of its own."""
        self._thread.start()

    def close(self) -> None:
        """Stop looking. The thread ends with its connection, which nobody waits for."""
        self._closing.set()

    def _work(self) -> None:
        wait = 0.2
        while not self._closing.is_set():
            try:
                version = self._list()
                wait = 0.2
                while not self._closing.is_set():
                    for event in self._api.watch(self._kind, version, selector=self._selector):
                        version = event["object"]["metadata"]["resourceVersion"]
                        self._apply(event)
                        if self._closing.is_set():
                            return
            except ApiError as error:
                if error.status in _HOPELESS:
                    self.is_known = False
                    if self._optional:
                        return
                    self._updates.put(Broken(error=error))
                    return
                if error.status == 410:
                    continue
            except Exception as error:  # a document that nobody expected must not end in silence
                reason = f"watch {self._kind}: {type(error).__name__}: {error}"
                self._updates.put(Broken(error=ApiError(reason, status=0)))
                return
            self._closing.wait(wait)
            wait = min(wait * 2, _LONGEST_WAIT_SECONDS)

    def _list(self) -> str:
        began = time.monotonic()
        items, version = self._api.list(self._kind, self._selector)
        found = {item["metadata"]["name"]: item for item in items}
        before, self._objects, self._groups = self._objects, found, self._grouped(found)
        for name, item in before.items():
            if name not in found or found[name]["metadata"]["uid"] != item["metadata"]["uid"]:
                self._updates.put(Change(kind=self._kind, object=item, gone=True))
        for name, item in found.items():
            old = before.get(name)
            if old is None or old["metadata"]["resourceVersion"] != item["metadata"]["resourceVersion"]:
                self._updates.put(Change(kind=self._kind, object=item))
        self.is_known = True
        self._updates.put(Listed(kind=self._kind, began=began))
        return version

    def _apply(self, event: Document) -> None:
        if event["type"] == "BOOKMARK":
            return
        item: Document = event["object"]
        name, gone = item["metadata"]["name"], event["type"] == "DELETED"
        if gone:
            self._objects.pop(name, None)
        else:
            self._objects[name] = item
        if group := self._group(item):
            others = {other: each for other, each in self._groups.get(group, {}).items() if other != name}
            self._groups[group] = others if gone else {**others, name: item}
            if not self._groups[group]:
                del self._groups[group]
        self._updates.put(Change(kind=self._kind, object=item, gone=gone))

    def _grouped(self, found: Mapping[str, Document]) -> dict[str, dict[str, Document]]:
        groups: dict[str, dict[str, Document]] = {}
        for name, item in found.items():
            if group := self._group(item):
                groups.setdefault(group, {})[name] = item
        return groups
