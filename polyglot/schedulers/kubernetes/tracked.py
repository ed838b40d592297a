"""An attempt that a cluster runs for this driver, from its submission to its end."""

import time
from dataclasses import dataclass, field

from polyglot.schedulers.base import Attempt
from polyglot.schedulers.kubernetes.names import Document


@dataclass(slots=True, kw_only=True)
class Tracked:
    """`uid` is "" until the Job is known to exist; everything else is for telling each thing once."""

    attempt: Attempt
    uid: str = ""
    seen: float = 0.0  # when its Job was created or adopted, monotonic
    started: bool = False
    waiting_for: str = ""  # as the engine knows it
    hopeless_since: float | None = None
    failed_since: float | None = None  # when its Job was first seen failed, while no pod said why
    cancels: int = 0
    gone: dict[str, Document] = field(default_factory=dict)  # pods that went away, as they were seen last, by name
    graces: dict[str, int] = field(default_factory=dict)  # the longest that each pod was deleted with, by its name
    disrupted: set[str] = field(default_factory=set)  # pods of which it was said what took them away
    read: set[str] = field(default_factory=set)  # pods whose output is read to its end, as they go away

    def sees_pod(self, pod: Document) -> None:
        """Keep the grace that a pod is deleted with: when its kubelet has killed it, its metadata say 0."""
        metadata = pod["metadata"]
        if metadata.get("deletionTimestamp"):
            given, before = metadata.get("deletionGracePeriodSeconds") or 0, self.graces.get(metadata["name"], 0)
            self.graces[metadata["name"]] = max(given, before)

    def waits(self, text: str, *, hopeless: bool) -> bool:
        """Take in what it waits for ("" for nothing); True when that is new."""
        if not hopeless:
            self.hopeless_since = None
        elif self.hopeless_since is None:
            self.hopeless_since = time.monotonic()
        new = bool(text) and _gist(text) != _gist(self.waiting_for)
        self.waiting_for = text or self.waiting_for
        return new

    def goes_on(self) -> bool:
        """Take in that it runs and waits for nothing; True when that is new."""
        new = bool(self.waiting_for) or not self.started
        self.waiting_for, self.started = "", True
        return new

    def hopeless_seconds(self) -> float:
        """How long it has been waiting for what no time will mend."""
        return 0.0 if self.hopeless_since is None else time.monotonic() - self.hopeless_since


def _gist(text: str) -> str:
    """Without the figures: how much is missing of a quota changes all the time, for every Job that waits."""
    return "".join(character for character in text if not character.isdigit())
