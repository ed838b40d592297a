"""What the documents of a CronJob and its Jobs say about nights."""

from typing import Any

from polyglot.core.calendar import JobState, Run
from polyglot.core.schedule import Schedule
from polyglot.schedulers.kubernetes.cronjob import BY_HAND, SCHEDULED, calendar_of, night_of


def job(name: str, *conditions: dict[str, Any], **annotations: str) -> dict[str, Any]:
    metadata = {"name": name, "creationTimestamp": "2026-01-31T02:00:03Z", "annotations": annotations}
    return {"metadata": metadata, "status": {"conditions": list(conditions)}}


def scheduled(name: str, due: str, *conditions: dict[str, Any]) -> dict[str, Any]:
    return job(name, *conditions, **{SCHEDULED: due})


COMPLETE = {"type": "Complete", "status": "True"}
FAILED = {"type": "Failed", "status": "True", "reason": "PodFailurePolicy", "message": "exit code 2"}


def test_a_jobs_night_is_when_it_was_due_in_utc() -> None:
    assert night_of(scheduled("a", "2026-01-31T02:00:00Z")) == "2026-01-31T02:00:00Z"
    assert night_of(scheduled("a", "2026-01-31T03:00:00+01:00")) == "2026-01-31T02:00:00Z"


def test_a_job_that_a_person_made_of_the_cronjob_is_named_after_its_creation() -> None:
    assert night_of(job("a", **{BY_HAND: "manual"})) == "2026-01-31T02:00:03Z"
    assert night_of(job("a")) == ""


def cronjob(**spec: Any) -> dict[str, Any]:
    pod = {"containers": [{"args": ["reevaluate", "--profile", "p", "quickstart"]}]}
    template = {"spec": {"template": {"spec": pod}}}
    metadata = {"name": "n", "creationTimestamp": "2026-01-01T12:00:00Z"}
    return {"metadata": metadata, "spec": {"schedule": "0 3 * * *", "jobTemplate": template, **spec}}


def test_a_cronjob_says_when_nights_are_due() -> None:
    plain = calendar_of(cronjob(), [])
    assert (plain.schedule, plain.deadline_seconds, plain.suspended) == (Schedule("0 3 * * *"), None, False)
    assert (plain.last, plain.arguments[-1]) == (None, "quickstart")
    full = calendar_of(
        {
            **cronjob(timeZone="Europe/Berlin", startingDeadlineSeconds=600, suspend=True),
            "status": {"lastScheduleTime": "2026-01-31T02:00:00Z"},
        },
        [],
    )
    assert (full.schedule.zone, full.deadline_seconds, full.suspended) == ("Europe/Berlin", 600.0, True)
    assert full.last is not None
    assert full.last.isoformat() == "2026-01-31T02:00:00+00:00"


def test_of_two_jobs_of_one_night_the_one_that_says_most_is_told() -> None:
    jobs = [
        scheduled("failed", "2026-01-31T03:00:00+01:00", FAILED),
        scheduled("complete", "2026-01-31T02:00:00Z", COMPLETE),
        scheduled("alone", "2026-02-01T02:00:00Z", FAILED),
        scheduled("first", "2026-02-02T02:00:00Z", COMPLETE),
        scheduled("runs", "2026-02-02T02:00:00Z"),
        job("no night"),
    ]
    assert calendar_of(cronjob(), jobs).runs == {
        "2026-01-31T02:00:00Z": Run(job="complete", state=JobState.COMPLETE),
        "2026-02-01T02:00:00Z": Run(job="alone", state=JobState.FAILED, reason="PodFailurePolicy: exit code 2"),
        "2026-02-02T02:00:00Z": Run(job="runs", state=JobState.ACTIVE),
    }
