"""What keeps an attempt from starting or from going on: pure, from the documents of a Job, its pods and its Workload.

`hopeless`: no time will mend it; after the profile's pending-deadline the stage fails.

| what is seen                                                            | hopeless |
|-------------------------------------------------------------------------|----------|
| Job suspended, of a queue                                               | see kueue|
| Job suspended otherwise: somebody has, who is named                     | no       |
| event FailedCreate: exceeded quota                                      | no       |
| the same, and its pod alone asks for more than the quota                | yes      |
| event FailedCreate: a webhook does not answer, the namespace goes away  | no       |
| event FailedCreate otherwise (Pod Security, image policy, LimitRange)   | yes      |
| pod condition PodScheduled false: no node fits now                      | no       |
| the same, and each node that it may go to is too small for it alone     | yes      |
| container waiting: image missing, refused, name wrong, configuration    | yes      |
| event FailedMount: a Secret or volume is missing                        | yes      |
| a pod that should be gone is still there: its node is lost              | no       |
| a pod whose node does not answer: the cluster took its readiness        | no       |
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from polyglot.schedulers.kubernetes.documents import message, phase, suspended_at, suspended_by
from polyglot.schedulers.kubernetes.kueue import queued
from polyglot.schedulers.kubernetes.names import QUEUE, Document

_LOST_AFTER = timedelta(seconds=20)  # past the end of its grace
_NODE_SILENT = timedelta(minutes=5)  # what Kubernetes waits before it gives up a pod that does not tolerate this
_OVER = ("Succeeded", "Failed")
_BAD_CONTAINER = frozenset(
    [
        "ErrImagePull",
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "InvalidImageName",
        "ImageInspectError",
        "SignatureValidationFailed",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    ]
)
_PASSES = ("failed calling webhook", "because it is being terminated", "Internal error occurred")
_QUOTA = re.compile(r"exceeded quota: .*?requested: (?P<requested>\S+), used: \S+, limited: (?P<limited>\S+)")
_QUANTITY = re.compile(r"([0-9.]+)(m|[kKMGTPE]?i?)")
_PREEMPTION = re.compile(r"preemption: 0/(\d+) nodes are available: (\d+) Preemption is not helpful")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrance:
    """Why an attempt does not start, go on or end. `lost_node` names the node of a pod that may be given up."""

    text: str
    hopeless: bool = False
    lost_node: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What is known around a Job: the events about it, its pods and its Workload, the oldest first; its Workload.

    Without `readable` Workloads nothing is known of them; with them None stands for no Workload.
    """

    events: Sequence[Document] = ()
    workload: Document | None = None
    readable: bool = False


def hindrance(job: Document, pods: Sequence[Document], around: Around, now: datetime) -> Hindrance | None:
    """Say what keeps a Job from going on, or None."""
    suspended = job["spec"].get("suspend")
    # by name: pods come in the order of their last change, and each other reason would be told and noted as new
    ordered = sorted(pods, key=lambda pod: str(pod["metadata"]["name"]))
    looked = [_stuck(pod, now) or (None if suspended else _unready(pod, around.events)) for pod in ordered]
    if found := [one for one in looked if one is not None]:
        return min(found, key=lambda one: (not one.lost_node, not one.hopeless))  # what something follows from is told
    if suspended:  # a worker that is preempted saves its progress first
        return _suspended(job, around, now) if all(phase(pod) in _OVER for pod in pods) else None
    if not pods:
        refusals = [event for event in around.events if event.get("reason") == "FailedCreate"]
        if refusals:
            return _refused(_text(refusals[-1]))
    return None


def _suspended(job: Document, around: Around, now: datetime) -> Hindrance:
    if job["metadata"].get("labels", {}).get(QUEUE):
        text, hopeless = queued(job, around.workload, around.events, now, readable=around.readable)
        return Hindrance(text=text, hopeless=hopeless)
    by = f" by {who} at {suspended_at(job)}" if (who := suspended_by(job)) else ""
    return Hindrance(text=f"its Job was suspended{by}; it waits until its spec.suspend is set to false")


