"""Fault 28: ratings of translations, killed at any moment or during an outage: nothing on record is asked again."""

import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from polyglot.core.canonical import sha256_file
from polyglot.core.errors import OverBudget, Permanent, PolyglotError
from tests.kit import judge_server as js
from tests.kit.judge_stage import records
from tests.kit.quality_stage import build, ratings, run

CHECKOUT = Path(__file__).parents[2]


def rated(call: js.Call) -> js.Step:
    """A rating that depends on nothing but the request."""
    return js.reply(f"Nothing is lost.\nScore: {int(call.id[:8], 16) % 101}", after=0.02)


def final(root: Path) -> set[str]:
    """The calls whose answer is on record."""
    return {record["id"] for record in records(root) if record["final"]}


def digests(root: Path) -> dict[str, str]:
    return {path.name: sha256_file(path) for path in sorted((root / "out").iterdir())}


def test_nothing_on_record_is_asked_again_after_kills(tmp_path: Path) -> None:
    with js.ScriptedJudge(rated) as server:
        calm = build(tmp_path / "calm", 40, settings={"base_url": server.base_url})
        run(calm)
    answered = 0.0  # calls beyond this many hang, so that no pause of this process lets the stage end
    with js.ScriptedJudge(lambda call: rated(call) if call.index < answered else js.hang()) as server:
        settings = {"base_url": server.base_url, "timeout_seconds": 10}
        root = build(tmp_path / "killed", 40, settings=settings)
        kills = []  # how many calls had arrived, and what was on record
        for _ in range(3):
            before = final(root)
            answered = len(server.calls) + 15
            process = subprocess.Popen([sys.executable, "-m", "tests.kit.quality_stage", str(root)], cwd=CHECKOUT)
            while len(server.calls) < answered or final(root) <= before:
                assert process.poll() is None
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills.append((len(server.calls), final(root)))
        answered = float("inf")
        run(root)
    for asked, on_record in kills:
        assert not on_record & set(server.ids[asked:])
    assert set(Counter(server.ids).values()) <= {1, 2, 3, 4}  # those in flight at a kill are asked again, no others
    assert digests(root) == digests(calm)


def test_an_outage_fails_the_attempt_and_the_next_one_asks_for_the_rest(tmp_path: Path) -> None:
    def script(call: js.Call) -> js.Step:
        return rated(call) if call.index < 20 or recovered else js.status(500)

    recovered = False
    with js.ScriptedJudge(script) as server:
        root = build(tmp_path, 40, settings={"base_url": server.base_url, "attempts": 2})
        with pytest.raises(PolyglotError, match=r"adequacy: the endpoint is not answering: \d+ of 80 turns") as outage:
            run(root)
        assert not isinstance(outage.value, Permanent)
        assert not (tmp_path / "out" / "card.json").exists()
        on_record, asked = final(root), len(server.calls)
        assert len(on_record) == 20
        assert asked < 80  # it does not go on asking an endpoint that is down
        recovered = True
        ended = run(root)
        assert ended.volatile["resumed_calls"] == 20
        assert not on_record & set(server.ids[asked:])
    assert None not in ratings(root)
    assert len(ratings(root)) == 80


def test_replies_without_a_number_fail_for_good_although_some_calls_timed_out(tmp_path: Path) -> None:
    with js.ScriptedJudge(lambda call: js.status(500) if call.index % 10 == 9 else js.reply("fine")) as server:
        root = build(tmp_path, 40, settings={"base_url": server.base_url, "attempts": 1})
        with pytest.raises(Permanent, match=r"adequacy: \d+ of 80 turns got no rating.*no-score"):
            run(root)


def test_what_was_answered_before_the_budget_was_spent_is_on_record(tmp_path: Path) -> None:
    prices = {"price_usd_per_mtok_prompt": 10.0, "price_usd_per_mtok_completion": 100.0}
    with js.ScriptedJudge(rated) as server:
        root = build(tmp_path, 20, settings={"base_url": server.base_url, "concurrency": 1} | prices)
        with pytest.raises(OverBudget):
            run(root, max_usd=0.05)
        before = list(server.ids)
        assert final(root) == set(before)
        run(root, max_usd=10.0)
    assert len(set(server.ids)) == len(server.ids) == 40
