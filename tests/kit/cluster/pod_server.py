"""A server of one file and the standard library in a pod of the worker's image, behind a Service of its name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubernetes.client import ApiException

from tests.kit.cluster.installation import Installation
from tests.kit.cluster.namespace import RESTRICTED
from tests.kit.world import until

SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class PodServer:
    """One server of an installation, by the path of its source."""

    installation: Installation
    image: str
    name: str
    source: str
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where pods of its namespace find it."""
        return f"http://{self.name}:{self.port}"

    def serve(self) -> None:
        """Give the source to the namespace, and a Service that leads to the pod; then start that."""
        data = {"server.py": Path(self.source).read_text(encoding="utf-8")}
        self._core.create_namespaced_config_map(self._namespace, {"metadata": {"name": self.name}, "data": data})
        spec = {"selector": {"app": self.name}, "ports": [{"port": self.port}]}
        self._core.create_namespaced_service(self._namespace, {"metadata": {"name": self.name}, "spec": spec})
        self.start()

    def start(self) -> None:
        """Start the pod, in the place of one that was there, and return once it answers."""
        self._stop()
        port = {"port": self.port}
        container = {
            "name": "server",
            "image": self.image,
            "imagePullPolicy": self.installation.namespace.target.pull_policy,
            "command": ["python", "/srv/server.py"],
            "env": [{"name": key, "value": value} for key, value in self.environment.items()],
            "securityContext": RESTRICTED,
            "readinessProbe": {"tcpSocket": port, "periodSeconds": 1},
            "volumeMounts": [{"name": "source", "mountPath": "/srv"}],
        }
        spec = {
            "containers": [container],
            "volumes": [{"name": "source", "configMap": {"name": self.name}}],
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
        }
        metadata = {"name": self.name, "labels": {"app": self.name}}
        self._core.create_namespaced_pod(self._namespace, {"metadata": metadata, "spec": spec})
        until(lambda: self._is_ready(), SECONDS)

    def said(self) -> str:
        """What the server has written since it started."""
        return str(self._core.read_namespaced_pod_log(self.name, self._namespace))

    @property
    def _core(self) -> Any:
        return self.installation.namespace.target.core

    @property
    def _namespace(self) -> str:
        return self.installation.namespace.name

    def _stop(self) -> None:
        if self._pod() is not None:
            self._core.delete_namespaced_pod(self.name, self._namespace, grace_period_seconds=1)
            until(lambda: self._pod() is None, SECONDS)

    def _is_ready(self) -> bool:
        pod = self._pod()
        return pod is not None and any(
            each.type == "Ready" and each.status == "True" for each in pod.status.conditions or []
        )

    def _pod(self) -> Any:
        try:
            return self._core.read_namespaced_pod(self.name, self._namespace)
        except ApiException as error:
            if error.status == 404:
                return None
            raise
