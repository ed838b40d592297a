"""An Event about a night: one that an API server takes, written once, and no loss where it is refused."""

import json
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from kubernetes.client import ApiClient, Configuration

from polyglot.schedulers.kubernetes.api import Api, ApiError
from polyglot.schedulers.kubernetes.client import Client
from polyglot.schedulers.kubernetes.event import event_about
from polyglot.schedulers.kubernetes.site import KubernetesSite
from polyglot.study.profile import load_profile
from tests.kit.clusters import cluster
from tests.kit.kubernetes_schemas import problems

JOB = {"metadata": {"name": "polyglot-nightly-29", "uid": "6a1f"}}


class _Server(BaseHTTPRequestHandler):
    """Keeps Events by their names; `allowed`: whether it takes any."""

    kept: dict[str, Any]
    allowed = True

    def do_POST(self) -> None:
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = document["metadata"]["name"]
        status = 403 if not self.allowed else 409 if name in self.kept else 201
        if status == 201:
            self.kept[name] = (self.path, document)
        body = json.dumps({"message": "no"} if status > 299 else document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def served(request: pytest.FixtureRequest) -> Iterator[tuple[Api, dict[str, Any]]]:
    kept: dict[str, Any] = {}
    handler = type("Server", (_Server,), {"kept": kept, "allowed": getattr(request, "param", True)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    configuration = Configuration()
    configuration.host = f"http://127.0.0.1:{server.server_port}"
    configuration.retries = False
    yield Api(Client(ApiClient(configuration)), "somewhere"), kept
    server.shutdown()
    server.server_close()


def event(text: str = "one @a: judge: scores moved", job: dict[str, Any] | None = JOB) -> dict[str, Any]:
    return dict(event_about(job, "JudgeChanged", text, namespace="somewhere", job="polyglot-nightly-29"))


def test_an_event_is_written_once_about_the_nights_job(served: tuple[Api, dict[str, Any]]) -> None:
    api, kept = served
    assert (api.create_event(event()), api.create_event(event())) == (True, False)
    ((path, document),) = kept.values()
    assert path == "/api/v1/namespaces/somewhere/events"
    assert document["involvedObject"] == {
        **{"apiVersion": "batch/v1", "kind": "Job", "name": "polyglot-nightly-29"},
        **{"namespace": "somewhere", "uid": "6a1f"},
    }
    assert (document["type"], document["reason"]) == ("Warning", "JudgeChanged")


def test_what_was_told_before_is_not_said_to_be_told_now(
    served: tuple[Api, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = replace(load_profile("local"), backend="kubernetes", cluster=cluster(namespace="somewhere"))
    site = KubernetesSite(profile)
    monkeypatch.setattr(site, "_api", lambda: served[0])
    assert [site.announce("JudgeChanged", "one @a: judge", job="") for _ in range(2)] == [
        "an Event of namespace somewhere",
        "an Event of namespace somewhere before, and not again",
    ]


@pytest.mark.parametrize("job", [JOB, None])
def test_an_event_is_of_kubernetes_form_however_long_its_text(job: dict[str, Any] | None) -> None:
    found = event("x" * 5000, job)
    assert problems(found, "1.31") == []
    assert len(found["message"]) == 1024


@pytest.mark.parametrize("served", [False], indirect=True)
def test_a_driver_without_the_right_is_told_so(served: tuple[Api, dict[str, Any]]) -> None:
    with pytest.raises(ApiError, match="create event: no"):
        served[0].create_event(event())
