"""The ask job from files to files, by the real client against a scripted endpoint and the built-in author."""

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
from jobs.ask import job as ask
from polyglot.core import records as record_files
from polyglot.core.canonical import sha256_file
from polyglot.core.errors import Interrupted, OverBudget, Permanent, PolyglotError
from polyglot.kinds.answer import Answer, AnswerCard
from polyglot.kinds.ask import AskParams
from tests.kit import judge_server as js
from tests.kit.ask_stage import build, run
from tests.kit.judge_stage import context, records
from tests.kit.reference_stage import questions, rows_of, turn


def answered(call: js.Call) -> js.Step:
    return js.reply(
        f"Answer {turn(call)} to {call.body['messages'][-1]['content']}", usage=js.Usage(prompt=20, completion=7)
    )


def stage(root: Path, server: js.ScriptedJudge, count: int = 3, **options: Any) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    settings = {"base_url": server.base_url} | options.pop("settings", {})
    asked = options.pop("asked", {language: questions(language, count) for language in ("EN", "DE")})
    return build(root, asked, settings=settings, **options)


def answers(root: Path, language: str) -> list[Answer]:
    return list(record_files.read_lines(root / "out" / "answers" / f"{language}.jsonl", Answer))


def card(root: Path) -> AnswerCard:
    return record_files.read(root / "out" / "card.json", AnswerCard)


def first_question(call: js.Call) -> str:
    return str(next(message["content"] for message in call.body["messages"] if message["role"] == "user"))


