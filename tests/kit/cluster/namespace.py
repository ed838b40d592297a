"""A namespace for one test: what polyglot needs in it, Jobs of a shell command, waiting by watch, and what to show
when the test failed."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kubernetes import client, watch

from tests.kit.cluster.target import Target
from tests.kit.world import PATIENCE

WAIT_SECONDS = 90 * PATIENCE
RESTRICTED = {  # what a container needs where Pod Security is `restricted`
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """A namespace of the cluster, with the service accounts and the store's secret that profiles name by default."""

    name: str
    target: Target

    def run(
        self,
        name: str,
        command: str,
        *,
        labels: Mapping[str, str] | None = None,
        job: Mapping[str, Any] | None = None,
        **pod: Any,
    ) -> None:
        """Create a Job that runs a shell command once. `labels` are the Job's, `job` and `pod` more of its two specs.

        `resources`, `env` and `securityContext` in `pod` are the container's. The pods have the label app=`name`.
        """
        container = {
            "name": "main",
            "image": self.target.image,
            "imagePullPolicy": self.target.pull_policy,
            "command": ["sh", "-c", command],
            **{key: pod.pop(key) for key in ("resources", "env", "securityContext") if key in pod},
        }
        template = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 2, "containers": [container], **pod}
        metadata = {"labels": {"app": name}}
        spec = {"backoffLimit": 0, "template": {"metadata": metadata, "spec": template}, **(job or {})}
        body = {"metadata": {"name": name, "labels": dict(labels or {})}, "spec": spec}
        self.target.batch.create_namespaced_job(self.name, body)

    def wait_job(self, name: str) -> str:
        """Wait for the Job's end and return the terminal condition's type: Complete or Failed."""

        def ended(job: client.V1Job) -> str | None:
            conditions = job.status.conditions or []
            return next((c.type for c in conditions if c.type in ("Complete", "Failed") and c.status == "True"), None)

        return self._watch(self.target.batch.list_namespaced_job, f"metadata.name={name}", ended, f"job {name} ends")

    def wait_pod(self, name: str, true: Callable[[client.V1Pod], Any], what: str) -> Any:
        """Wait until `true` of a pod of the Job `name`, and return what it returned."""
        return self._watch(self.target.core.list_namespaced_pod, None, true, f"{name}: {what}", label=f"app={name}")

    def wait_running(self, name: str) -> client.V1Pod:
        """Wait for a running pod of the Job `name`, and return it."""
        return self.wait_pod(name, lambda pod: pod if pod.status.phase == "Running" else None, "runs")

    def pods(self, name: str) -> list[client.V1Pod]:
        """Return the Job's pods."""
        return self.target.core.list_namespaced_pod(self.name, label_selector=f"app={name}").items

    def log(self, pod: client.V1Pod) -> str:
        """Return a pod's log."""
        return self.target.core.read_namespaced_pod_log(pod.metadata.name, self.name)

    def _watch(
        self,
        list_: Callable[..., Any],
        field: str | None,
        true: Callable[[Any], Any],
        what: str,
        label: str | None = None,
    ) -> Any:
        selectors = {"field_selector": field, "label_selector": label}
        stream = watch.Watch().stream(
            *(list_, self.name),
            timeout_seconds=WAIT_SECONDS,
            **{key: value for key, value in selectors.items() if value},
        )
        for event in stream:
            if event["type"] != "DELETED" and (result := true(event["object"])) is not None:
                return result
        raise AssertionError(f"not within {WAIT_SECONDS} s: {what}")


@contextmanager
def fresh_namespace(target: Target) -> Iterator[Namespace]:
    """Make a namespace of a new name; it is deleted afterwards, without waiting for that."""
    made = Namespace(name=f"test-{uuid.uuid4().hex[:10]}", target=target)
    core = target.core
    core.create_namespace({"metadata": {"name": made.name, "labels": {"polyglot.dev/test": "true"}}})
    try:
        for account in ("polyglot-worker", "polyglot-driver"):
            core.create_namespaced_service_account(made.name, {"metadata": {"name": account}})
        if store := target.store_access:
            secret = {"access-key": store.access_key, "secret-key": store.secret_key}
            core.create_namespaced_secret(made.name, {"metadata": {"name": "polyglot-store"}, "stringData": secret})
        yield made
    finally:
        core.delete_namespace(made.name)


def describe(namespace: Namespace, *, lines: int = 40) -> str:
    """Return a namespace's pods, events and logs, for the report of a test that failed."""
    core, name = namespace.target.core, namespace.name
    pods: Sequence[client.V1Pod] = core.list_namespaced_pod(name).items
    text = []
    for pod in pods:
        states = [f"{status.name}: {_state(status.state)}" for status in pod.status.container_statuses or []]
        text.append(f"pod {pod.metadata.name} on {pod.spec.node_name}: {pod.status.phase} {'; '.join(states)}")
    for event in core.list_namespaced_event(name).items:
        text.append(f"event {event.involved_object.kind}/{event.involved_object.name} {event.reason}: {event.message}")
    for pod in pods:
        try:
            log = core.read_namespaced_pod_log(pod.metadata.name, name, tail_lines=lines)
        except client.ApiException as error:  # its container never started
            log = f"(no log: {error.reason})"
        text.append(f"log of {pod.metadata.name}:\n{log}")
    return "\n".join(text)


def _state(state: client.V1ContainerState) -> str:
    if state.terminated:
        return f"{state.terminated.reason} with {state.terminated.exit_code}"
    if state.waiting:
        return f"waits: {state.waiting.reason} {state.waiting.message or ''}"
    return "runs"
