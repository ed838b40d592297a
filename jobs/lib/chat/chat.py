"""The chat client: one attempt at one completion through the openai SDK, told as a Reply or a Failure.

The SDK's own retries are off; the request scheduler is the only owner of retries. An attempt has one deadline for all
from sending to the last byte (the SDK's timeouts begin anew with every byte that drips in). Keys are never logged and
are taken out of whatever a server says. Redirects are not followed: they would carry the key and prompts elsewhere.

What depends on the endpoint alone is found out by the first calls: the limit's newer name, and `/v1` behind an address
that was given without. Of Azure the key is sent as it takes it, and the version of its API as a query.
"""

import asyncio
import contextlib
import json
import logging
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

import httpx2
from openai import APIConnectionError, APIStatusError, AsyncOpenAI, Omit

from jobs.lib.chat.calls import PROXY_STATUSES, ErrorClass, Failure, Reply, Request
from jobs.lib.chat.completion import read_completion, text_of
from jobs.lib.chat.endpoint import Endpoint
from jobs.lib.chat.rate_headers import retry_after, wait_of_429
from jobs.lib.chat.refusals import LIMITS, is_filtered, is_no_entry, is_renamed, refused_field, remedy
from polyglot.core.endpoint import lacks_version

_DETAIL_CHARACTERS = 300
_CONNECT_SECONDS = 15.0
_NO_MONEY = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "account_deactivated"}
_FATAL = {
    401: "the key was refused",
    402: "payment is required",
    403: "the key may not do this",
    404: "no such model or path",
    405: "no such path",
    407: "a proxy wants credentials",
}
_TRANSIENT = {408, 409, 425}
_BAD_REQUEST = {400, 422}
_FILTERING = {400, 403, 422, 451}
_NO_PATH = {404, 405}
_CONNECTIONS = 8  # a client: each looks at all of its own before every call

log = logging.getLogger(__name__)
Hear = Callable[[Mapping[str, str]], None]


