"""Creates the Jobs of attempts: rendered in one go, sent side by side, adopted when they are there already.

A name may still be taken by an older Job that is going away, and the API server may be busy: such a Job stays pending.
"""

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from polyglot.schedulers.base import Attempt, Ended, Event, Outcome, Waiting
from polyglot.schedulers.kubernetes.api import Api, ApiError
from polyglot.schedulers.kubernetes.documents import condition
from polyglot.schedulers.kubernetes.names import KEY, Document

GOING_AWAY_SECONDS = 1.0  # between two tries to take the name of a Job that is being deleted
CREATES_AT_ONCE = 8
PATIENCE_SECONDS = 12.0  # webhooks take ten at most; the engine's loop waits, and with it all other Jobs
_BUSY_SECONDS = 5.0

# as the API server words it: of one that is being deleted, and of one that is gone
_NO_NAMESPACE = re.compile(r"because it is being terminated|namespaces \".*\" not found")

Render = Callable[[Sequence[Attempt]], Sequence[Document]]


@dataclass(slots=True, kw_only=True)
class PendingJob:
    """A Job to be created; `not_before` while an older one of its name is going away."""

    attempt: Attempt
    not_before: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class _Busy:
    """Why the API server took no more of the Jobs of one pass: what it said, or that it said nothing."""

    reason: str = ""


class JobCreator:
    """Its events go into `events`. `track` is called with an attempt and its Job's uid, "" for one that is new.

    `ended_uids` are those of Jobs whose end the engine knows: when it wants such an attempt again, its Job makes room.
    """

    def __init__(
        self,
        api: Api,
        render: Render,
        events: deque[Event],
        ended_uids: set[str],
        track: Callable[[Attempt, str], None],
    ) -> None:
        self._api, self._render, self._events = api, render, events
        self._ended_uids, self._track = ended_uids, track
        self._pending: dict[str, PendingJob] = {}
        self._lock = threading.Lock()

    def add(self, attempt: Attempt) -> None:
        """Have a Job created by the next `create`."""
        self._pending.setdefault(attempt.name, PendingJob(attempt=attempt))

    def forget(self, attempt: Attempt) -> bool:
        """Create none after all; False when there is none to be created."""
        with self._lock:
            return self._pending.pop(attempt.name, None) is not None

    def seconds_until_due(self) -> float:
        """Until the next pending Job may be created; an hour when there is none."""
        now = time.monotonic()
        return max(0.0, min((job.not_before - now for job in self._pending.values()), default=3600.0))

    def create(self) -> None:
        """Create all that are due."""
        now = time.monotonic()
        due = [job.attempt for job in self._pending.values() if job.not_before <= now]
        if not due:
            return
        manifests, busy = self._render(due), _Busy()
        with ThreadPoolExecutor(min(CREATES_AT_ONCE, len(due))) as pool:
            list(pool.map(lambda one, manifest: self._create_one(one, manifest, busy), due, manifests))  # raises theirs

    def _create_one(self, attempt: Attempt, manifest: Document, busy: _Busy) -> None:
        if busy.reason:  # what kept one from being created in all that time may keep this one too
            self._events.append(Waiting(attempt=attempt, text=busy.reason))
            return
        try:
            created = self._api.create_job(manifest, patience_seconds=PATIENCE_SECONDS)
            existing = None if created else self._api.read_job(attempt.name, patience_seconds=PATIENCE_SECONDS)
        except ApiError as error:
            if error.status in (403, 404) and _NO_NAMESPACE.search(str(error)):
                said = f"the namespace {self._api.namespace} is not there, or is going away: {error}"
                raise ApiError(said, status=error.status) from error  # nothing that speaks against the stage
            if error.status in (0, 429) or error.status >= 500:  # nothing that the manifest says: later again
                busy.reason = str(error)
                self._postpone(attempt, _BUSY_SECONDS)
                self._events.append(Waiting(attempt=attempt, text=busy.reason))
            else:
                self._end(attempt, Outcome.PERMANENT, f"the cluster refuses its Job: {error}")
            return
        if created:
            self._take_up(attempt, "")
        elif existing is None:
            self._postpone(attempt, 0.0)
        else:
            self._adopt(attempt, existing)

    def _adopt(self, attempt: Attempt, existing: Document) -> None:
        """Decide about a Job that has the attempt's name."""
        uid = existing["metadata"]["uid"]
        if existing["metadata"].get("annotations", {}).get(KEY) != attempt.planned.key:
            said = f"the namespace {self._api.namespace} has another Job of the name {attempt.name}; delete it"
            self._end(attempt, Outcome.PERMANENT, said)
        elif existing["metadata"].get("deletionTimestamp"):
            self._postpone(attempt, GOING_AWAY_SECONDS)
        elif uid in self._ended_uids:
            self._api.delete_job(attempt.name, uid=uid, foreground=False)
            self._postpone(attempt, GOING_AWAY_SECONDS)
        elif condition(existing, "Complete"):
            # it committed after the engine looked, or what it committed was withdrawn: the engine looks once more
            self._ended_uids.add(uid)
            self._end(attempt, Outcome.INTERRUPTED, "its Job was complete already")
        else:
            self._take_up(attempt, uid)

    def _take_up(self, attempt: Attempt, uid: str) -> None:
        with self._lock:
            self._pending.pop(attempt.name, None)
            self._track(attempt, uid)

    def _end(self, attempt: Attempt, outcome: Outcome, text: str) -> None:
        with self._lock:
            self._pending.pop(attempt.name, None)
        self._events.append(Ended(attempt=attempt, outcome=outcome, text=text))

    def _postpone(self, attempt: Attempt, seconds: float) -> None:
        with self._lock:
            self._pending[attempt.name] = PendingJob(attempt=attempt, not_before=time.monotonic() + seconds)
