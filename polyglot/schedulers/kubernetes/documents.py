"""What is read from the documents of Jobs and pods in several places."""

from collections.abc import Iterator, Sequence

from polyglot.schedulers.kubernetes.names import RANK, Document


def condition(document: Document, name: str) -> Document | None:
    """Return a condition of an object's status that is true, or None."""
    found: Sequence[Document] = document.get("status", {}).get("conditions") or ()
    return next((one for one in found if one["type"] == name and one["status"] == "True"), None)


def terminated(pods: Sequence[Document]) -> Iterator[tuple[Document, Document]]:
    """Yield the pods whose worker has ended, each with how."""
    for pod in pods:
        for container in pod.get("status", {}).get("containerStatuses") or ():
            end = container.get("state", {}).get("terminated")
            if end:
                yield pod, end


def message(document: Document) -> str:
    """What a condition, an event or a container's state says, on one line; "" for nothing."""
    return " ".join(str(document.get("message", "")).split())


def owner(document: Document) -> str:
    """The uid of the Job that a pod or Workload is of, or ""."""
    return next((str(one["uid"]) for one in document["metadata"].get("ownerReferences") or ()), "")


def owner_name(workload: Document) -> str:
    """The name of the Job that a Workload is of, or ""."""
    owners = workload["metadata"].get("ownerReferences") or ()
    return next((str(one["name"]) for one in owners if one.get("kind") == "Job"), "")


def rank_of(pod: Document) -> int:
    """The pod's place among those of its Job; 0 without ranks."""
    return int((pod["metadata"].get("annotations") or {}).get(RANK, 0))


def suspended_by(job: Document) -> str:
    """Who last wrote whether a Job is suspended, as the API server keeps it; "" when it does not."""
    return str(_suspender(job).get("manager", ""))


def suspended_at(job: Document) -> str:
    """When that was."""
    return str(_suspender(job).get("time", ""))


def _suspender(job: Document) -> Document:
    written = job["metadata"].get("managedFields") or ()
    found = [one for one in written if "f:suspend" in one.get("fieldsV1", {}).get("f:spec", {})]
    return max(found, key=lambda one: str(one.get("time", "")), default={})


def phase(pod: Document) -> str:
    """Pending, Running, Succeeded, Failed or Unknown."""
    return str(pod.get("status", {}).get("phase", ""))
