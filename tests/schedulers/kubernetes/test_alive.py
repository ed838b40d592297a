"""Whether a driver is at a study, as a cluster says it: from one list of Jobs."""

from pathlib import Path

import pytest
import yaml

from polyglot.schedulers.kubernetes.alive import has_driver
from polyglot.study.cluster import Cluster
from tests.kit.api_server import ApiServer

IMAGE = f"registry.example/polyglot@sha256:{'0' * 64}"
CLUSTER = Cluster.model_validate({"images": {"controller": IMAGE, "worker": IMAGE, "trainer": IMAGE}})


def test_a_study_has_a_driver_until_its_job_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ApiServer() as server:
        named = {"name": "here", "cluster": {"server": f"http://127.0.0.1:{server.port}"}}
        config = {
            "clusters": [named],
            "users": [{"name": "me", "user": {}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
            "current-context": "here",
        }
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
        assert has_driver(CLUSTER, "one") is False
        server.put("driver-one-0123456789ab", status={"active": 1})
        assert has_driver(CLUSTER, "one") is True
        server.put("driver-one-0123456789ab", status={"conditions": [{"type": "Complete", "status": "True"}]})
        assert has_driver(CLUSTER, "one") is False
        server.refuse(403)
        assert has_driver(CLUSTER, "one") is None