class Chat:
    """Use as an async context manager, inside one event loop."""

    def __init__(self, endpoint: Endpoint, *, timeout_seconds: float, connections: int) -> None:
        """`connections` is the most that are open at a time; `timeout_seconds` bounds one attempt."""
        for name in ("openai", "httpx2", "httpcore2"):  # they log every request, at debug level with its content
            logging.getLogger(name).setLevel(logging.WARNING)
        self.endpoint, self.timeout_seconds = endpoint, timeout_seconds
        self.base_url = endpoint.base_url
        self._limit_field = LIMITS[0]  # some models know it only by its new name
        self._answered = False
        self._headers: dict[str, str | Omit] = {"Content-Type": "application/json"}
        if endpoint.key is None or endpoint.azure_key:
            self._headers["Authorization"] = Omit()
        if endpoint.azure_key:
            self._headers["api-key"] = endpoint.azure_key
        secure = endpoint.base_url.startswith("https")
        context = httpx2.create_ssl_context() if secure else False  # costs 20 ms; http needs none
        clients = (self._client(connections, context) for _ in range(-(-connections // _CONNECTIONS)))
        self._loads = dict.fromkeys(clients, 0)  # calls in flight

    def _client(self, connections: int, context: ssl.SSLContext | bool) -> AsyncOpenAI:
        most = min(connections, _CONNECTIONS)
        http = httpx2.AsyncClient(
            timeout=httpx2.Timeout(self.timeout_seconds, connect=min(_CONNECT_SECONDS, 0.8 * self.timeout_seconds)),
            limits=httpx2.Limits(max_connections=most, max_keepalive_connections=most),
            follow_redirects=False,
            trust_env=not self.endpoint.ours,  # no proxy between us and our own server
            verify=context,
        )
        version = self.endpoint.api_version
        return AsyncOpenAI(
            base_url=self.base_url,
            api_key=self.endpoint.key or "none",  # the SDK wants one; without a key the header is left out
            default_query={"api-version": version} if version else None,
            max_retries=0,
            http_client=http,
        )

    async def __aenter__(self) -> "Chat":
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._loads:
            await client.close()

    @contextlib.contextmanager
    def _least_loaded(self) -> Iterator[AsyncOpenAI]:
        client = min(self._loads, key=self._loads.__getitem__)
        self._loads[client] += 1
        try:
            yield client
        finally:
            self._loads[client] -= 1

    async def attempt(self, request: Request, hear: Hear = lambda headers: None) -> Reply | Failure:
        """Ask once. Never raises for what a network or a server can do. `hear` is told the headers of any answer."""
        limit_field, base_url = self._limit_field, self.base_url
        # another body, another name
        name = request.id if limit_field == LIMITS[0] else f"{request.id}-{limit_field}"
        try:
            async with asyncio.timeout(self.timeout_seconds):
                with self._least_loaded() as client:
                    response = await client.post(
                        "/chat/completions",
                        cast_to=httpx2.Response,
                        content=self._body(request),
                        options={"headers": self._headers | {"Idempotency-Key": name}},
                    )
        except APIStatusError as error:
            hear(error.response.headers)
            if error.status_code in _NO_PATH and not _is_no_model(error):
                moved = self._with_version(base_url, f"http-{error.status_code}")
                if moved is not None:
                    return moved
            return self._renamed(limit_field, error) or self._status(error)
        except APIConnectionError as error:
            return self._connection(error)
        except TimeoutError:
            detail = f"no answer within {self.timeout_seconds:g} s"
            return Failure(reason="timeout", error=ErrorClass.TRANSIENT, detail=detail, may_be_billed=True)
        hear(response.headers)
        if "html" in response.headers.get("content-type", ""):
            moved = self._with_version(base_url, "a page for people")
            if moved is not None:
                return moved
        return self._reply(response.content)

    async def is_there(self) -> bool:
        """Whether the endpoint answers at all, by a request that costs nothing: a proxy's 502 to 504 is no answer."""
        try:
            async with asyncio.timeout(min(_CONNECT_SECONDS, self.timeout_seconds)):
                with self._least_loaded() as client:
                    await client.get("/models", cast_to=httpx2.Response, options={"headers": self._headers})
        except APIStatusError as error:
            return error.status_code not in PROXY_STATUSES
        except (APIConnectionError, TimeoutError):
            return False
        return True

    def _body(self, request: Request) -> bytes:
        if self._limit_field == LIMITS[0]:
            return request.body
        document = request.document()
        document[self._limit_field] = document.pop("max_tokens")
        return json.dumps(document, ensure_ascii=False).encode()

    def _reply(self, body: bytes) -> Reply | Failure:
        found = read_completion(body)
        if isinstance(found, Failure):
            return replace(found, detail=self._say(found.detail))
        self._answered = True
        return replace(found, text=self.endpoint.scrub(found.text))

    def _renamed(self, limit_field: str, error: APIStatusError) -> Failure | None:
        """Ask again with the limit's other name when that may be it; None else."""
        field = refused_field(error.param, _message(error)) if error.status_code in _BAD_REQUEST else None
        if field != limit_field or limit_field != LIMITS[0] or not is_renamed(field, _message(error)):
            return None
        self._limit_field = LIMITS[1]
        said = self._say(_message(error))
        return Failure(reason="max-tokens-renamed", error=ErrorClass.AGAIN, detail=said, wait_seconds=0.0)

    def _with_version(self, base_url: str, said: str) -> Failure | None:
        """Ask again with /v1 behind an address that was given without a version, once; None where that is no way."""
        given = self.endpoint.base_url
        if self._answered or base_url != given or not lacks_version(given):
            return None
        if self.base_url == given:
            self.base_url = f"{given}/v1"
            log.warning("%s has no /chat/completions (%s): asking %s/v1. Write /v1 in the address", given, said, given)
            for client in self._loads:
                client.base_url = self.base_url
        detail = f"no /chat/completions at {given}: {said}"
        return Failure(reason="v1-added", error=ErrorClass.AGAIN, detail=detail, wait_seconds=0.0)

    def _status(self, error: APIStatusError) -> Failure:
        status, said = error.status_code, self._say(_message(error))
        codes = {error.code, error.type, _inner_code(error.body)}
        reason = f"http-{status}"
        if status == 429 and codes & _NO_MONEY:
            return Failure(reason="no-quota", error=ErrorClass.FATAL, detail=f"the account has no credit left: {said}")
        if status == 429:
            wait = wait_of_429(error.response.headers, _message(error))
            return Failure(reason="rate-limited", error=ErrorClass.SLOW_DOWN, detail=said, wait_seconds=wait)
        if status in _FILTERING and is_filtered(codes, _message(error)):
            return Failure(reason="content-filter", error=ErrorClass.FINAL, detail=said)
        if status in _FATAL or status < 400:
            what = _FATAL.get(status, f"it redirects to {_origin(error.response.headers.get('location', ''))}")
            if status in _NO_PATH and self.base_url != self.endpoint.base_url:
                what += f" at {self.base_url}, nor at {self.endpoint.base_url}"
            return Failure(reason=reason, error=ErrorClass.FATAL, detail=f"{what}: {said}")
        if status in _TRANSIENT or status >= 500:
            wait = retry_after(error.response.headers)
            return Failure(reason=reason, error=ErrorClass.TRANSIENT, detail=said, wait_seconds=wait)
        if status in _BAD_REQUEST and is_no_entry(_message(error)):
            return Failure(reason=reason, error=ErrorClass.FATAL, detail=said)
        field = refused_field(error.param, _message(error)) if status in _BAD_REQUEST else None
        if field is not None and not self._answered:  # no call is answered with it, so every call would fail
            detail = f"it refuses `{field}`: {said.rstrip('.')}. {remedy(field)}; or mend the endpoint"
            return Failure(reason=reason, error=ErrorClass.FATAL, detail=f"{detail}, then `polyglot retry`")
        return Failure(reason=reason, error=ErrorClass.FINAL, detail=said)

    def _connection(self, error: APIConnectionError) -> Failure:
        causes = list(_causes(error))
        host = urlsplit(self.endpoint.base_url).netloc
        for kind, what in (
            (socket.gaierror, "its name cannot be resolved"),
            (ConnectionRefusedError, "the connection was refused"),
            (ssl.SSLError, "the TLS handshake failed"),
        ):
            if any(isinstance(cause, kind) for cause in causes):
                return Failure(
                    reason="unreachable", error=ErrorClass.TRANSIENT, detail=f"{host}: {what}", connected=False
                )
        if any(isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout) for cause in causes):
            detail = f"{host}: no connection"
            return Failure(reason="unreachable", error=ErrorClass.TRANSIENT, detail=detail, connected=False)
        timed_out = any(isinstance(cause, httpx2.TimeoutException) for cause in causes)
        detail = self._say(next((str(cause) for cause in causes[1:] if str(cause)), "the connection broke"))
        reason = "timeout" if timed_out else "connection"
        return Failure(reason=reason, error=ErrorClass.TRANSIENT, detail=detail, may_be_billed=True)

    def _say(self, text: str) -> str:
        """One line of bounded length without the key."""
        return " ".join(self.endpoint.scrub(text_of(text)).split())[:_DETAIL_CHARACTERS]


def _message(error: APIStatusError) -> str:
    body = error.body
    if isinstance(body, Mapping) and isinstance(body.get("message"), str):
        return str(body["message"])
    return error.response.text or error.response.reason_phrase


def _is_no_model(error: APIStatusError) -> bool:
    """Whether a 404 is about the model that was named, so that the path is right."""
    return error.code in ("model_not_found", "DeploymentNotFound") or error.param == "model"


def _inner_code(body: object) -> str | None:
    inner = body.get("innererror") if isinstance(body, Mapping) else None
    code = inner.get("code") if isinstance(inner, Mapping) else None
    return code if isinstance(code, str) else None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    with contextlib.suppress(ValueError):
        return f"{parts.scheme}://{parts.hostname or ''}" + (f":{parts.port}" if parts.port else "")
    return "another place"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and everything that led to it, the members of groups included."""
    seen: set[int] = set()
    stack = [error]
    while stack:
        current = stack.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        stack += list(getattr(current, "exceptions", ())) + [current.__context__, current.__cause__]
