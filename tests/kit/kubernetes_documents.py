"""Documents of Jobs, pods and events, as an API server has them, cut to what is read of them."""

from datetime import UTC, datetime
from typing import Any

QUEUED = "kueue.x-k8s.io/queue-name"
NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
DISRUPTED = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": "preempted"}


def job(condition: str = "", reason: str = "", message: str = "", **spec: Any) -> dict[str, Any]:
    told = {"status": "True", "reason": reason, "message": message, "lastTransitionTime": "2026-01-01T12:00:00Z"}
    conditions = [{"type": condition, **told}] if condition else []
    return {"metadata": {"name": "train-x-r1", "labels": {}}, "spec": spec, "status": {"conditions": conditions}}


def pod(
    code: int | None = None, *, reason: str = "Error", says: str = "", made: str = "2026-01-01T11:00:00Z", **more: Any
) -> dict[str, Any]:
    state = {} if code is None else {"terminated": {"exitCode": code, "reason": reason, "message": says}}
    return {
        "metadata": {"name": "train-x-r1-abcde", "creationTimestamp": made, **more.pop("metadata", {})},
        "spec": {
            "nodeName": "node-1",
            "containers": [{"resources": {"limits": {"memory": "32Mi"}}}],
            "terminationGracePeriodSeconds": 5,
        },
        "status": {
            "phase": more.pop("phase", "Failed"),
            "conditions": more.pop("conditions", []),
            "containerStatuses": [{"state": more.pop("state", state), "image": "a/b@sha256:c"}],
        },
    }


def event(reason: str, message: str, about: str = "train-x-r1") -> dict[str, Any]:
    return {"reason": reason, "message": message, "involvedObject": {"name": about, "kind": "Job"}}


FAILED = job("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
SUSPENDED = job("Failed", "PodFailurePolicy", "Container worker for pod a/x failed with exit code 43 matching rule")
POLICY = job("Failed", "PodFailurePolicy", "Container worker for pod x failed with exit code 42 matching FailJob rule")
INDEXED = {"completionMode": "Indexed"}
RANKS = job("Failed", "PodFailurePolicy", "Pod x has condition DisruptionTarget", **INDEXED)
ASKED = job("Failed", "PodFailurePolicy", "Container worker for pod n/x failed with exit code 43", **INDEXED)
LOST = job("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit", **INDEXED)
BEFORE = {"deletionTimestamp": "2026-01-01T12:00:04Z", "deletionGracePeriodSeconds": 5}
DELETED = {"deletionTimestamp": "2026-01-01T12:00:05Z", "deletionGracePeriodSeconds": 5}
