"""What took a pod away before its work was done, while its Job goes on or because of which it ends.

| what is seen                                                        | said                                |
|---------------------------------------------------------------------|-------------------------------------|
| pod condition DisruptionTarget: evicted, preempted, its node tainted| the condition's reason and message  |
| the pod was deleted and has ended, its Job suspended                | by whom: kueue, or somebody         |
| the pod was deleted before its Job failed, and has ended with 43    | it was deleted                      |

The pods of a Job that has ended go with it: those were not taken away.
"""

from datetime import datetime, timedelta

from polyglot.core.errors import Exit
from polyglot.schedulers.kubernetes.documents import condition, message, phase, suspended_by, terminated
from polyglot.schedulers.kubernetes.names import Document


def disruption(job: Document, pod: Document) -> str:
    """Say what took a pod away before its work was done, in one line; "" while nothing has."""
    said = disruption_target(pod)
    if said:
        return said
    codes = [end.get("exitCode") for _, end in terminated([pod])]
    if not codes or not pod["metadata"].get("deletionTimestamp") or phase(pod) == "Succeeded":
        return ""
    name = pod["metadata"]["name"]
    if job["spec"].get("suspend"):
        by = f" by {who}" if (who := suspended_by(job)) else ""
        return f"pod {name} disrupted: its Job was suspended{by}"
    saved = Exit.INTERRUPTED_WORKER in codes  # else its attempt fails, and that it was deleted is in the reason
    return f"pod {name} was deleted" if saved and not _went_with(job, pod) else ""


def _went_with(job: Document, pod: Document) -> bool:
    """True for a pod that was deleted because its Job had ended or was deleted; one deleted before is why it ended."""
    if job["metadata"].get("deletionTimestamp") or condition(job, "Complete") or condition(job, "SuccessCriteriaMet"):
        return True
    ended = condition(job, "FailureTarget") or condition(job, "Failed")
    if ended is None:
        return False
    grace = timedelta(seconds=pod["metadata"].get("deletionGracePeriodSeconds") or 0)
    asked = datetime.fromisoformat(pod["metadata"]["deletionTimestamp"]) - grace
    return asked >= datetime.fromisoformat(ended["lastTransitionTime"])  # both in whole seconds


def disruption_target(pod: Document) -> str:
    """Say why the cluster itself took a pod away, or ""."""
    found = condition(pod, "DisruptionTarget")
    if found is None:
        return ""
    said = message(found)
    return f"pod {pod['metadata']['name']} disrupted ({found.get('reason', '')}{': ' if said else ''}{said})"


def goes_away(pod: Document) -> bool:
    """True for a pod that has a container and will soon be gone, with what it said."""
    marked = pod["metadata"].get("deletionTimestamp") or condition(pod, "DisruptionTarget")
    return bool(marked) and phase(pod) != "Pending"
