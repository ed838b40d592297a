"""DeepL by its own client against a server that speaks its wire format."""

import json
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from jobs.translate import job as translate
from polyglot.core.errors import OverBudget, Permanent, PolyglotError
from tests.kit import deepl_server as ds
from tests.kit import judge_server as js
from tests.kit.deepl_server import DeepLServer
from tests.kit.ports import free_port
from tests.kit.translations import build, card, context, row, run, texts, written

QUICK = {"timeout_seconds": 0.5, "backoff_seconds": 0.01, "call_deadline_seconds": 20}
CODE = "Use `ls -l` & <go>:\n\n```sh\nls\n```"


@pytest.fixture(autouse=True)
def _key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEEPL_AUTH_KEY", raising=False)
    monkeypatch.delenv("DEEPL_SERVER_URL", raising=False)
    (tmp_path / "key").write_text("secret-key-1\n")
    monkeypatch.setenv("DEEPL_AUTH_KEY_FILE", str(tmp_path / "key"))


def stage(
    root: Path, server: DeepLServer, count: int = 60, settings: Mapping[str, Any] | None = None, **params: Any
) -> Path:
    rows = [row(f"a-{n}", f"Ask number {n}", f"Say number {n}") for n in range(count)]
    given = QUICK | {"deepl_url": server.url} | dict(settings or {})
    return build(root / "stage", rows, settings=given, engine="deepl", **params)


def whole(root: Path, count: int = 60) -> bool:
    return texts(root) == {f"a-{n}": [f"aSK NUMBER {n}", f"sAY NUMBER {n}"] for n in range(count)}


class TestWire:
    def test_batches_of_fifty_with_protected_parts_in_tags(self, tmp_path: Path) -> None:
        with DeepLServer() as server:
            root = build(
                tmp_path / "s", [row("a", "Ask", CODE)], settings=QUICK | {"deepl_url": server.url}, engine="deepl"
            )
            ran = run(root)
            (call,) = server.calls
            assert call.headers["authorization"] == "DeepL-Auth-Key secret-key-1"
            assert {
                name: call.body[name] for name in ("source_lang", "target_lang", "tag_handling", "ignore_tags")
            } == {
                "source_lang": "EN",
                "target_lang": "ES",
                "tag_handling": "xml",
                "ignore_tags": ["x"],
            }
            assert call.body["text"] == ["Ask", 'Use <x id="1">`ls -l`</x> &amp; <x id="2">&lt;go&gt;</x>:']
            assert texts(root)["a"] == ["aSK", CODE.replace("Use", "uSE")]
            assert ran.volatile["characters_billed"] == server.billed == sum(map(len, call.body["text"]))
            run(stage(tmp_path / "many", server))
        assert sorted(len(call.body["text"]) for call in server.calls[1:]) == [20, 50, 50]

    def test_formality_and_glossary_are_sent_and_the_glossary_is_taken_back(self, tmp_path: Path) -> None:
        with DeepLServer() as server:
            run(stage(tmp_path, server, 1, formality="prefer_more", glossary={"number": "cifra"}))
            made, asked, deleted = server.calls
            assert made.body["entries"] == "number\tcifra"
            assert (asked.body["formality"], asked.body["glossary_id"]) == ("prefer_more", "glossary-0")
            assert deleted.path == "/v2/glossaries/glossary-0"
            assert not server.glossaries

    def test_english_is_asked_for_in_a_variant(self, tmp_path: Path) -> None:
        with DeepLServer() as server:
            run(stage(tmp_path, server, 1, source="EN", target="EN"))
            assert server.calls[0].body["target_lang"] == "EN-US"

    def test_the_server_takes_forms_and_says_how_much_was_used(self) -> None:
        with DeepLServer() as server:
            headers = {"Authorization": "DeepL-Auth-Key secret-key-1"}
            form = Request(f"{server.url}/v2/translate", b"text=a&text=b&target_lang=ES", headers)  # noqa: S310
            with urlopen(form) as reply:  # noqa: S310
                assert [each["text"] for each in json.load(reply)["translations"]] == ["A", "B"]
            with urlopen(Request(f"{server.url}/v2/usage", headers=headers)) as reply:  # noqa: S310
                assert json.load(reply)["character_count"] == 2


