"""Runs a submission where it belongs: what `submit`, `drive`, `reevaluate` and `reproduce` share."""

import contextlib
from collections.abc import Iterator, Mapping

from polyglot.cli.live import live_observer
from polyglot.cli.output import say
from polyglot.cli.remarks import remarks_of
from polyglot.core.errors import Corrupt, Interrupted, Refused, StoreError
from polyglot.engine.budget import within_budget
from polyglot.engine.engine import run
from polyglot.engine.gpu_hours import check_gpu_hours
from polyglot.engine.outcomes import Limits
from polyglot.engine.submission import Submission
from polyglot.schedulers.base import SchedulerError
from polyglot.schedulers.site import DetachedSite, Site
from polyglot.store.store import Store


def run_submission(
    submission: Submission,
    store: Store,
    site: Site,
    *,
    expected: Mapping[str, float] | None = None,
    with_remarks: bool = True,
) -> None:
    """Run every stage in this process's engine. Raises PolyglotError on failures. `expected`: see live_observer.

    `with_remarks`: what its checks remark is told.

    A driver of a detached site raises Interrupted for what passes: its successor goes on.
    """
    passing = interrupted_when_away() if isinstance(site, DetachedSite) else contextlib.nullcontext()
    with passing, site.driving(submission.study, store.url):
        stages = within_budget(submission.stages, store, submission.usd)
        check_gpu_hours(stages, store, submission.gpu_hours)
        where = ", ".join(part for part in (f"store {store.url}", site.where) if part)
        say(f"{submission.title}: {len(stages)} stages, {where}")
        scheduler = site.scheduler(submission.study, store)
        for note in scheduler.notes(stages):
            say(note)
        limits = Limits(max_attempts=submission.max_attempts, progress_seconds=site.progress_seconds)
        remarks = (lambda planned: remarks_of(store, planned)) if with_remarks else (lambda planned: ())
        with scheduler, live_observer(stages, expected=expected, remarks=remarks) as observer:
            hours = submission.gpu_hours
            summary = run(stages, store, scheduler, observer=observer, limits=limits, gpu_hours=hours)
    if used := scheduler.used():
        say(used)
    summary.raise_if_failed()
    say(summary.describe())


@contextlib.contextmanager
def interrupted_when_away() -> Iterator[None]:
    """Raise Interrupted for a store or an API server that is away: what passes is no failure of the study."""
    try:
        yield
    except (Refused, Corrupt):
        raise
    except (StoreError, SchedulerError) as error:
        raise Interrupted(f"{error}; the next driver goes on from here") from error


def leave_to_driver(submission: Submission, path: str, store: Store, site: DetachedSite) -> None:
    """Start the driver of a submission that lies at a path of the store, and say how to follow it."""
    lines = site.start_driver(
        study=submission.study,
        title=submission.title,
        digest12=submission.digest12,
        path=path,
        store_url=store.url,
    )
    say(f"{submission.title}: {len(submission.stages)} stages, store {store.url}")
    for line in lines:
        say(line)
