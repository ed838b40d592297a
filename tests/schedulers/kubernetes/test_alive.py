"""Whether a driver is at a study, as a cluster says it: from one list of Jobs."""

import pytest

from polyglot.schedulers.kubernetes.alive import has_driver
from polyglot.schedulers.kubernetes.api import Api
from polyglot.study.cluster import Cluster
from tests.kit.api_server import ApiServer

IMAGE = f"registry.example/polyglot@sha256:{'0' * 64}"
CLUSTER = Cluster.model_validate({"images": dict.fromkeys(("controller", "worker", "trainer"), IMAGE)})


def test_a_study_has_a_driver_until_its_job_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with ApiServer() as server:
        monkeypatch.setattr(Api, "connect", lambda *where, **named: server.client())
        assert has_driver(CLUSTER, "one") is False
        server.put("driver-one-0123456789ab", status={"active": 1})
        assert has_driver(CLUSTER, "one") is True
        server.put("driver-one-0123456789ab", status={"conditions": [{"type": "Complete", "status": "True"}]})
        assert has_driver(CLUSTER, "one") is False
        server.refuse(403)
        assert has_driver(CLUSTER, "one") is None
