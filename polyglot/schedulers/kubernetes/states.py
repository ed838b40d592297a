"""What a cluster says about an attempt, in the words of the engine: pure, from the documents of a Job and its pods.

How it ended (the first row that fits):

| what is seen                                                                  | Outcome       |
|-------------------------------------------------------------------------------|---------------|
| Job Complete                                                                  | COMMITTED     |
| Job Failed, a worker ended with 42                                            | PERMANENT     |
| Job Failed, a worker ended with 3                                             | OVER_BUDGET   |
| Job Failed: DeadlineExceeded; a worker ended with 124                         | TIMED_OUT     |
| Job Failed, a container was OOMKilled, or ended with 44 (MemoryError)         | OUT_OF_MEMORY |
| a pod was evicted, as it had written more than its disk may hold              | OUT_OF_DISK   |
| Job Failed, a worker ended with 45: an input was withdrawn                    | INTERRUPTED   |
| Job Failed: PodFailurePolicy for DisruptionTarget or 43 (jobs with ranks)     | INTERRUPTED   |
| Job Failed, its pod was evicted or preempted, or all that failed ended with 43| INTERRUPTED   |
| Job Failed otherwise                                                          | TRANSIENT     |
| the Job is gone (cancelled, removed after its time to live, by hand)          | INTERRUPTED   |

Where its worker could say why (a pod's termination message, see jobs.worker.container), the message ends with that: it
is the only way for the reason of a worker whose store refuses it.

137 alone is never out of memory: a missed grace period looks the same. Without ranks a drained, preempted or evicted
pod does not end its Job at all: the failure policy ignores it, and a new pod goes on from the newest checkpoint.

What keeps it from starting or from going on (`hopeless`: no time will mend it; after the profile's pending-deadline the
stage fails):

| what is seen                                                        | hopeless |
|---------------------------------------------------------------------|----------|
| Job suspended: Kueue has not admitted it, or has preempted it       | no       |
| event FailedCreate: exceeded quota                                  | no       |
| event FailedCreate otherwise (Pod Security, no such service account)| yes      |
| pod condition PodScheduled false: no node fits now                  | no       |
| container waiting: image missing, name wrong, configuration wrong   | yes      |
| event FailedMount: a Secret or volume is missing                    | yes      |
| a pod that should be gone is still there: its node is lost          | no       |
| a pod whose node does not answer: the cluster took its readiness    | no       |
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from polyglot.core.errors import Exit
from polyglot.core.line import one_line
from polyglot.core.units import parse_bytes
from polyglot.schedulers.base import Outcome
from polyglot.schedulers.kubernetes.disruptions import disruption_target
from polyglot.schedulers.kubernetes.documents import condition, message, phase, terminated
from polyglot.schedulers.kubernetes.names import QUEUE, Document

_LOST_AFTER = timedelta(seconds=20)  # past the end of its grace
_NODE_SILENT = timedelta(minutes=5)  # what Kubernetes waits before it gives up a pod that does not tolerate this
_QUEUE_SILENT = timedelta(minutes=1)  # Kueue says at once why it does not admit
_EVENTS_LAST = timedelta(minutes=50)  # API servers forget them after an hour
_OVER = ("Succeeded", "Failed")
# kubelet's words for a volume, a container and the sum of a pod's containers
_OVER_DISK = re.compile(
    r"Usage of EmptyDir volume .* exceeds|exceeded its local ephemeral storage limit"
    r"|ephemeral local storage usage exceeds"
)
_BAD_CONTAINER = frozenset(
    [
        "ErrImagePull",
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "InvalidImageName",
        "ImageInspectError",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnd:
    """How a Job ended, and in one line why. Over its memory a pod has used at least `peak_memory_bytes`."""

    outcome: Outcome
    text: str
    peak_memory_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrance:
    """Why an attempt does not start, go on or end. `lost_node` names the node of a pod that may be given up."""

    text: str
    hopeless: bool = False
    lost_node: str = ""


def is_over(job: Document) -> bool:
    """True when the Job has ended and none of its pods runs."""
    return bool(condition(job, "Complete") or condition(job, "Failed"))


def job_end(job: Document, pods: Sequence[Document]) -> JobEnd | None:
    """Say how a Job ended, or None while it has not. `pods` are those that are known of it; they may be gone."""
    if condition(job, "Complete"):
        return JobEnd(outcome=Outcome.COMMITTED, text="the Job is complete")
    failed = condition(job, "Failed")
    if failed is None:
        return None
    pods = _deciding(job, pods)
    ends = list(terminated(pods))
    codes = {end.get("exitCode"): end for _, end in reversed(ends)}
    if Exit.PERMANENT in codes:
        return JobEnd(outcome=Outcome.PERMANENT, text=_because("exit code 42", codes[Exit.PERMANENT]))
    if Exit.OVER_BUDGET in codes:
        said = _because("exit code 3: the budget is spent", codes[Exit.OVER_BUDGET])
        return JobEnd(outcome=Outcome.OVER_BUDGET, text=said)
    if failed.get("reason") == "DeadlineExceeded":
        return JobEnd(outcome=Outcome.TIMED_OUT, text="it ran or waited longer than its Job may (DeadlineExceeded)")
    if Exit.TIMED_OUT in codes:
        return JobEnd(outcome=Outcome.TIMED_OUT, text="exit code 124: the worker's deadline passed")
    for pod, end in ends:
        if end.get("reason") == "OOMKilled":
            limit = _memory_limit_bytes(pod)
            most = f"the {limit / 2**30:.2f} GiB that it was allowed" if limit else "what its node has"
            said = f"its peak was at least {most} (OOMKilled)"
            return JobEnd(outcome=Outcome.OUT_OF_MEMORY, text=said, peak_memory_bytes=limit or None)
        if end.get("exitCode") == Exit.OUT_OF_MEMORY_WORKER:
            return JobEnd(outcome=Outcome.OUT_OF_MEMORY, text=_because("exit code 44: out of memory", end))
    if Exit.INPUT_WITHDRAWN in codes:
        return JobEnd(outcome=Outcome.INTERRUPTED, text=_because("exit code 45", codes[Exit.INPUT_WITHDRAWN]))
    if full := over_disk(pods):
        return JobEnd(outcome=Outcome.OUT_OF_DISK, text=full)
    disrupted = next((text for pod in pods if (text := disruption_target(pod))), "")
    if disrupted:
        return JobEnd(outcome=Outcome.INTERRUPTED, text=disrupted)
    said = message(failed)
    if not ends and "exit code 42" in said:
        return JobEnd(outcome=Outcome.PERMANENT, text="exit code 42")
    # a rank that was lost brings its peers to 43: then what it died of counts
    lost = failed.get("reason") == "BackoffLimitExceeded" and not codes.keys() <= {Exit.FINE, Exit.INTERRUPTED_WORKER}
    saved = Exit.INTERRUPTED_WORKER in codes or "DisruptionTarget" in said or (not ends and "exit code 43" in said)
    if saved and not lost:
        return JobEnd(outcome=Outcome.INTERRUPTED, text=f"interrupted with its progress saved: {said}")
    peers = (Exit.FINE, Exit.INTERRUPTED_WORKER)
    shown = ", ".join(_show_end(pod, end) for pod, end in ends if end.get("exitCode") not in peers)
    return JobEnd(outcome=Outcome.TRANSIENT, text=shown or said or "the Job failed")


def over_disk(pods: Sequence[Document]) -> str:
    """Say which pod was evicted because it had written more than it may, not because its node was full; "" for none.

    Its Job would replace it for ever, as for any disruption, and each pod would fill the same disk.
    """
    for pod in pods:
        said = str(pod.get("status", {}).get("message", ""))
        if pod.get("status", {}).get("reason") == "Evicted" and _OVER_DISK.search(said):
            return f"pod {pod['metadata']['name']} was evicted: {one_line(said)}"
    return ""


def is_explained(job: Document, pods: Sequence[Document]) -> bool:
    """True when a pod whose end explains the Job's has been seen to end; pods that it replaced explain nothing."""
    return any(True for _ in terminated(_deciding(job, pods)))