class TestConversation:
    def test_two_turns_are_one_conversation_under_the_languages_system_message(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(answered) as server:
            here = run(stage(tmp_path, server, top_p=0.9))
        bodies = [call.body for call in server.calls if first_question(call) == "EN 2 first?"]
        assert bodies[0] == {
            "model": "chat-1",
            "messages": [{"role": "system", "content": "Be helpful."}, {"role": "user", "content": "EN 2 first?"}],
            "temperature": 0,
            "max_tokens": 64,
            "top_p": 0.9,
        }
        assert bodies[1]["messages"] == [
            *bodies[0]["messages"],
            {"role": "assistant", "content": "Answer 1 to EN 2 first?"},
            {"role": "user", "content": "2 second?"},
        ]
        assert rows_of(tmp_path, "answers/EN.jsonl")[1] == {
            "id": "2",
            "language": "EN",
            "category": "coding",
            "sample": 0,
            "turns": [
                {"text": "Answer 1 to EN 2 first?", "tokens": 7, "finish": "eos", "stop": None},
                {"text": "Answer 2 to 2 second?", "tokens": 7, "finish": "eos", "stop": None},
            ],
            "error": None,
        }
        assert (here.metrics["questions"], here.metrics["turns"], here.metrics["tokens"]) == (6, 12, 84)
        assert here.volatile["attempts"] == {"reply": 12}

    def test_a_language_without_a_system_message_sends_none(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(answered) as server:
            run(stage(tmp_path, server))
        german = [call for call in server.calls if first_question(call).startswith("DE")]
        assert {call.body["messages"][0]["role"] for call in german} == {"user"}

    def test_the_temperature_is_that_of_the_category(self, tmp_path: Path) -> None:
        asked = {"EN": [*questions("EN", 1), *(row | {"id": "w"} for row in questions("EN", 1, "writing"))]}
        asked["EN"][1] |= {"turns": ["Write!", "Again!"]}
        with js.ScriptedJudge(answered) as server:
            run(stage(tmp_path, server, asked=asked))
        found = {first_question(call): call.body["temperature"] for call in server.calls}
        assert found == {"EN 1 first?": 0, "Write!": 0.7}

    def test_every_sample_is_asked_with_a_seed_of_its_own_where_there_is_one(self, tmp_path: Path) -> None:
        def script(call: js.Call) -> js.Step:
            return js.reply(f"{call.index}")

        with js.ScriptedJudge(script) as server:
            run(stage(tmp_path / "seeded", server, count=1, samples=3, seed=11))
            seeds = Counter(call.body["seed"] for call in server.calls)
            asked = len(server.calls)
            run(stage(tmp_path / "free", server, count=1, samples=3))
        assert seeds == {11: 4, 12: 4, 13: 4}
        assert not any("seed" in call.body for call in server.calls[asked:])
        rows = answers(tmp_path / "free", "EN")
        assert [row.sample for row in rows] == [0, 1, 2]
        assert len({row.turns[0].text for row in rows}) == 3  # no sample stands for another

    def test_what_it_thought_is_no_part_of_the_answer(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(lambda call: js.reply("<think>A draft.</think>\n\nThe answer.")) as server:
            run(stage(tmp_path, server))
        assert {turn.text for row in answers(tmp_path, "DE") for turn in row.turns} == {"The answer."}
        assert server.calls[-1].body["messages"][-2] == {"role": "assistant", "content": "The answer."}


class TestReplies:
    def test_a_cut_answer_is_an_answer_that_is_cut(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(lambda call: js.reply("Half an ans", finish="length")) as server:
            here = run(stage(tmp_path, server))
        assert {(turn.text, turn.finish) for row in answers(tmp_path, "EN") for turn in row.turns} == {
            ("Half an ans", "length")
        }
        assert (here.metrics["cut"], here.metrics["failed"], here.metrics["cut_share"]["DE"]) == (12, 0, 1.0)

    @pytest.mark.parametrize(
        ("step", "reason"),
        [
            (js.reply(None, refusal="No."), "refused"),
            (js.reply("", finish="content_filter"), "content-filter"),
            (js.reply("<think>Let me", finish="length"), "truncated"),
            (js.status(400, "bad request"), "http-400"),
        ],
    )
    @pytest.mark.parametrize("bad_turn", [1, 2])
    def test_what_is_no_answer_is_a_record_with_its_reason(
        self, tmp_path: Path, step: js.Step, reason: str, bad_turn: int
    ) -> None:
        def script(call: js.Call) -> js.Step:
            return step if first_question(call) == "EN 2 first?" and turn(call) == bad_turn else answered(call)

        with js.ScriptedJudge(script) as server:
            here = run(stage(tmp_path, server, settings={"max_failed_share": 0.5}))
        found = {row.id: row for row in answers(tmp_path, "EN")}
        assert (found["2"].error, len(found["2"].turns)) == (reason, bad_turn - 1)
        assert [row.error for name, row in found.items() if name != "2"] == [None, None]
        assert here.metrics["failed"] == card(tmp_path).languages["EN"].failed == 1

    def test_too_many_of_them_fail_the_stage_and_what_was_answered_is_kept(self, tmp_path: Path) -> None:
        def script(call: js.Call) -> js.Step:
            bad = first_question(call)[:2] == "DE" and not mended[0]
            return js.reply(None, refusal="No.") if bad else answered(call)

        mended = [False]
        with js.ScriptedJudge(script) as server:
            root = stage(tmp_path, server)
            with pytest.raises(
                Permanent, match=r"3 of 6 questions got no answer, .* 0\.02 allows: refused 3; first DE 1 turn 1"
            ):
                run(root)
            asked = len(server.calls)
            run(root, max_failed_share=0.5)
        assert len(server.calls) == asked  # a reply is a reply: what was refused is on record, too
        assert [row.error for row in answers(root, "DE")] == ["refused"] * 3

    def test_an_empty_reply_is_an_empty_answer(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(lambda call: js.reply(" ")) as server:
            run(stage(tmp_path, server))
        assert {turn.text for row in answers(tmp_path, "EN") for turn in row.turns} == {" "}

    def test_the_card_says_who_answered(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(answered) as server:
            run(stage(tmp_path, server))
        found = card(tmp_path)
        assert (found.endpoint, found.model, found.served_by) == ("openai", "chat-1", ("judge-1-2024",))


class TestTrouble:
    def test_being_told_to_slow_down_is_waited_out(self, tmp_path: Path) -> None:
        def script(call: js.Call) -> js.Step:
            return js.status(429, "slow down", retry_after="0.02") if call.nth == 1 else answered(call)

        with js.ScriptedJudge(script) as server:
            here = run(stage(tmp_path, server))
        assert [row.turns[1].text for row in answers(tmp_path, "DE")] == [f"Answer 2 to {n} second?" for n in (1, 2, 3)]
        assert here.volatile["attempts"] == {"rate-limited": 12, "reply": 12}

    def test_an_outage_fails_the_attempt_and_not_a_question_and_nothing_is_asked_twice(self, tmp_path: Path) -> None:
        up = [False]

        def script(call: js.Call) -> js.Step:
            return answered(call) if turn(call) == 1 or up[0] else js.status(500, "down")

        with js.ScriptedJudge(script) as server:
            root = stage(tmp_path, server, settings={"attempts": 2})
            with pytest.raises(PolyglotError, match=r"is not answering: .* turn 2: http-500") as error:
                run(root)
            assert not isinstance(error.value, Permanent)
            up[0] = True
            here = run(root)
        assert set(Counter(call.id for call in server.calls if turn(call) == 1).values()) == {1}
        assert here.volatile["resumed_calls"] == 6

    def test_a_killed_stage_goes_on_where_it_was_and_ends_as_an_undisturbed_one(self, tmp_path: Path) -> None:
        def slow(call: js.Call) -> js.Step:
            return js.reply(f"Answer {turn(call)} to {call.body['messages'][-1]['content']}", after=0.02)

        with js.ScriptedJudge(slow) as server:
            run(stage(tmp_path / "calm", server, count=40))
        chance, limit = random.Random(7), [0.0]
        with js.ScriptedJudge(lambda call: slow(call) if call.index < limit[0] else js.hang()) as server:
            root = stage(tmp_path / "killed", server, count=40, settings={"timeout_seconds": 10})
            kills: list[tuple[int, set[str]]] = []
            for _ in range(3):
                before = len(_final(root)) if kills else 0
                limit[0] = len(server.calls) + chance.randint(30, 45)
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
                ask.run(here)

    def test_the_budget_ends_it_before_the_call_that_might_exceed_it(self, tmp_path: Path) -> None:
        prices = {"price_usd_per_mtok_prompt": 100.0, "price_usd_per_mtok_completion": 100.0}
        with js.ScriptedJudge(answered) as server:
            root = stage(tmp_path, server, settings={**prices, "max_usd": 0.04, "concurrency": 1})
            with pytest.raises(OverBudget, match="Raise budget"):
                run(root)
            asked = len(server.calls)
            assert 0 < asked < 12
            run(root, max_usd=10.0)
        assert len(server.calls) == 12

    def test_a_cap_without_prices_is_refused(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(answered) as server, pytest.raises(Permanent, match="bounds nothing without prices"):
            run(stage(tmp_path, server, settings={"max_usd": 1.0}))
        assert not server.calls

    def test_a_value_that_the_model_does_not_take_is_told_at_the_first_call(self, tmp_path: Path) -> None:
        error = {"message": "Unsupported value: 'temperature' does not support 0.", "param": "temperature"}
        with (
            js.ScriptedJudge(lambda call: js.status(400, error=error)) as server,
            pytest.raises(Permanent, match="Write `temperature: default` in the study file"),
        ):
            run(stage(tmp_path, server))


def test_the_built_in_author_answers_the_built_in_benchmark(tmp_path: Path) -> None:
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
        for language in ("EN", "DE")
    }
    run(build(tmp_path, asked, endpoint="built-in", model="polyglot-solver"))
    expected = [row["choices"][0]["turns"] for row in builtin.references("verifiable", "DE")]  # type: ignore[index]
    assert [[turn.text for turn in row.turns] for row in answers(tmp_path, "DE")] == expected


def test_outputs_change_only_with_the_version(tmp_path: Path) -> None:
    """When this fails on purpose, AskParams.version rises with it."""
    with js.ScriptedJudge(answered) as server:
        run(stage(tmp_path, server))
    assert AskParams.version == 1
    found = [
        sha256_file(tmp_path / "out" / name)[:12] for name in ("answers/DE.jsonl", "answers/EN.jsonl", "card.json")
    ]
    assert found == ["412d3c44274d", "ea6a69bb76d9", "c6f97e14c450"]


def _start(root: Path) -> subprocess.Popen[bytes]:
    checkout = Path(__file__).parents[3]
    return subprocess.Popen([sys.executable, "-m", "tests.kit.ask_stage", str(root)], cwd=checkout)


def _final(root: Path) -> set[str]:
    return {record["id"] for record in records(root) if record["final"]}


def _digests(root: Path) -> dict[str, str]:
    out = root / "out"
    return {str(path.relative_to(out)): sha256_file(path) for path in sorted(out.rglob("*")) if path.is_file()}
