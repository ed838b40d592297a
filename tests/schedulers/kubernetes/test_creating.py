"""Orders that a cluster takes none of: told at once, tried by few, and all still there for later."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from kubernetes.client import ApiClient, Configuration

from polyglot.schedulers.base import Attempt, SchedulerError, Waiting
from polyglot.schedulers.kubernetes import creator
from polyglot.schedulers.kubernetes.api import Api
from polyglot.schedulers.kubernetes.client import Client
from polyglot.schedulers.kubernetes.scheduler import KubernetesScheduler
from polyglot.study.profile import load_profile
from tests.kit.bad_inputs.profiles import IMAGES
from tests.kit.graphs import fan

BUSY = json.dumps({"kind": "Status", "code": 429, "message": "too many requests"}).encode()


GOING = {
    "kind": "Status",
    "code": 403,
    "message": 'jobs.batch "x" is forbidden: unable to create new content in namespace somewhere because it is being '
    "terminated",
}


class _Busy(BaseHTTPRequestHandler):
    """Takes nothing."""

    status, body = 429, BUSY

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(self.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Going(_Busy):
    """Is the API server of a namespace that is being deleted."""

    status, body = 403, json.dumps(GOING).encode()


@pytest.fixture
def api(request: pytest.FixtureRequest) -> Iterator[Api]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), getattr(request, "param", _Busy))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    configuration = Configuration()
    configuration.host = f"http://127.0.0.1:{server.server_port}"
    configuration.retries = False
    yield Api(Client(ApiClient(configuration)), "somewhere")
    server.shutdown()
    server.server_close()


def scheduler(api: Api, folder: Path) -> KubernetesScheduler:
    profile = folder / "profile.yaml"
    profile.write_text(f"store: s3://b\nbackend: kubernetes\nkubernetes:\n  {IMAGES}\n", encoding="utf-8")
    cluster = load_profile(str(profile)).cluster
    assert cluster is not None
    return KubernetesScheduler(api, cluster, lambda due: [{"metadata": {"name": one.name}} for one in due])


@pytest.mark.parametrize("api", [_Going], indirect=True)
def test_a_namespace_that_goes_away_ends_the_run_and_no_stage(api: Api, tmp_path: Path) -> None:
    driven = scheduler(api, tmp_path)
    driven.submit(Attempt(planned=fan(1)[0], number=1, store_url="s3://b"))
    with pytest.raises(
        SchedulerError, match="the namespace somewhere is not there, or is going away: create job: jobs"
    ):
        list(driven.watch(0))


def test_a_hundred_orders_that_are_refused_are_all_told_and_few_are_tried(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(creator, "PATIENCE_SECONDS", 0.5)
    driven = scheduler(api, tmp_path)
    attempts = [Attempt(planned=planned, number=1, store_url="s3://b") for planned in fan(100)]
    for attempt in attempts:
        driven.submit(attempt)
    events = list(driven.watch(0))
    assert {event.attempt.name for event in events} == {attempt.name for attempt in attempts}
    assert {event.text for event in events if isinstance(event, Waiting)} == {"create job: too many requests"}
    tries_of_one = 5  # 0.1 to 0.2 s after the first, then twice as long each time
    assert 0 < api.calls["create job"] <= creator.CREATES_AT_ONCE * tries_of_one