def runs(pods: Sequence[Document]) -> str:
    """Return the name of a pod whose worker runs, with its node; "" when none does."""
    for pod in pods:
        if pod.get("status", {}).get("phase") == "Running" and not pod["metadata"].get("deletionTimestamp"):
            return f"{pod['metadata']['name']} on {pod['spec'].get('nodeName', 'no node')}"
    return ""


def hindrance(job: Document, pods: Sequence[Document], events: Sequence[Document], now: datetime) -> Hindrance | None:
    """Say what keeps a Job from going on, or None. `events` are those about the Job and its pods, the oldest first."""
    suspended = job["spec"].get("suspend")
    # by name: pods come in the order of their last change, and each other reason would be told and noted as new
    ordered = sorted(pods, key=lambda pod: str(pod["metadata"]["name"]))
    looked = [_stuck(pod, now) or (None if suspended else _unready(pod, events)) for pod in ordered]
    if found := [one for one in looked if one is not None]:
        return min(found, key=lambda one: (not one.lost_node, not one.hopeless))  # what something follows from is told
    if suspended:  # a worker that is preempted saves its progress first
        return _suspended(job, events, now) if all(phase(pod) in _OVER for pod in pods) else None
    if not pods:
        refusals = [event for event in events if event.get("reason") == "FailedCreate"]
        if refusals:
            said = _text(refusals[-1])
            return Hindrance(text=said, hopeless="exceeded quota" not in said)
    return None


