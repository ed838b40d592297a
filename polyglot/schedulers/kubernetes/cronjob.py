"""What a cluster knows of nights: the CronJob that starts them, its Jobs, and the night of each."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from polyglot.core.calendar import Calendar, JobState, Run
from polyglot.core.night import night_name
from polyglot.core.schedule import Schedule
from polyglot.schedulers.kubernetes.api import Api
from polyglot.schedulers.kubernetes.documents import condition
from polyglot.schedulers.kubernetes.names import Document

SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"  # RFC 3339, in the CronJob's own time zone
BY_HAND = "cronjob.kubernetes.io/instantiate"  # what `kubectl create job --from=cronjob/…` writes instead
NIGHTLY = "app.kubernetes.io/component=nightly"


def read_calendar(api: Api, name: str) -> Calendar | None:
    """What the CronJob of a name and its Jobs say; None when there is no such CronJob."""
    document = api.read_cronjob(name)
    return None if document is None else calendar_of(document, api.list("jobs", NIGHTLY, patience_seconds=5)[0])


def calendar_of(cronjob: Document, jobs: Sequence[Document]) -> Calendar:
    """The same, from the documents. Raises BadInput for a schedule that is none of ours."""
    spec, status = cronjob["spec"], cronjob.get("status", {})
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    deadline = spec.get("startingDeadlineSeconds")
    return Calendar(
        name=f"cronjob {cronjob['metadata']['name']}",
        schedule=Schedule(spec["schedule"], spec.get("timeZone") or "Etc/UTC"),
        deadline_seconds=None if deadline is None else float(deadline),
        suspended=bool(spec.get("suspend")),
        created=datetime.fromisoformat(cronjob["metadata"]["creationTimestamp"]),
        last=datetime.fromisoformat(status["lastScheduleTime"]) if status.get("lastScheduleTime") else None,
        arguments=tuple(pod["containers"][0].get("args", ())),
        runs=_runs(jobs),
    )


def night_of(job: Document) -> str:
    """The name of the night of a Job: when it was due; when it was made, for one that a person made; else ""."""
    annotations: Mapping[str, str] = job["metadata"].get("annotations") or {}
    due = annotations.get(SCHEDULED, "")
    if not due and BY_HAND in annotations:
        due = job["metadata"]["creationTimestamp"]
    return night_name(due) if due else ""


def _runs(jobs: Sequence[Document]) -> dict[str, Run]:
    """The Jobs by their night; of several of one night the one that runs, else one that ended well."""
    found: dict[str, Run] = {}
    for job in jobs:
        failed = condition(job, "Failed")
        state = JobState.FAILED if failed else JobState.COMPLETE if condition(job, "Complete") else JobState.ACTIVE
        reason = f"{failed.get('reason', '')}: {failed.get('message', '')}".strip(": ") if failed else ""
        run = Run(job=job["metadata"]["name"], state=state, reason=reason)
        night = night_of(job)
        if night and (night not in found or found[night].state > run.state):
            found[night] = run
    return found
