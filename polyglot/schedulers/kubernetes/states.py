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
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from polyglot.core.errors import Exit
from polyglot.core.line import one_line
from polyglot.core.units import parse_bytes
from polyglot.schedulers.base import Outcome
from polyglot.schedulers.kubernetes.disruptions import disruption_target
from polyglot.schedulers.kubernetes.documents import condition, message, terminated
from polyglot.schedulers.kubernetes.names import Document

# kubelet's words for a volume, a container and the sum of a pod's containers
_OVER_DISK = re.compile(
    r"Usage of EmptyDir volume .* exceeds|exceeded its local ephemeral storage limit"
    r"|ephemeral local storage usage exceeds"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnd:
    """How a Job ended, and in one line why. Over its memory a pod has used at least `peak_memory_bytes`."""

    outcome: Outcome
    text: str
    peak_memory_bytes: int | None = None


def is_over(job: Document) -> bool:
    """True when the Job has ended and none of its pods runs."""
    return bool(condition(job, "Complete") or condition(job, "Failed"))


def job_end(job: Document, pods: Sequence[Document], graces: Mapping[str, int] | None = None) -> JobEnd | None:
    """Say how a Job ended, or None while it has not. `pods` are those that are known of it; they may be gone.

    `graces` is the longest grace in seconds that each pod was seen to be deleted with, by its name: when the kubelet
    has killed it, its metadata say 0, as those of a pod that was deleted by force.
    """
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
        how = "" if not codes and "exit code 43" not in said else " with its progress saved"
        return JobEnd(outcome=Outcome.INTERRUPTED, text=f"interrupted{how}: {said}")
    peers = (Exit.FINE, Exit.INTERRUPTED_WORKER)
    shown = ", ".join(_show_end(pod, end, graces or {}) for pod, end in ends if end.get("exitCode") not in peers)
    shown = shown or ", ".join(_show_removed(pod, graces or {}) for pod in pods if _removed(pod))
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


def _deciding(job: Document, pods: Sequence[Document]) -> Sequence[Document]:
    """The pods whose ends explain a failure: every rank's; without ranks the newest, as older ones were replaced."""
    if job["spec"].get("completionMode") == "Indexed":
        return pods
    return sorted(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))[-1:]


def _removed(pod: Document) -> bool:
    """True for a pod that was deleted, and of which nobody has seen the end."""
    return bool(pod["metadata"].get("deletionTimestamp")) and not any(True for _ in terminated([pod]))


def _show_removed(pod: Document, graces: Mapping[str, int]) -> str:
    name = pod["metadata"]["name"]
    return f"pod {name} was deleted{_by_force(name, graces)}, and its end was not seen"


def _by_force(name: str, graces: Mapping[str, int]) -> str:
    return " with no grace, by force" if graces.get(name) == 0 else ""


def _show_end(pod: Document, end: Document, graces: Mapping[str, int]) -> str:
    code, reason = end.get("exitCode"), end.get("reason", "")
    signal = f" (signal {code - 128})" if isinstance(code, int) and 128 < code < 160 else ""
    named = f", {reason}" if reason not in ("", "Error", "Completed") else ""
    name, why = pod["metadata"]["name"], ""
    if code == 137 and pod["metadata"].get("deletionTimestamp"):
        late = f" and had not ended when its grace of {grace} s was over" if (grace := graces.get(name)) else ""
        why = f", which was deleted{late or _by_force(name, graces)}"
    return _because(f"exit code {code}{signal}{named} of pod {name}{why}", end)


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
