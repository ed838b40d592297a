"""`polyglot watch`: follow a study that another process runs; exit 1 when a stage of it failed."""

import time
from typing import TYPE_CHECKING

from polyglot.cli.options import DataOnly, MixName, ProfileName, StoreUrl, StudyFile

if TYPE_CHECKING:
    from polyglot.cli.session import Session

LOOK_SECONDS = 1.0


def command(
    study: StudyFile,
    mix: MixName = None,
    data_only: DataOnly = False,
    profile: ProfileName = "local",
    store: StoreUrl = None,
) -> None:
    """Follow a study until every stage has ended; whoever runs it, and from any machine that sees the store."""
    from polyglot.cli.session import open_session

    watch_session(open_session(study, mix=mix, profile=profile, store=store, data_only=data_only))


def watch_session(session: "Session") -> None:
    """Show what happens to the stages of a session until each has ended. Raises PolyglotError when one failed."""
    from collections import Counter

    from polyglot.cli.live import live_listener
    from polyglot.cli.session import say, survey_session
    from polyglot.core.errors import PolyglotError

    with live_listener(session.plan.stages) as listener:
        while True:
            seen = survey_session(session)
            listener.observe(seen)
            if all(row.state in ("committed", "failed", "blocked") for row in seen.values()):
                break
            time.sleep(LOOK_SECONDS)
    counts = Counter(str(row.state) for row in seen.values())
    summary = f"{session.title}: " + ", ".join(f"{count} {state}" for state, count in counts.items())
    if counts["failed"] or counts["blocked"]:
        raise PolyglotError(summary)
    say(summary)
