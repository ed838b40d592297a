"""The judge job from files to files, against the built-in judge and a scripted endpoint."""

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.judge import job as judge
from polyglot.core.canonical import sha256_file
from polyglot.core.errors import Permanent
from polyglot.kinds.judge import JudgeParams
from tests.kit import judge_rows, judge_stage
from tests.kit import judge_server as js
from tests.kit.judge_small import FINE, run


def build(root: Path, **changes: Any) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    questions = {lang: judge_rows.questions(lang, 6) for lang in ("DE", "EN")}
    given: dict[str, Any] = {
        "questions": questions,
        "answers": {lang: judge_rows.answers(rows) for lang, rows in questions.items()},
        "prompts": {lang: judge_rows.prompt_file(root / f"{lang}.jsonl") for lang in questions},
        "endpoint": "built-in",
    }
    return judge_stage.build(root, **(given | changes))


class TestBuiltIn:
    def test_rates_every_turn_of_every_language_in_order(self, tmp_path: Path) -> None:
        context = run(build(tmp_path))
        for language in ("DE", "EN"):
            records = judge_stage.verdicts(tmp_path, language)
            assert [(r["id"], r["turn"]) for r in records] == [(str(n), t) for n in range(1, 7) for t in (1, 2)]
            assert all(r["language"] == language and 1 <= r["score"] <= 10 for r in records)
            assert {r["prompt"] for r in records} == {"single-v1", "single-v1-multi-turn"}
        assert context.metrics == {"verdicts": 24, "failed": 0}

    def test_the_same_inputs_give_the_same_bytes(self, tmp_path: Path) -> None:
        outs = []
        for name in ("a", "b"):
            root = build(tmp_path / name)
            run(root, concurrency=1 if name == "a" else 16)
            outs.append({p.name: p.read_bytes() for p in (root / "out").rglob("*.json*")})
        assert outs[0] == outs[1]

    def test_outputs_change_only_with_the_version(self, tmp_path: Path) -> None:
        """When this fails on purpose, JudgeParams.version rises with it."""
        run(build(tmp_path))
        files = {str(p.relative_to(tmp_path)): sha256_file(p)[:16] for p in (tmp_path / "out").rglob("*.json*")}
        assert JudgeParams.version == 3
        assert files == {
            "out/card.json": "26489b4cf00138cf",
            "out/verdicts/DE.jsonl": "d263b6f72a1defdf",
            "out/verdicts/EN.jsonl": "8788cbb02b6fe9ae",
        }

    def test_needs_neither_key_nor_network_settings(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_BASE_URL", "ftp://nowhere")
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("OPENAI_API_KEY", "two words")
        assert run(build(tmp_path)).metrics["failed"] == 0

    def test_the_card_counts_per_language_and_names_the_judge(self, tmp_path: Path) -> None:
        run(build(tmp_path, model="polyglot-rules"))
        card = json.loads((tmp_path / "out" / "card.json").read_text())
        assert (card["endpoint"], card["model"], card["served_by"]) == (
            "built-in",
            "polyglot-rules",
            ["polyglot-rules"],
        )
        assert card["languages"]["DE"] == {
            "verdicts": 12,
            "failed": 0,
            "failed_share": 0,
            "reasons": {},
            "fallbacks": {},
            "rivals": 0,
        }


class TestTargets:
    def test_a_question_that_failed_is_unscored_without_a_call_and_fails_no_stage(self, tmp_path: Path) -> None:
        questions = {"DE": judge_rows.questions("DE", 3)}
        answers = judge_rows.answers(questions["DE"])
        answers[0] |= {"error": "out-of-memory", "turns": []}
        answers[1] |= {"error": "out-of-memory", "turns": answers[1]["turns"][:1]}
        del answers[2]
        with js.ScriptedJudge(lambda call: js.reply(FINE)) as server:
            build(
                tmp_path,
                questions=questions,
                answers={"DE": answers},
                prompts={"DE": judge_rows.prompt_file(tmp_path / "DE.jsonl")},
                endpoint="openai",
                settings={"base_url": server.base_url},
            )
            context = run(tmp_path)
        records = judge_stage.verdicts(tmp_path, "DE")
        assert [r["reason"] for r in records] == ["no-answer", "no-answer", None, "no-answer", "no-answer", "no-answer"]
        assert [r["score"] for r in records] == [None, None, 7, None, None, None]
        assert len(server.calls) == 1
        assert context.metrics == {"verdicts": 6, "failed": 5}

    def test_an_empty_answer_is_an_answer(self, tmp_path: Path) -> None:
        questions = {"DE": judge_rows.questions("DE", 1)}
        answers = judge_rows.answers(questions["DE"])
        answers[0]["turns"][0]["text"] = ""
        run(
            build(
                tmp_path,
                questions=questions,
                answers={"DE": answers},
                prompts={"DE": judge_rows.prompt_file(tmp_path / "DE.jsonl")},
            )
        )
        assert [r["score"] for r in judge_stage.verdicts(tmp_path, "DE")][0] == 1

    def test_reference_categories_without_a_reference_fall_back_on_the_record(self, tmp_path: Path) -> None:
        questions = {"DE": judge_rows.questions("DE", 3, category="math")}
        references = [
            {"id": "1", "language": "DE", "turns": ["r1", "r2"]},
            {"id": "2", "language": "DE", "turns": ["r1", ""]},
        ]
        with js.ScriptedJudge(lambda call: js.reply(FINE)) as server:
            build(
                tmp_path,
                questions=questions,
                answers={"DE": judge_rows.answers(questions["DE"])},
                references={"DE": references},
                prompts={"DE": judge_rows.prompt_file(tmp_path / "DE.jsonl")},
                endpoint="openai",
                settings={"base_url": server.base_url},
            )
            run(tmp_path)
        records = judge_stage.verdicts(tmp_path, "DE")
        assert [(r["prompt"], r["fallback"]) for r in records] == [
            ("single-math-v1", None),
            ("single-math-v1-multi-turn", None),
            ("single-math-v1", None),
            ("single-v1-multi-turn", "no-reference"),
            ("single-v1", "no-reference"),
            ("single-v1-multi-turn", "no-reference"),
        ]
        card = json.loads((tmp_path / "out" / "card.json").read_text())
        assert card["languages"]["DE"]["fallbacks"] == {"no-reference": 3}

    def test_the_request_is_exactly_what_the_parameters_say(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(lambda call: js.reply(FINE)) as server:
            settings = {"base_url": server.base_url}
            root = build(tmp_path, endpoint="openai", settings=settings, model="m", max_tokens=77, seed=5)
            run(root)
        body = server.calls[0].body
        assert {name: body[name] for name in body if name != "messages"} == {
            "model": "m",
            "temperature": 0,
            "max_tokens": 77,
            "seed": 5,
        }
        assert server.calls[0].path == "/v1/chat/completions"
        assert all(call.headers["idempotency-key"] == call.id for call in server.calls)

    def test_a_model_that_renamed_max_tokens_gets_the_new_name(self, tmp_path: Path) -> None:
        said = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."

        def script(call: js.Call) -> js.Step:
            if "max_tokens" in call.body:
                return js.status(400, said, error={"param": "max_tokens", "code": "unsupported_parameter"})
            return js.reply(FINE)

        with js.ScriptedJudge(script) as server:
            run(build(tmp_path, endpoint="openai", settings={"base_url": server.base_url}))
        assert all(r["score"] == 7 for r in judge_stage.verdicts(tmp_path, "DE"))
        assert server.calls[-1].body["max_completion_tokens"] == 2048

    def test_a_call_in_another_form_has_a_name_of_its_own_and_is_counted(self, tmp_path: Path) -> None:
        def script(call: js.Call) -> js.Step:
            if "max_tokens" in call.body:
                return js.status(400, "Use 'max_completion_tokens' instead.", error={"param": "max_tokens"})
            return js.reply(FINE)

        with js.ScriptedJudge(script) as server:
            settings = {"base_url": server.base_url, "attempts": 1}
            context = run(build(tmp_path, endpoint="openai", settings=settings))
        bodies: dict[str, set[str]] = {}
        for call in server.calls:
            bodies.setdefault(call.headers["idempotency-key"], set()).add(call.id)
        assert {len(found) for found in bodies.values()} == {1}
        attempts = context.volatile["attempts"]
        assert attempts.keys() == {"max-tokens-renamed", "reply"}
        assert sum(attempts.values()) == len(server.calls)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda rows: rows.append(rows[0]), "two answers to question 1, sample 0"),
            (lambda rows: rows[0].update(id="999"), "id '999' is no question of the benchmark"),
        ],
    )
    def test_answers_that_do_not_fit_the_questions_are_refused(self, tmp_path: Path, change: Any, message: str) -> None:
        questions = {"DE": judge_rows.questions("DE", 2)}
        answers = judge_rows.answers(questions["DE"])
        change(answers)
        root = build(
            tmp_path,
            questions=questions,
            answers={"DE": answers},
            prompts={"DE": judge_rows.prompt_file(tmp_path / "DE.jsonl")},
        )
        with pytest.raises(Permanent, match=message):
            judge.run(judge_stage.context(root))

    def test_a_third_turn_is_refused(self, tmp_path: Path) -> None:
        questions = {"DE": [row | {"turns": ["a", "b", "c"]} for row in judge_rows.questions("DE", 1)]}
        root = build(
            tmp_path,
            questions=questions,
            answers={"DE": []},
            prompts={"DE": judge_rows.prompt_file(tmp_path / "DE.jsonl")},
        )
        with pytest.raises(Permanent, match="question 1 has 3 turns; expected at most 2"):
            judge.run(judge_stage.context(root))

    def test_progress_ends_at_all_and_shows_the_cost(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(lambda call: js.reply(FINE)) as server:
            settings = {"base_url": server.base_url, "price_usd_per_mtok_prompt": 100}
            context = run(build(tmp_path, endpoint="openai", settings=settings))
        last = context.shown[-1]
        assert (last["done"], last["total"], last["failed"]) == (24, 24, 0)
        assert last["usd"] == pytest.approx(24 * 100 * 100e-6)
