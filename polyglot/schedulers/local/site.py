"""The machine that a verb is called on, as verbs ask about it."""

from contextlib import AbstractContextManager

from polyglot.core.stage import PlannedStage
from polyglot.schedulers.base import Capacity
from polyglot.schedulers.local.budget import Budget
from polyglot.schedulers.local.lock import KeyLocks, locks_directory
from polyglot.schedulers.local.scheduler import LocalScheduler
from polyglot.schedulers.site import Alive, Site
from polyglot.store.store import Store


class LocalSite(Site):
    """The CPUs and the memory of the profile, at most the machine's own."""

    def scheduler(self, study: str, store: Store) -> LocalScheduler:
        """See Site."""
        del study, store
        return LocalScheduler.for_profile(self.profile)

    def capacity(self, planned: PlannedStage) -> Capacity:
        """See Site."""
        del planned
        return Capacity(memory_bytes=Budget.of_profile(self.profile).memory_bytes, where="this machine")

    def alive(self, store_url: str) -> Alive:
        """See Site: by the locks of this user."""
        return KeyLocks(locks_directory(), store_url).held

    def driving(self, study: str, store_url: str) -> AbstractContextManager[None]:
        """See Site: by a lock of this user."""
        return KeyLocks(locks_directory(), store_url).driving(study)

    def driven(self, study: str, store_url: str) -> bool | None:
        """See Site: by the same lock."""
        return KeyLocks(locks_directory(), store_url).driven(study)
