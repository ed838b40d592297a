"""The place where a profile's attempts run, as the verbs ask about it: one class a backend, found by `site_of`."""

import importlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Literal

from polyglot.core.endpoint import find_endpoint
from polyglot.core.stage import PlannedStage, Stage
from polyglot.kinds.registry import traits_of
from polyglot.schedulers.base import Attempt, Capacity, Scheduler
from polyglot.schedulers.registry import BACKENDS
from polyglot.schedulers.worker_request import worker_request
from polyglot.store.store import Store
from polyglot.study.profile import Profile

if TYPE_CHECKING:  # schedules are of use to one verb, and all would wait for their library
    from polyglot.core.calendar import Calendar

Alive = Callable[[str], bool | None]
"""Whether a stage's key has a worker now; None when nobody knows."""


class Site(ABC):
    """Cheap to make, and contacts nothing before it is asked.

    The defaults are those of a place whose scheduler runs in the process of the verb that submits.
    """

    where = ""  # beside the store's URL, in the line that a run begins with
    progress_seconds = 1.0  # between two looks at the progress of running stages

    def __init__(self, profile: Profile) -> None:
        self.profile = profile

    @abstractmethod
    def scheduler(self, study: str, store: Store) -> Scheduler:
        """A scheduler for one run of a study, not yet entered."""

    def alive(self, store_url: str) -> Alive | None:
        """What is known here of which stages run; None where it cannot be asked, and signs of life must do."""
        del store_url
        return None

    def driving(self, study: str, store_url: str) -> AbstractContextManager[None]:
        """Be seen, while it is open, as one who drives a study from this process."""
        del study, store_url
        return nullcontext()

    def driven(self, study: str, store_url: str) -> bool | None:
        """Whether somebody drives a study here now; None where nobody knows."""
        del study, store_url
        return None

    def capacity(self, planned: PlannedStage) -> Capacity:
        """How much one attempt at a stage can be given here; asks nobody outside of this machine."""
        del planned
        return Capacity()

    def check_endpoint(self, stage: Stage, url: str | None, key_file: str | None, environ: Mapping[str, str]) -> None:
        """Raise BadInput when the endpoint that a stage asks has no address or key that can work; asks nothing of it.

        `environ` is that of the verb, which workers of this machine have too.
        """
        find_endpoint(traits_of(stage).asks, url, key_file, environ)

    def render(self, attempts: Sequence[Attempt], study: str, form: Literal["yaml", "json"]) -> Iterator[str]:
        """Yield exactly what attempts would be started with, as lines or documents."""
        del form
        for attempt in attempts:
            yield json.dumps(worker_request(attempt, study=study).document(), ensure_ascii=False)

    def calendar(self, name: str) -> "Calendar | None":
        """When nights are due by a timer that the place has under a name; None without timers. Raises BadInput."""
        del name
        return None

    def night_of_job(self, job: str) -> str:
        """The night for which a timer's job was started; "" when it was not."""
        del job
        return ""

    def announce(self, reason: str, text: str, *, job: str) -> str:
        """Tell whoever watches the place of something that a night found; returns where it was told, "" for nowhere.

        `reason` is a word such as JudgeChanged, `job` the timer's job of the night, "" for none. Raises SchedulerError.
        """
        del reason, text, job
        return ""


class DetachedSite(Site):
    """A place where a driver runs in the user's stead: work is left to it, and goes on without the user's machine."""

    @abstractmethod
    def start_driver(self, *, study: str, title: str, digest12: str, path: str, store_url: str) -> Sequence[str]:
        """Start the driver of a submission that lies in the store, unless it runs already.

        Returns lines for people: what was started, and how to follow it.
        """

    @abstractmethod
    def cancel(self, study: str, keys: Set[str], title: str | None) -> Iterator[str]:
        """Stop the drivers of a study (those of one title, when it is given), then the attempts at these keys.

        Yields the name of each when it is gone.
        """


def site_of(profile: Profile) -> Site:
    """The place that a profile describes."""
    module, _, name = BACKENDS[profile.backend].site.partition(":")
    kind: type[Site] = getattr(importlib.import_module(module), name)
    return kind(profile)