class TestTrouble:
    @pytest.mark.parametrize(
        ("step", "reason", "unseen"),
        [
            (lambda call: js.status(429), "rate-limited", False),
            (lambda call: js.status(500), "http-500", False),
            (lambda call: js.status(503), "http-503", False),
            (lambda call: js.hang(), "timeout", True),
            (ds.cut_short, "connection", True),
            (lambda call: js.reset(), "connection", True),
            (lambda call: js.raw(js.http("200 OK", b"<html>")), "partial-reply", True),
            (lambda call: ds.good({"translations": [{"text": None}]}), "bad-reply", True),
            (lambda call: ds.good([1]), "partial-reply", True),
            (lambda call: ds.translations(call, 30), "partial-reply", True),
        ],
    )
    def test_what_passes_loses_no_row(self, tmp_path: Path, step: Any, reason: str, unseen: bool) -> None:
        with DeepLServer(lambda call: step(call) if call.index == 1 else None) as server:
            ran = run(stage(tmp_path, server, settings={"concurrency": 1}))
        assert whole(tmp_path / "stage")
        assert ran.volatile["calls"] == {"reply": 3, reason: 1}
        asked_twice = {text for text, count in server.asked.items() if count > 1}
        assert len(asked_twice) == 50
        assert ran.volatile["characters_unseen_at_most"] == (sum(map(len, asked_twice)) if unseen else 0)

    def test_an_outage_fails_the_attempt_and_the_next_goes_on(self, tmp_path: Path) -> None:
        with DeepLServer(lambda call: js.status(500) if call.index else None) as server:
            root = stage(tmp_path, server, settings={"concurrency": 1})
            with pytest.raises(PolyglotError, match="not answering: http-500") as raised:
                run(root)
            assert type(raised.value) is PolyglotError
        first = server.calls[0].body["text"]
        with DeepLServer() as healthy:
            ran = run(root, deepl_url=healthy.url)
        assert not set(first) & set(healthy.asked)
        assert set(healthy.asked.values()) == {1}
        assert ran.volatile["resumed_texts"] == 50
        assert whole(root)

    def test_one_that_goes_away_is_waited_for_and_calls_that_never_left_cost_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        port, remarks = free_port(), list[str]()
        with DeepLServer(port=port) as first:
            root = stage(tmp_path, first, 20, settings={"concurrency": 1, "attempts": 1, "backoff_seconds": 0.01})
            with pytest.raises(OverBudget):
                run(root, max_characters=500)
        here = context(root, attempts=1, batch_size=5)
        with ExitStack() as stack:
            again = DeepLServer(port=port)
            timer = threading.Timer(0.5, lambda: stack.enter_context(again))
            monkeypatch.setattr(here, "remark", lambda text: (remarks.append(text), text and timer.start()))
            translate.run(here)
            timer.join()
        assert whole(root, 20)
        assert [text[:28] for text in remarks] == ["DeepL does not answer since ", ""]
        assert here.volatile["characters_unseen_at_most"] == 0
        assert here.volatile["calls"]["unreachable"] > 1

    def test_one_that_never_answered_is_given_up_with_what_to_do(self, tmp_path: Path) -> None:
        with DeepLServer() as server:
            root = stage(tmp_path, server, 1, settings={"call_deadline_seconds": 0.3, "backoff_seconds": 0.01})
        with pytest.raises(
            PolyglotError, match=r"DeepL: unreachable: .*; it has never answered, for 0 s now\. Set the"
        ):
            run(root)

    def test_the_quota_ends_the_run_over_budget_and_nothing_is_asked_twice(self, tmp_path: Path) -> None:
        with DeepLServer(quota=2000) as server:
            root = stage(tmp_path, server, settings={"concurrency": 1})
            with pytest.raises(OverBudget, match="quota-exceeded"):
                run(root)
            spent = server.billed
            server.quota = 10**6
            ran = run(root)
            assert whole(root)
            assert server.billed == sum(map(len, server.asked))
            assert ran.volatile["characters_billed"] == server.billed > spent

    def test_a_refused_key_is_said_without_the_key(self, tmp_path: Path) -> None:
        with DeepLServer(key="another") as server, pytest.raises(Permanent, match="DeepL: http-403") as raised:
            run(stage(tmp_path, server))
        assert "secret-key-1" not in str(raised.value)

    def test_no_key_is_said_with_the_remedy(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("DEEPL_AUTH_KEY_FILE")
        with DeepLServer() as server, pytest.raises(Permanent, match="Set DEEPL_AUTH_KEY_FILE"):
            run(stage(tmp_path, server))
        assert not server.calls

    def test_a_text_that_is_refused_costs_its_row_and_no_other(self, tmp_path: Path) -> None:
        def script(call: js.Call) -> js.Step | None:
            return js.status(400) if 'Say number <x id="1">7</x>' in ds.texts_of(call) else None

        with DeepLServer(script) as server:
            root = stage(tmp_path, server, 20)
            run(root)
        assert [each["id"] for each in written(root, "rejected.jsonl")] == ["a-7"]
        assert card(root)["reasons"] == {"http-400": 1}

    def test_what_was_refused_is_asked_anew_after_the_endpoint_was_mended(self, tmp_path: Path) -> None:
        with DeepLServer(lambda call: js.status(400, "formality is not supported for this language")) as server:
            root = stage(tmp_path, server, 3)
            with pytest.raises(Permanent, match="none of 3 rows could be translated: http-400 3"):
                run(root)
        with DeepLServer() as mended:
            run(root, deepl_url=mended.url)
        assert whole(root, 3)


class TestCaps:
    def test_no_call_is_made_that_may_exceed_the_cap(self, tmp_path: Path) -> None:
        with DeepLServer() as server:
            root = stage(tmp_path, server, settings={"max_characters": 2000, "concurrency": 4})
            with pytest.raises(OverBudget, match="Raise max-characters"):
                run(root)
            assert 0 < server.billed <= 2000
            before = dict(server.asked)
            run(root, max_characters=None)
            assert whole(root)
            assert all(server.asked[text] == 1 for text in before)

    def test_a_budget_in_dollars_counts_by_the_price(self, tmp_path: Path) -> None:
        with DeepLServer() as server:
            root = stage(tmp_path, server, settings={"price_usd_per_mchar": 20.0, "max_usd": 0.04, "concurrency": 1})
            here = context(root)
            with pytest.raises(OverBudget):
                translate.run(here)
            assert here.volatile["cost_usd"] == pytest.approx(server.billed * 20e-6)
            assert 0 < here.volatile["cost_usd"] <= 0.04

    @pytest.mark.parametrize("billed", [0, -3])
    def test_characters_that_nobody_counted_are_all_of_the_call_s(self, tmp_path: Path, billed: int) -> None:
        def script(call: js.Call) -> js.Step:
            document = ds.document(ds.texts_of(call))
            return ds.good({"translations": [row | {"billed_characters": billed} for row in document["translations"]]})

        with DeepLServer(script) as server:
            root = stage(tmp_path, server, settings={"max_characters": 2000, "concurrency": 1})
            with pytest.raises(OverBudget, match="Raise max-characters"):
                run(root)
            assert sum(map(len, server.asked)) <= 2000
            ran = run(root, max_characters=None)
        assert (ran.volatile["characters_billed"], ran.volatile["characters_unseen_at_most"]) == (
            0,
            sum(map(len, server.asked)),
        )

    def test_a_budget_without_a_price_is_refused(self, tmp_path: Path) -> None:
        with DeepLServer() as server, pytest.raises(Permanent, match="bounds nothing without a price"):
            run(stage(tmp_path, server, settings={"max_usd": 1.0}))
