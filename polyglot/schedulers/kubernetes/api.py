"""The few requests that polyglot sends to a cluster's API server, as plain JSON documents.

One owner of retries (this file; the client library's are off), bounded; every request has a timeout and is counted in
`calls`, so that a benchmark can say what a stage costs. No document is ever polled for: see `informer`.
"""

import contextlib
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import urllib3

from polyglot.schedulers.base import SchedulerError
from polyglot.schedulers.kubernetes.names import Document

if TYPE_CHECKING:
    from polyglot.schedulers.kubernetes.client import Client

_LEAST_READ_SECONDS, _READ_SECONDS = 5.0, 30.0
_SILENCE_SECONDS = 90.0  # of a watch, which has a bookmark about once a minute
_PATIENCE_SECONDS = 120.0  # an API server that restarts or is paused comes back in this time
_LONGEST_WAIT_SECONDS = 8.0
_AGAIN = frozenset({429, 500, 502, 503, 504})
_KUEUE = "/apis/kueue.x-k8s.io"
_GROUPS = {"jobs": "/apis/batch/v1", "cronjobs": "/apis/batch/v1", "pods": "/api/v1", "events": "/api/v1"}


class ApiError(SchedulerError):
    """The API server said no. `status` is the HTTP status; 0 when it could not be reached in time."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class Api:
    """One namespace of one cluster. Any number of threads may use it."""

    def __init__(self, client: "Client", namespace: str) -> None:
        self._client, self.namespace = client, namespace
        self._kueue = ""  # where its newest version lies, once it was asked for
        self.calls: Counter[str] = Counter()

    @classmethod
    def connect(cls, namespace: str, *, context: str | None = None) -> "Api":
        """See Client.connect. Raises BadInput; asks nothing."""
        from polyglot.schedulers.kubernetes.client import Client  # a dry run does without, and is not kept waiting

        return cls(Client.connect(context), namespace)

    def create_job(self, manifest: Document, *, patience_seconds: float = _PATIENCE_SECONDS) -> bool:
        """Create a Job; False when one of its name is there. Never replaces anything."""
        try:
            self._send("create job", "POST", self._path("jobs"), body=manifest, patience_seconds=patience_seconds)
        except ApiError as error:
            if error.status == 409:
                return False
            raise
        return True

    def create_event(self, document: Document) -> bool:
        """Write an event about one of the namespace's objects; False when one of its name is there. Soon or never."""
        try:
            self._send("create event", "POST", self._path("events"), body=document, patience_seconds=10)
        except ApiError as error:
            if error.status == 409:
                return False
            raise
        return True

    def read_job(self, name: str, *, patience_seconds: float = _PATIENCE_SECONDS) -> Document | None:
        """Return a Job, or None."""
        with _absent():
            return self._send("read job", "GET", self._path("jobs", name), patience_seconds=patience_seconds)
        return None

    def read_cronjob(self, name: str) -> Document | None:
        """Return a CronJob, or None. Who cannot ask says so soon: nothing waits for this."""
        with _absent():
            return self._send("read cronjob", "GET", self._path("cronjobs", name), patience_seconds=5)
        return None

    def delete_job(self, name: str, *, uid: str | None = None, foreground: bool = True) -> None:
        """Delete a Job and its pods (SIGTERM, then their grace); nothing when it is gone or is another (`uid`)."""
        options: Document = {"propagationPolicy": "Foreground" if foreground else "Background"}
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        try:
            self._send("delete job", "DELETE", self._path("jobs", name), body=options)
        except ApiError as error:
            if error.status not in (404, 409):
                raise

    def delete_pod(self, name: str) -> None:
        """Delete a pod at once, without waiting for its node: only for pods whose node is lost or asked twice."""
        with _absent():
            self._send("delete pod", "DELETE", self._path("pods", name), body={"gracePeriodSeconds": 0})

    def list(
        self, kind: str, selector: str = "", *, patience_seconds: float = _PATIENCE_SECONDS
    ) -> tuple[list[Document], str]:
        """Return all objects of a kind ("jobs", "pods", "events", …) and the resource version to watch from."""
        found: list[Document] = []
        token = ""
        while True:
            query = {"labelSelector": selector, "limit": "500", "continue": token}
            page = self._send(f"list {kind}", "GET", self._path(kind), query=query, patience_seconds=patience_seconds)
            found += page["items"]
            token = page["metadata"].get("continue", "")
            if not token:
                return found, page["metadata"]["resourceVersion"]

    def watch(self, kind: str, version: str, *, selector: str = "", seconds: int = 300) -> Iterator[Document]:
        """Yield watch events after a resource version until the server ends the watch or says nothing for long.

        Bookmarks come about once a minute, so silence means that the connection is dead. Raises ApiError (410 when
        the version is too old).
        """
        query = {
            "watch": "true",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(seconds),
            "labelSelector": selector,
        }
        response = self._request(f"watch {kind}", "GET", self._path(kind), query, None, read_seconds=_SILENCE_SECONDS)
        try:
            for line in _lines(response):
                event: Document = json.loads(line)
                if event["type"] == "ERROR":
                    status = event["object"]
                    raise ApiError(f"watch {kind}: {status.get('message', 'ended')}", status=status.get("code", 500))
                yield event
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise ApiError(f"watch {kind}: {type(error).__name__}", status=0) from error
        finally:
            response.close()
            response.release_conn()

    def log(self, pod: str, *, follow: bool = False) -> Iterator[bytes]:
        """Yield the output of a pod's worker; nothing when the pod or its log is gone."""
        query = {"container": "worker", "follow": "true" if follow else "false"}
        path, seconds = f"{self._path('pods', pod)}/log", 3600.0 if follow else 60.0
        try:
            response = self._request("read log", "GET", path, query, None, read_seconds=seconds)
        except ApiError as error:
            if error.status in (400, 404):  # not started yet, or gone
                return
            raise
        try:
            yield from response.stream(1 << 16)
        except (urllib3.exceptions.HTTPError, OSError):
            return
        finally:
            response.close()
            response.release_conn()

    # How requests are sent

    def _path(self, kind: str, name: str = "") -> str:
        group = self._kueue_group() if kind == "workloads" else _GROUPS[kind]
        return f"{group}/namespaces/{self.namespace}/{kind}" + (f"/{name}" if name else "")

    def _kueue_group(self) -> str:
        """Kueue's own API, which is v1beta1 or v1beta2. Raises ApiError (404) where there is no Kueue."""
        if not self._kueue:
            found = self._send("find kueue", "GET", _KUEUE)
            self._kueue = f"/apis/{found['preferredVersion']['groupVersion']}"
        return self._kueue

    def _send(
        self,
        what: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Document | None = None,
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> Document:
        """Send until answered: every request here may be repeated (a create that was lost is answered by 409)."""
        began, wait, read_seconds = (
            time.monotonic(),
            0.2,
            min(_READ_SECONDS, max(patience_seconds, _LEAST_READ_SECONDS)),
        )
        while True:
            try:
                response = self._request(what, method, path, query or {}, body, read_seconds=read_seconds)
                document: Document = json.loads(response.data)
                return document
            except (ApiError, urllib3.exceptions.HTTPError, ValueError) as error:
                status = error.status if isinstance(error, ApiError) else 0
                tired = time.monotonic() - began > patience_seconds
                if tired or (status and status not in _AGAIN):
                    raise _as_api_error(what, error) from error
            time.sleep(wait * (0.5 + random.random() / 2))  # noqa: S311 - spreads requests, guards nothing
            wait = min(wait * 2, _LONGEST_WAIT_SECONDS)

    def _request(
        self, what: str, method: str, path: str, query: Mapping[str, str], body: Document | None, *, read_seconds: float
    ) -> urllib3.HTTPResponse:
        """Send once and return the response, unread. Raises ApiError."""
        self.calls[what] += 1
        try:
            response = self._client.send(method, path, query, body, read_seconds=read_seconds)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ApiError(f"{what}: the API server cannot be reached ({_in_short(error)})", status=0) from error
        if 200 <= response.status <= 299:
            return response
        try:
            message = str(json.loads(response.data).get("message", ""))
        except (ValueError, AttributeError, urllib3.exceptions.HTTPError):
            message = ""
        raise ApiError(f"{what}: {message or response.reason or response.status}", status=response.status)


@contextlib.contextmanager
def _absent() -> Iterator[None]:
    """What is not there needs no handling."""
    try:
        yield
    except ApiError as error:
        if error.status != 404:
            raise


def _as_api_error(what: str, error: Exception) -> ApiError:
    return error if isinstance(error, ApiError) else ApiError(f"{what}: {_in_short(error)}", status=0)


def _in_short(error: BaseException) -> str:
    """The class alone: messages of the libraries below hold object addresses, and headers."""
    cause = getattr(error, "reason", None)
    return type(cause if isinstance(cause, Exception) else error).__name__


def _lines(response: urllib3.HTTPResponse) -> Iterator[bytes]:
    rest = b""
    for piece in response.stream(1 << 16):
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line for line in lines if line)
