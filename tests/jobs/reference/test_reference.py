"""The reference job from files to files, by the real client against a scripted endpoint and the built-in author."""

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from jobs import builtin
from jobs.reference.prompt import SYSTEM, VERSION, messages
from polyglot.core.canonical import sha256_file
from polyglot.core.errors import Interrupted, OverBudget, Permanent, PolyglotError
from polyglot.kinds.reference import ReferenceParams
from polyglot.study.references import PROMPT_VERSION, WORDED
from tests.kit import judge_server as js
from tests.kit.judge_stage import context, records
from tests.kit.reference_stage import build, questions, rows_of, run, turn

CODE = "Here it is:\n```python\ndef area(side):\n    return side * side\n```"
BROKEN = CODE.replace("def", "definiere").replace("area", "flaeche")


def answered(call: js.Call) -> js.Step:
    return js.reply(f"Answer {turn(call)} to {call.body['messages'][-1]['content']}")


def stage(root: Path, server: js.ScriptedJudge, count: int = 3, **options: Any) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    settings = {"base_url": server.base_url} | options.pop("settings", {})
    asked = options.pop("asked", {language: questions(language, count) for language in ("EN", "DE")})
    return build(root, asked, settings=settings, **options)


def card(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / "out" / "card.json").read_bytes())
    return found


