"""What keeps a Job that Kueue starts from starting, as its Workload tells it: pure, from documents.

The Workload stays while events are forgotten after an hour, so events are asked only where Workloads may not be read.

| what the Workload says                                                              | hopeless |
|-------------------------------------------------------------------------------------|----------|
| not active: re-queued too often, an admission check refused it, it ran too long     | yes      |
| not active otherwise: a person has stopped it                                       | no       |
| it asks for more than its queue has at all; its queue is not there                  | yes      |
| waiting for quota, for an admission check; its queue is held; preempted             | no       |
| there is none, a minute after its Job was made                                      | no       |
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from polyglot.schedulers.kubernetes.documents import condition, message
from polyglot.schedulers.kubernetes.names import QUEUE, Document

_SILENT = timedelta(minutes=1)  # Kueue says at once why it does not admit
_EVENTS_LAST = timedelta(minutes=50)  # API servers forget them after an hour
_BY_HAND = ("", "Deactivated", "InactiveWorkload")  # what Kueue did of its own accord has its cause in the reason


def queued(
    job: Document, workload: Document | None, events: Sequence[Document], now: datetime, *, readable: bool
) -> tuple[str, bool]:
    """Say what a suspended Job of a queue waits for, in one line, and whether no time will mend it.

    `readable`: Workloads are known, so that None stands for no Workload.
    """
    queue = job["metadata"]["labels"][QUEUE]
    waiting = f"waiting for quota in queue {queue}"
    age = now - datetime.fromisoformat(job["metadata"].get("creationTimestamp") or now.isoformat())
    if workload is not None:
        return _by_workload(workload, waiting)
    if readable:
        ask = "; Kueue has made no Workload of it: does it run, and look at this namespace?" if age > _SILENT else ""
        return waiting + ask, False
    said = _by_events(events, waiting)
    if said == waiting and _SILENT < age < _EVENTS_LAST:
        said += f" (Kueue gives no reason: is there a LocalQueue {queue}?)"
    return said, False


def _by_workload(workload: Document, waiting: str) -> tuple[str, bool]:
    evicted = condition(workload, "Evicted")
    why, reason = (message(evicted), str(evicted.get("reason", ""))) if evicted else ("", "")
    if workload["spec"].get("active") is False:
        name = workload["metadata"]["name"]
        said = f"its Workload {name} is not active" + (f": {why}" if why else "")
        return f"{said}; it waits until its spec.active is set to true", reason not in _BY_HAND
    pending = _pending(workload)
    text = waiting + (f": {pending}" if pending and pending != why else "")
    if reason == "Preempted":
        text = f"preempted by Kueue{why.removeprefix('Preempted')}; {text}"
    elif why:
        count = (workload.get("status", {}).get("requeueState") or {}).get("count", 0)
        times = f", re-queued {count} times" if count > 1 else ""
        text = f"stopped by Kueue: {why}{times}; {text}"
    never = "request > maximum capacity" in pending and "more needed" not in pending  # no other flavor will do
    return text, never or pending.endswith("doesn't exist")


def _pending(workload: Document) -> str:
    """What Kueue says of why it does not admit a Workload; "" for nothing."""
    status: Mapping[str, Sequence[Document]] = workload.get("status", {})
    if not condition(workload, "QuotaReserved"):
        refused = [one for one in status.get("conditions") or () if one["type"] == "QuotaReserved"]
        return message(refused[0]) if refused else ""
    checks = [one for one in status.get("admissionChecks") or () if one.get("state") != "Ready"]
    shown = [
        f"{one['name']} is {one.get('state')}" + (f" ({text})" if (text := message(one)) else "") for one in checks
    ]
    return f"admission checks: {', '.join(shown)}" if shown else ""


def _by_events(events: Sequence[Document], waiting: str) -> str:
    """Kueue's events are about the Job (Started, Stopped) and its Workload (Pending)."""
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
    text = waiting + (f": {pending}" if pending else "")
    if stopped.startswith("Preempted"):
        return f"preempted by Kueue{stopped.removeprefix('Preempted')}; {text}"
    return f"stopped by Kueue: {stopped}; {text}" if stopped else text