def _suspended(job: Document, events: Sequence[Document], now: datetime) -> Hindrance:
    """What a queue says: Kueue's events are about the Job (Started, Stopped) and its Workload (Pending)."""
    queue = job["metadata"].get("labels", {}).get(QUEUE, "")
    if not queue:
        return Hindrance(text="its Job is suspended")
    stopped = pending = ""
    for event in events:
        said = message(event)
        match event.get("reason"):
            case "Started":
                stopped = pending = ""
            case "Stopped":
                stopped = said
            case "Pending":
                pending = said
    text = f"waiting for quota in queue {queue}" + (f": {pending}" if pending else "")
    if stopped.startswith("Preempted"):
        return Hindrance(text=f"preempted by Kueue{stopped.removeprefix('Preempted')}; {text}")
    if stopped:
        return Hindrance(text=f"stopped by Kueue: {stopped}; {text}")
    age = now - datetime.fromisoformat(job["metadata"].get("creationTimestamp") or now.isoformat())
    if not pending and _QUEUE_SILENT < age < _EVENTS_LAST:
        text += f" (Kueue gives no reason: is there a LocalQueue {queue}?)"
    return Hindrance(text=text)


def _stuck(pod: Document, now: datetime) -> Hindrance | None:
    """What keeps a pod from going on, or from going away: its node is lost, or does not answer for now."""
    if phase(pod) in _OVER:
        return None
    node, name, due = pod["spec"].get("nodeName", ""), pod["metadata"]["name"], pod["metadata"].get("deletionTimestamp")
    if due is not None and now - datetime.fromisoformat(due) >= _LOST_AFTER:
        said = f"the pod {name} should have ended at {due}, but its node {node} does not answer"
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
            said = message(scheduled)
            return Hindrance(text=f"{scheduled.get('reason', 'Unschedulable')}: {said}")
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


def _deciding(job: Document, pods: Sequence[Document]) -> Sequence[Document]:
    """The pods whose ends explain a failure: every rank's; without ranks the newest, as older ones were replaced."""
    if job["spec"].get("completionMode") == "Indexed":
        return pods
    return sorted(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))[-1:]


def _show_end(pod: Document, end: Document) -> str:
    code, reason = end.get("exitCode"), end.get("reason", "")
    signal = f" (signal {code - 128})" if isinstance(code, int) and 128 < code < 160 else ""
    named = f", {reason}" if reason not in ("", "Error", "Completed") else ""
    grace = pod["spec"].get("terminationGracePeriodSeconds")  # the metadata's is 0 when the kubelet has given up
    late = code == 137 and pod["metadata"].get("deletionTimestamp")
    why = f", which was deleted and had not ended when its grace of {grace} s was over" if late else ""
    return _because(f"exit code {code}{signal}{named} of pod {pod['metadata']['name']}{why}", end)


def _because(what: str, end: Document) -> str:
    """What happened, and the reason that the worker left in its termination log."""
    reason = one_line(str(end.get("message") or ""))
    return f"{what}: {reason}" if reason else what


def _memory_limit_bytes(pod: Document) -> int:
    """The memory limit of a pod's worker; 0 when it has none."""
    containers: Sequence[Document] = pod.get("spec", {}).get("containers") or ()
    for one in containers:
        written = str(one.get("resources", {}).get("limits", {}).get("memory", ""))
        if re.fullmatch(r"\d{1,9}([KMGT]i)?", written):  # as `render.quantity` writes them
            return parse_bytes(written)
        if written.isdecimal():
            return int(written)
    return 0


def _text(event: Document) -> str:
    return f"{event['reason']}: {message(event)}"
