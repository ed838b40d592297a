"""The verbs of nights beside a cluster's address."""

import json
import socket
from datetime import timedelta
from pathlib import Path

import pytest

from tests.kit.bad_inputs.profiles import IMAGES
from tests.kit.desk import Desk
from tests.kit.nights import begun, ordered


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.delenv("POLYGLOT_JOB", raising=False)
    return Desk.at(tmp_path, monkeypatch)


def on_a_cluster(desk: Desk) -> Path:
    """A profile of a cluster that there is not."""
    path = desk.root / "cluster.yaml"
    path.write_text(f"store: s3://bucket/x\nbackend: kubernetes\nkubernetes:\n  {IMAGES}\n", encoding="utf-8")
    return path


def test_with_a_schedule_no_cluster_is_asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    since = (desk.store.now() - timedelta(days=2)).isoformat()
    begun(desk, ordered(desk, desk.study("one")), "a")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        named = {"name": "x"}
        kubeconfig = {
            "clusters": [{**named, "cluster": {"server": address}}],
            "users": [{**named, "user": {}}],
            "contexts": [{**named, "context": {"cluster": "x", "user": "x"}}],
            "current-context": "x",
        }
        (desk.root / "kubeconfig").write_text(json.dumps(kubeconfig), encoding="utf-8")
        monkeypatch.setenv("KUBECONFIG", str(desk.root / "kubeconfig"))
        schedule = ["--schedule", "0 2 * * *", "--zone", "UTC", "--since", since]
        said = desk.run("nights", "one", "--store", desk.url, *schedule, "--profile", on_a_cluster(desk))
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert said.code == 0
    assert "\trunning\t" in said.out
