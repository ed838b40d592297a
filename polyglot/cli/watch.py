"""`polyglot watch`: follow a study that another process runs; exit 1 when a stage of it failed."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping

from polyglot.cli.live import live_observer
from polyglot.cli.looking import open_view
from polyglot.cli.options import DataOnly, MixName, ProfileName, StoreUrl, StudyGiven
from polyglot.cli.output import say
from polyglot.cli.view import View
from polyglot.core.errors import PolyglotError
from polyglot.engine.survey import Observation, StageState
from polyglot.plan.plan import checks

LOOK_SECONDS = 1.0


def command(
    study: StudyGiven,
    mix: MixName = None,
    data_only: DataOnly = False,
    profile: ProfileName = "local",
    store: StoreUrl = None,
) -> None:
    """Follow a study until every stage has ended; whoever runs it, and from any machine that sees the store.

    Says so when nobody runs it, and waits for one who does.
    """
    watch_view(open_view(study, mix=mix, profile=profile, store=store, data_only=data_only))


def watch_view(view: View) -> None:
    """Show what happens to the stages of a view until each has ended. Raises PolyglotError when one failed."""
    looks = 0  # one after another at which nobody ran it: at one alone it may have ended after the survey
    with live_observer(view.plan.stages) as observer:
        while True:
            seen = view.survey()
            observer.observe(seen)
            if all(row.state in ("committed", "failed", "blocked", "not needed") for row in seen.values()):
                break
            looks = looks + 1 if view.is_stopped(seen) else 0
            if looks == 2:
                say(view.stopped)
            time.sleep(LOOK_SECONDS)
    counts = Counter(str(row.state) for row in seen.values())
    summary = f"{view.title}: " + ", ".join(f"{count} {state}" for state, count in counts.items())
    if counts["failed"] or counts["blocked"]:
        raise PolyglotError("\n".join([summary, *_findings(view, seen)]))
    say(summary)


def _findings(view: View, seen: Mapping[str, Observation]) -> Iterator[str]:
    """A line for each thing that is wrong: of checks, and of stages that found several."""
    looks = {planned.key for planned in checks(view.plan)}
    for planned in view.plan:
        history = seen[planned.key].history
        failure = history.failure(history.numbers[-1]) if history is not None and history.numbers else None
        if failure is not None and seen[planned.key].state is StageState.FAILED and planned.key in looks:
            yield from (f"  {planned.label}: {line}" for line in failure.findings or (failure.reason,))
        elif failure is not None and len(failure.findings) > 1:
            yield from (f"  {planned.label}: {line}" for line in failure.findings)
