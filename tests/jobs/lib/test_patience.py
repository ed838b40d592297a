"""A hub or a web server that is away for a while is waited for and told; one that never answers is given up."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from jobs.ingest import hub
from jobs.lib.patience import Patience, is_outage
from polyglot.core.canonical import sha256_bytes
from polyglot.core.errors import Interrupted
from polyglot.kinds.ingest import IngestParams
from polyglot.kinds.kind import File
from polyglot.store.fetching import fetch
from tests.kit.data_jobs import data_context
from tests.kit.hub_server import NAME, REVISION, hub_server
from tests.kit.judge_server import ScriptedJudge, Step, http, raw, status
from tests.kit.ports import free_port

DATA = b'{"instruction": "a", "output": "b"}\n'


@contextmanager
def heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: Callable[[], Any]) -> Iterator[Any]:
    """A job's context, and its remarks; a while after the first one, `then` is done."""
    context, remarks = data_context(tmp_path / "job"), list[str]()
    timer = threading.Timer(0.4, then)

    def remark(text: str) -> None:
        remarks.append(text)
        if text:
            timer.start()

    monkeypatch.setattr(context, "remark", remark)
    yield context, remarks
    timer.join()


def test_a_hub_that_comes_back_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    params = IngestParams(
        what="dataset",
        languages=("EN",),
        source="hub",
        hub=NAME,
        revision=REVISION,
        format="bactrian-x",
        data_files="{language}.jsonl",
    )
    with ExitStack() as stack:
        server = hub_server({"en.jsonl": DATA}, port=port)
        with heard(tmp_path, monkeypatch, lambda: stack.enter_context(server)) as (context, remarks):
            ((name, records),) = hub.files(params, "EN", tmp_path / "hub", Patience(context))
            assert (name, len(list(records))) == ("en.jsonl", 1)
    assert remarks[0].startswith(f"hub {NAME}@{REVISION[:12]} does not answer since ")
    assert remarks[1:] == [""]


@pytest.mark.parametrize("step", [status(503), status(429)], ids=["503", "429"])
def test_a_server_that_is_overloaded_for_a_while_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: Step
) -> None:
    back = threading.Event()

    def script(call: Any) -> Step:
        return raw(http("200 OK", DATA), close=True) if back.is_set() else step

    with ScriptedJudge(script) as server, heard(tmp_path, monkeypatch, back.set) as (context, remarks):
        uri = server.base_url.removesuffix("/v1") + "/rows.jsonl"
        file = File(sha256=sha256_bytes(DATA), bytes=len(DATA), name="rows.jsonl", uri=uri)
        got = Patience(context).ask(file.name, lambda: fetch(file, tmp_path / "file"))
    assert got.read_bytes() == DATA
    assert [text[:30] for text in remarks] == ["rows.jsonl does not answer sin", ""]


def test_one_that_never_answers_ends_as_before_for_the_engine_to_try_again(tmp_path: Path) -> None:
    context = data_context(tmp_path / "job")
    with ScriptedJudge(lambda call: status(503)) as server:
        uri = server.base_url.removesuffix("/v1") + "/rows.jsonl"
        file = File(sha256=sha256_bytes(DATA), bytes=len(DATA), name="rows.jsonl", uri=uri)
        with pytest.raises(HTTPError):
            Patience(context, give_up_seconds=0.1).ask(file.name, lambda: fetch(file, tmp_path / "file"))
        assert len(server.calls) > 1


def test_asked_to_stop_it_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = data_context(tmp_path / "job")
    monkeypatch.setattr(context, "stopping", lambda: True)

    def refused() -> None:
        raise ConnectionRefusedError

    with pytest.raises(Interrupted):
        Patience(context).ask("a hub", refused)


@pytest.mark.parametrize("error", [ValueError("no"), PermissionError("no"), KeyError("no"), FileNotFoundError("no")])
def test_what_is_wrong_with_us_is_no_outage(error: Exception) -> None:
    assert not is_outage(error)