def _refused(said: str) -> Hindrance:
    """A pod that the API server does not take. Its Job tries again and again."""
    if quota := _QUOTA.search(said):
        asked, limits = _amounts(quota["requested"]), _amounts(quota["limited"])
        # a quota of nothing is a gate that somebody has closed for now
        never = [name for name, amount in asked.items() if amount > limits.get(name, amount) > 0]
        more = f"; one pod alone asks for more {', '.join(never)} than the quota has" if never else ""
        return Hindrance(text=said + more, hopeless=bool(never))
    return Hindrance(text=said, hopeless="exceeded quota" not in said and not any(one in said for one in _PASSES))


def _amounts(text: str) -> dict[str, Decimal]:
    """`limits.memory=2Gi,pods=1` as numbers; what is not one is left out."""
    found = {}
    for part in text.split(","):
        name, _, written = part.partition("=")
        if match := _QUANTITY.fullmatch(written):
            number, unit = Decimal(match[1]), match[2]
            base = 1024 if unit.endswith("i") else 1000
            power = " KMGTPE".index(unit[0].upper()) if unit and unit != "m" else 0
            found[name] = number / 1000 if unit == "m" else number * base**power
    return found


def _stuck(pod: Document, now: datetime) -> Hindrance | None:
    """What keeps a pod from going on, or from going away: its node is lost, or does not answer for now."""
    if phase(pod) in _OVER:
        return None
    node, name, due = pod["spec"].get("nodeName", ""), pod["metadata"]["name"], pod["metadata"].get("deletionTimestamp")
    if due is not None and now - datetime.fromisoformat(due) >= _LOST_AFTER:
        silent = "does not answer" if _silent_since(pod) else "does not answer, or cannot end it"
        said = f"the pod {name} should have ended at {due}, but its node {node} {silent}"
        return Hindrance(text=said, lost_node=node)
    since = _silent_since(pod)
    if since is None:
        return None
    # it tolerates that, for long or for ever
    lost = due is None and now - datetime.fromisoformat(since) >= _NODE_SILENT
    said = f"the node {node} of the pod {name} has not answered since {since}"
    return Hindrance(text=said, lost_node=node if lost else "")


def _silent_since(pod: Document) -> str | None:
    """Since when a pod's node does not answer: then the cluster takes the pod's readiness, but not its containers'."""
    conditions = {one["type"]: one for one in pod.get("status", {}).get("conditions") or ()}
    ready, containers = conditions.get("Ready", {}), conditions.get("ContainersReady", {})
    if ready.get("status") != "False" or containers.get("status") != "True" or pod["spec"].get("readinessGates"):
        return None
    return str(ready.get("lastTransitionTime"))


def _unready(pod: Document, events: Sequence[Document]) -> Hindrance | None:
    """What keeps a pod from running."""
    status = pod.get("status", {})
    if phase(pod) != "Pending":
        return None
    for scheduled in status.get("conditions") or ():
        if scheduled["type"] == "PodScheduled" and scheduled["status"] == "False":
            return _unscheduled(scheduled)
    for container in status.get("containerStatuses") or ():
        state = container.get("state", {}).get("waiting")
        if state and state.get("reason") in _BAD_CONTAINER:
            said = message(state)
            return Hindrance(text=f"{state['reason']}: {said or container.get('image', '')}", hopeless=True)
    name = pod["metadata"]["name"]
    for event in reversed(events):
        # once, while a node's caches fill, is no trouble
        again = (event.get("count") or 0) > 1 or "not found" in str(event.get("message"))
        if again and event.get("reason") == "FailedMount" and event["involvedObject"].get("name") == name:
            return Hindrance(text=_text(event), hopeless=True)
    return None


def _unscheduled(scheduled: Document) -> Hindrance:
    """A pod that the scheduler has no node for.

    A node that lacks something has passed by taints and labels, so it is one of the pool; where it helps nowhere to
    take other pods away, each of these nodes is too small even when it is empty.
    """
    said = message(scheduled)
    text, nowhere = f"{scheduled.get('reason', 'Unschedulable')}: {said}", _PREEMPTION.search(said)
    if "Insufficient " in said and nowhere and nowhere[1] == nowhere[2]:
        return Hindrance(text=f"{text} Each node that it may go to is too small for it alone", hopeless=True)
    return Hindrance(text=text)


def _text(event: Document) -> str:
    return f"{event['reason']}: {message(event)}"
