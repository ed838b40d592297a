"""Fault 28: a translation killed at any moment: no text whose translation is on record is asked for again."""

import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from polyglot.core.canonical import sha256_bytes, sha256_file
from tests.kit import deepl_server as ds
from tests.kit import judge_server as js
from tests.kit.deepl_server import DeepLServer
from tests.kit.judge_stage import records
from tests.kit.translations import build, row, run, texts

CHECKOUT = Path(__file__).parents[2]
QUICK = {"timeout_seconds": 20, "backoff_seconds": 0.01, "call_deadline_seconds": 60, "concurrency": 2}
ROWS = [
    row(f"a-{n}", f"Ask about {'abcdefghij'[n % 10] * (n + 1)}", f"Say {'klmnopqrst'[n % 10] * (n + 1)}")
    for n in range(150)
]


def start(root: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.kit.translations", str(root)], cwd=CHECKOUT)


def on_record(root: Path) -> set[str]:
    """SHA-256 of the texts, or ids of the completions, whose translation is durable."""
    return {each["id"] for each in records(root) if each["outcome"] == "done" or each.get("final")}


def killed(root: Path, ready: Any) -> set[str]:
    """Start the stage, kill it when something is on record, and return what."""
    before = on_record(root)
    process = start(root)
    while not ready() or not on_record(root) - before:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return on_record(root)


def digests(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): sha256_file(path) for path in sorted((root / "out").rglob("*.jsonl"))}


class TestDeepL:
    @pytest.fixture(autouse=True)
    def _key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DEEPL_AUTH_KEY", "secret-key-1")
        monkeypatch.delenv("DEEPL_AUTH_KEY_FILE", raising=False)

    def test_no_character_on_record_is_spent_twice(self, tmp_path: Path) -> None:
        with DeepLServer() as server:
            calm = build(tmp_path / "calm", ROWS, settings=QUICK | {"deepl_url": server.url}, engine="deepl")
            run(calm)
        answered = 0.0  # calls beyond this many hang, so that no pause of this process lets the stage end
        with DeepLServer(lambda call: js.hang() if call.index >= answered else None) as server:
            root = build(tmp_path / "killed", ROWS, settings=QUICK | {"deepl_url": server.url}, engine="deepl")
            kills = []
            for _ in range(2):
                answered = len(server.calls) + 2
                kept = killed(root, lambda: len(server.calls) >= answered)  # noqa: B023
                kills.append((len(server.calls), kept))
            answered = float("inf")
            ran = run(root)
        for number, kept in kills:
            later = [text for call in server.calls[number:] for text in ds.texts_of(call)]
            assert not kept & {sha256_bytes(text.encode()) for text in later}
        assert 0 < len(kills[0][1]) < len(kills[1][1]) < len(server.asked)
        assert ran.volatile["characters_billed"] <= server.billed
        assert ran.volatile["characters_billed"] + ran.volatile["characters_unseen_at_most"] >= server.billed
        assert digests(root) == digests(calm)

    def test_a_batch_in_flight_at_a_kill_counts_in_full(self, tmp_path: Path) -> None:
        with DeepLServer(lambda call: js.hang()) as server:
            root = build(tmp_path, ROWS[:20], settings=QUICK | {"deepl_url": server.url}, engine="deepl")
            process = start(root)
            while not server.calls:
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            process.wait()
            in_flight = sum(map(len, ds.texts_of(server.calls[0])))
        with DeepLServer() as server:
            ran = run(root, deepl_url=server.url)
        assert ran.volatile["characters_unseen_at_most"] == in_flight
        assert ran.volatile["calls"] == {"lost": 1, "reply": 1}


class TestOpenAI:
    def test_no_call_on_record_is_made_twice(self, tmp_path: Path) -> None:
        def translated(call: js.Call) -> js.Step:
            return js.reply(str(call.user).swapcase())

        answered = 0.0
        with js.ScriptedJudge(lambda call: translated(call) if call.index < answered else js.hang()) as server:
            settings = QUICK | {"base_url": server.base_url}
            root = build(tmp_path, ROWS[:40], settings=settings, engine="openai", model="m", prompt=1, max_tokens=512)
            kills = []
            for _ in range(2):
                answered = len(server.calls) + 12
                kept = killed(root, lambda: len(server.calls) >= answered)  # noqa: B023
                kills.append((len(server.calls), kept))
            answered = float("inf")
            run(root)
        for number, kept in kills:
            assert not kept & set(server.ids[number:])
        assert set(Counter(server.ids)) == on_record(root)
        assert texts(root)["a-0"] == ["aSK ABOUT A", "sAY K"]
