"""Polyglot as a user installs it: a restricted namespace, the store's Secret, the chart by helm, a profile, the CLI."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polyglot.store.locate import open_store
from polyglot.store.store import Store
from tests.kit.cluster.namespace import Namespace, fresh_namespace
from tests.kit.cluster.target import Target
from tools.cluster import chart

ROOT = Path(__file__).resolve().parents[3]
DRIVER = "app.kubernetes.io/component=driver"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One installation in its own namespace, with its own prefix of the store; `folder` holds profile and results."""

    namespace: Namespace
    folder: Path
    store_url: str
    environment: Mapping[str, str]

    @property
    def profile(self) -> Path:
        """The profile file."""
        return self.folder / "profile.yaml"

    @property
    def store(self) -> Store:
        """The store, as this machine reaches it."""
        before = dict(os.environ)
        os.environ.update(self.environment)
        try:
            return open_store(self.store_url)
        finally:
            os.environ.clear()
            os.environ.update(before)

    def polyglot(
        self, *arguments: str | Path, check: bool = True, timeout: float = 900, folder: Path = ROOT
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command line to its end, in a folder."""
        done = subprocess.run(
            [sys.executable, "-m", "polyglot", *map(str, arguments)],
            cwd=folder,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"polyglot {arguments[0]} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def start(self, *arguments: str | Path, log: Path) -> "subprocess.Popen[bytes]":
        """Start a command line whose output goes into a file."""
        with log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "polyglot", *map(str, arguments)],
                cwd=ROOT,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def killed(self, step: str, number: int, *arguments: str | Path) -> bool:
        """Run a command line that is killed at a step of tests.kit.killed_driver; False when it never came there."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.kit.killed_driver", step, str(number), *map(str, arguments)],
            cwd=ROOT,
            env=dict(self.environment),
            capture_output=True,
            timeout=300,
            check=False,
        )
        return done.returncode == -signal.SIGKILL

    def drivers(self) -> list[Any]:
        """The pods of drivers that have not ended."""
        pods = self.namespace.target.core.list_namespaced_pod(self.namespace.name, label_selector=DRIVER).items
        return [pod for pod in pods if pod.status.phase in ("Pending", "Running")]


@contextmanager
def installed(
    target: Target, images: Mapping[str, str], folder: Path, *, sections: Mapping[str, Any] | None = None, **more: Any
) -> Iterator[Installation]:
    """Install polyglot; `more` are keys of the profile's kubernetes section, `sections` others of the profile."""
    store = target.store
    with fresh_namespace(target) as namespace:
        label = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
        target.core.patch_namespace(namespace.name, label)
        chart.install(target.kubeconfig, namespace.name, accounts=False)
        prefix = uuid.uuid4().hex[:12]
        made = Installation(
            namespace=namespace,
            folder=folder,
            store_url=f"s3://{store.bucket}/tests/{prefix}",
            environment={
                **os.environ,
                "KUBECONFIG": str(target.kubeconfig),
                "AWS_ENDPOINT_URL_S3": store.endpoint,
                "AWS_ACCESS_KEY_ID": store.access_key,
                "AWS_SECRET_ACCESS_KEY": store.secret_key,
                "AWS_REGION": "us-east-1",
                "AWS_EC2_METADATA_DISABLED": "true",
                "POLYGLOT_STATE": str(folder / "state"),
            },
        )
        section = {
            "namespace": namespace.name,
            "images": dict(images),
            "image-pull-policy": target.pull_policy,
            "priority-class": None,
            "environment": {
                "AWS_ENDPOINT_URL_S3": store.inside,
                "AWS_REGION": "us-east-1",
                "POLYGLOT_CPU_FOR_GPUS": "1",  # nodes say that they have some
            },
            "pools": {"default": {"tolerations": [{"operator": "Exists"}]}},
            "scratch": "2Gi",
            **more,
        }
        profile = {"store": made.store_url, "backend": "kubernetes", "kubernetes": section, **(sections or {})}
        made.profile.write_text(json.dumps(profile))
        yield made