class TestConversation:
    def test_the_second_turn_continues_the_first_in_the_questions_language(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(answered) as server:
            here = run(stage(tmp_path, server, max_tokens=99, seed=3, temperature=0.5))
        bodies = [call.body for call in server.calls if call.body["messages"][1]["content"] == "DE 1 first?"]
        assert [[m["role"] for m in body["messages"]] for body in bodies] == [
            ["system", "user"],
            ["system", "user", "assistant", "user"],
        ]
        assert [m["content"] for m in bodies[1]["messages"]] == [
            SYSTEM["DE"],
            "DE 1 first?",
            "Answer 1 to DE 1 first?",
            "1 second?",
        ]
        assert {name: bodies[0][name] for name in bodies[0] if name != "messages"} == {
            "model": "writer-1",
            "max_tokens": 99,
            "seed": 3,
            "temperature": 0.5,
        }
        assert rows_of(tmp_path, "references/DE.jsonl")[0] == {
            "id": "1",
            "language": "DE",
            "turns": ["Answer 1 to DE 1 first?", "Answer 2 to 1 second?"],
        }
        assert here.metrics == {"references": {"EN": 3, "DE": 3}, "rejected": {"EN": 0, "DE": 0}}
        assert here.volatile["attempts"] == {"reply": 12}

    def test_only_categories_that_need_references_are_asked(self, tmp_path: Path) -> None:
        asked = {"FR": questions("FR", 2) + [row | {"id": "w"} for row in questions("FR", 1, "writing")]}
        with js.ScriptedJudge(answered) as server:
            run(stage(tmp_path, server, asked=asked))
        assert [row["id"] for row in rows_of(tmp_path, "references/FR.jsonl")] == ["1", "2"]
        assert len(server.calls) == 4

    def test_a_study_without_such_questions_is_refused(self, tmp_path: Path) -> None:
        with (
            js.ScriptedJudge(answered) as server,
            pytest.raises(Permanent, match="no question is of a category that needs references: math, coding"),
        ):
            run(stage(tmp_path, server, asked={"FR": questions("FR", 2, "writing")}))
        assert not server.calls

    def test_every_language_of_the_schema_has_its_own_wording(self) -> None:
        assert tuple(SYSTEM) == WORDED
        assert len(set(SYSTEM.values())) == len(WORDED)
        assert PROMPT_VERSION == VERSION
        with pytest.raises(Permanent, match="no wording in PT; expected one of EN DE FR IT ES"):
            messages("PT", ["a"], [])


class TestReplies:
    @pytest.mark.parametrize(
        ("step", "reason"),
        [
            (js.reply("Half an ans", finish="length"), "truncated"),
            (js.reply(None, refusal="No."), "refused"),
            (js.reply("", finish="content_filter"), "content-filter"),
            (js.reply(" \n"), "empty-output"),
            (js.reply("<think>Nothing to say.</think>\n"), "empty-output"),
            (js.reply("<think>Let me"), "truncated"),
            (js.reply("a\0b"), "nul"),
            (js.status(400, "bad request"), "http-400"),
        ],
    )
    @pytest.mark.parametrize("bad_turn", [1, 2])
    def test_what_is_no_whole_answer_is_counted_and_left_out(
        self, tmp_path: Path, step: js.Step, reason: str, bad_turn: int
    ) -> None:
        def script(call: js.Call) -> js.Step:
            bad = call.body["messages"][1]["content"] == "EN 2 first?" and turn(call) == bad_turn
            return step if bad else answered(call)

        with js.ScriptedJudge(script) as server:
            run(stage(tmp_path, server, settings={"max_failed_share": 0.5}))
        assert rows_of(tmp_path, "rejected.jsonl") == [
            {"language": "EN", "file": "questions/EN.jsonl", "line": 2, "id": "2", "turn": bad_turn, "reason": reason}
        ]
        rows = {row["id"]: row["turns"] for row in rows_of(tmp_path, "references/EN.jsonl")}
        assert rows.get("2") == (None if bad_turn == 1 else ["Answer 1 to EN 2 first?", ""])
        entry = card(tmp_path)["languages"]["EN"]
        assert (entry["records"], entry["rejected"], entry["reasons"]) == (3, 1, {reason: 1})

    def test_what_the_author_thought_is_no_part_of_it(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(lambda call: js.reply("A draft.\n</think>\n\nUse <analysis>x</analysis>.")) as server:
            run(stage(tmp_path, server))
        assert rows_of(tmp_path, "references/EN.jsonl")[0]["turns"] == ["Use <analysis>x</analysis>."] * 2

    def test_too_many_of_them_fail_the_stage(self, tmp_path: Path) -> None:
        with (
            js.ScriptedJudge(lambda call: js.reply("Half", finish="length")) as server,
            pytest.raises(Permanent, match=r"6 of 6 questions got no .* truncated 6; first EN 1 turn 1"),
        ):
            run(stage(tmp_path, server))

    def test_the_card_checks_code_fences_language_and_finish(self, tmp_path: Path) -> None:
        german = "Das ist eine ganz gewöhnliche deutsche Antwort, die lang genug ist, damit man ihre Sprache erkennt."

        def script(call: js.Call) -> js.Step:
            first = call.body["messages"][1]["content"]
            if turn(call) == 2:
                return js.reply(f"{german} {first}" if first[0] == "D" else "Yes.")
            return js.reply({"DE 1 first?": BROKEN, "DE 2 first?": CODE[:-3]}.get(first, CODE))

        with js.ScriptedJudge(script) as server:
            run(stage(tmp_path, server))
        found = card(tmp_path)
        assert (found["what"], found["endpoint"], found["served_by"]) == ("references", "openai", ["judge-1-2024"])
        german_entry = {name: check["languages"]["DE"] for name, check in found["defects"].items()}
        assert (german_entry["python-unparsed"]["count"], german_entry["python-unparsed"]["of"]) == (1, 2)
        assert german_entry["broken-fences"]["where"] == ["2:1"]
        assert german_entry["identifiers-translated"]["where"] == ["1:1"]
        assert (german_entry["other-language"]["count"], german_entry["other-language"]["of"]) == (0, 3)
        assert found["languages"]["DE"]["finish"] == {"stop": 6}
        assert found["parallel"]["in_all"] == 3


class TestTrouble:
    def test_overload_and_server_errors_are_waited_out(self, tmp_path: Path) -> None:
        def script(call: js.Call) -> js.Step:
            if call.nth == 1 and call.index % 3 == 0:
                return js.status(429, "slow down", retry_after="0.02")
            if call.nth == 1 and call.index % 3 == 1:
                return js.status(503, "busy")
            if call.nth == 1:
                return js.reply("Half an", finish="abort")
            return answered(call)

        with js.ScriptedJudge(script) as server:
            here = run(stage(tmp_path, server, count=4))
        rows = rows_of(tmp_path, "references/DE.jsonl")
        assert [row["turns"][0] for row in rows] == [f"Answer 1 to DE {n} first?" for n in range(1, 5)]
        assert here.volatile["attempts"]["reply"] == 16
        assert {"rate-limited", "http-503", "finish-abort"} <= here.volatile["attempts"].keys()

    def test_an_outage_fails_the_attempt_and_not_a_question_and_nothing_is_asked_twice(self, tmp_path: Path) -> None:
        up = [True]

        def script(call: js.Call) -> js.Step:
            return answered(call) if turn(call) == 1 or up[0] else js.status(500, "down")

        with js.ScriptedJudge(script) as server:
            up[0] = False
            root = stage(tmp_path, server, settings={"attempts": 2})
            with pytest.raises(PolyglotError, match=r"is not answering: .* turn 2: http-500") as error:
                run(root)
            assert not isinstance(error.value, Permanent)
            asked = Counter(call.id for call in server.calls if turn(call) == 1)
            up[0] = True
            here = run(root)
        assert set(asked.values()) == {1}
        assert Counter(call.id for call in server.calls if turn(call) == 1) == asked
        assert here.volatile["resumed_calls"] == 6

    def test_a_killed_stage_goes_on_where_it_was_and_ends_as_an_undisturbed_one(self, tmp_path: Path) -> None:
        def slow(call: js.Call) -> js.Step:
            return js.reply(f"Answer {turn(call)} to {call.body['messages'][-1]['content']}", after=0.02)

        with js.ScriptedJudge(slow) as server:
            run(stage(tmp_path / "calm", server, count=40))
        chance, limit = random.Random(5), [0.0]
        with js.ScriptedJudge(lambda call: slow(call) if call.index < limit[0] else js.hang()) as server:
            root = stage(tmp_path / "killed", server, count=40, settings={"timeout_seconds": 10})
            kills = []
            for _ in range(4):
                before = len(_final(root)) if kills else 0
                limit[0] = len(server.calls) + chance.randint(25, 38)
                process = _start(root)
                while len(server.calls) < limit[0] or len(_final(root)) <= before:
                    assert process.poll() is None
                    time.sleep(0.01)
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills.append((len(server.calls), _final(root)))
            limit[0] = float("inf")
            assert _start(root).wait(60) == 0
        for asked, on_record in kills:
            assert not on_record & set(server.ids[asked:])
        assert len(kills[-1][1]) > 80  # the second turns had begun
        assert _digests(tmp_path / "calm") == _digests(root)

    def test_it_stops_when_asked(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(answered) as server:
            here = context(stage(tmp_path, server))
            here.stop = True
            with pytest.raises(Interrupted, match="on record"):
                run_context(here)

    def test_the_budget_ends_it_before_the_call_that_might_exceed_it(self, tmp_path: Path) -> None:
        prices = {"price_usd_per_mtok_prompt": 100.0, "price_usd_per_mtok_completion": 100.0}
        with js.ScriptedJudge(answered) as server:
            root = stage(tmp_path, server, max_tokens=100, settings={**prices, "max_usd": 0.1, "concurrency": 1})
            with pytest.raises(OverBudget, match="Raise budget"):
                run(root)
            asked = len(server.calls)
            assert 0 < asked < 12
            run(root, max_usd=10.0)
        assert len(server.calls) == 12

    def test_a_cap_without_prices_is_refused(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(answered) as server, pytest.raises(Permanent, match="bounds nothing without prices"):
            run(stage(tmp_path, server, settings={"max_usd": 1.0}))


class TestBuiltIn:
    def test_the_built_in_author_writes_the_built_in_references(self, tmp_path: Path) -> None:
        asked = {
            language: [
                {
                    "id": str(row["question_id"]).partition("_")[0],
                    "language": language,
                    "category": row["category"],
                    "turns": row["turns"],
                }
                for row in builtin.questions("verifiable", language)
            ]
            for language in ("EN", "IT")
        }
        run(build(tmp_path, asked, endpoint="built-in", model="polyglot-solver", categories="all"))
        for language in asked:
            expected = [row["choices"][0]["turns"] for row in builtin.references("verifiable", language)]  # type: ignore[index]
            assert [row["turns"] for row in rows_of(tmp_path, f"references/{language}.jsonl")] == expected
        assert card(tmp_path)["served_by"] == ["polyglot-solver"]

    def test_it_says_nothing_about_questions_that_it_does_not_know(self, tmp_path: Path) -> None:
        asked = {language: questions(language, 3) for language in ("EN", "DE")}
        with pytest.raises(Permanent, match=r"6 of 6 questions got no whole reference, .*: http-400 6"):
            run(build(tmp_path, asked, endpoint="built-in", model="polyglot-solver"))


def test_outputs_change_only_with_the_version(tmp_path: Path) -> None:
    """When this fails on purpose, ReferenceParams.version rises with it; the card also holds the rules' wording."""
    with js.ScriptedJudge(answered) as server:
        run(stage(tmp_path, server))
    assert ReferenceParams.version == 1
    files = ("references/DE.jsonl", "references/EN.jsonl", "rejected.jsonl")
    found = [sha256_file(tmp_path / "out" / name)[:12] for name in files]
    assert found == [
        "f3e078361a09",
        "5f673852c35b",
        "e3b0c44298fc",
    ]


def run_context(here: Any) -> None:
    from jobs.reference import job as reference

    reference.run(here)


def _start(root: Path) -> subprocess.Popen[bytes]:
    checkout = Path(__file__).parents[3]
    return subprocess.Popen([sys.executable, "-m", "tests.kit.reference_stage", str(root)], cwd=checkout)


def _final(root: Path) -> set[str]:
    return {record["id"] for record in records(root) if record["final"]}


def _digests(root: Path) -> dict[str, str]:
    out = root / "out"
    return {str(path.relative_to(out)): sha256_file(path) for path in sorted(out.rglob("*")) if path.is_file()}
