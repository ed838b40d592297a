"""The kubernetes library: who is asked, by which credentials, and one request. Nothing else imports it, and this module
is imported when a cluster is asked first: it takes most of a second.
"""

from collections.abc import Mapping
from pathlib import Path

from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException, load_incluster_config, load_kube_config
from urllib3 import HTTPResponse
from urllib3.exceptions import SSLError

from polyglot.core.errors import BadInput
from polyglot.schedulers.kubernetes.names import Document

_IN_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
_CONNECT_SECONDS = 5.0


class Client:
    """Any number of threads may use it."""

    def __init__(self, api: ApiClient) -> None:
        """`api` has its own retries switched off."""
        self._api = api

    @classmethod
    def connect(cls, context: str | None) -> "Client":
        """Use the pod's own service account when there is one, else the kubeconfig. Raises BadInput; asks nothing."""
        configuration = Configuration()
        try:
            if _IN_CLUSTER.exists():
                load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
            else:
                options = {"context": context, "client_configuration": configuration, "persist_config": False}
                load_kube_config(**options)  # type: ignore[no-untyped-call]
        except (ConfigException, OSError) as error:
            raise BadInput(
                f"no cluster is configured ({' '.join(str(error).split())})",
                where="kubeconfig",
                expected="KUBECONFIG or ~/.kube/config" + (f" with the context {context!r}" if context else ""),
            ) from error
        configuration.retries = False
        configuration.connection_pool_maxsize = 16
        return cls(ApiClient(configuration))

    def send(
        self, method: str, path: str, query: Mapping[str, str], body: Document | None, *, read_seconds: float
    ) -> HTTPResponse:
        """Send once and return the answer, unread. Raises urllib3's HTTPError, or OSError."""
        headers = {"Accept": "application/json"} | ({"Content-Type": "application/json"} if body is not None else {})
        parameters = self._api.param_serialize(
            method,
            path,
            query_params=[(name, value) for name, value in query.items() if value],
            header_params=headers,
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            answer = self._api.call_api(*parameters, _request_timeout=(_CONNECT_SECONDS, read_seconds))
        except ApiException as error:  # what the library makes of an SSLError, and of nothing else
            raise SSLError(str(error.reason)) from error
        response: HTTPResponse = answer.response
        return response
