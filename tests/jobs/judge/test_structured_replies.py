"""Judges that are held to a JSON schema, singly and in pairs, live and by batches, through the real client."""

import json
from pathlib import Path
from typing import Any

import pytest

from polyglot.kinds.compare import CompareParams
from polyglot.kinds.judge import JudgeParams
from tests.kit import judge_rows, judge_stage
from tests.kit import judge_server as js
from tests.kit.batch_server import BatchServer, answered
from tests.kit.judge_small import FINE, pairs, run, stage

AS_JSON = {"output": "json-schema"}
BATCH = {"mode": "batch", "batch_poll_seconds": 0.02, "timeout_seconds": 20}


def rated(value: Any) -> str:
    return json.dumps({"explanation": "A planted [[1]].", "rating": value})


def won(value: Any) -> str:
    return json.dumps({"explanation": "A planted [[B]].", "verdict": value})


def comparisons(root: Path) -> list[dict[str, Any]]:
    lines = (root / "out" / "comparisons" / "DE.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


class TestKeys:
    def test_text_is_in_no_key_and_a_schema_is_in_its_own(self) -> None:
        given: dict[str, Any] = {"endpoint": "openai", "model": "m", "languages": ("EN",)}
        given |= {"prompts_sha256": {"EN": "0" * 64}}
        for kind in (JudgeParams, CompareParams):
            assert "output" not in kind(**given).document()
            assert kind(**given, output="json-schema").document() == kind(**given).document() | AS_JSON


class TestSingle:
    def test_ratings_are_read_and_the_prompts_stay(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(lambda call: js.reply(rated(8))) as server:
            context = run(stage(tmp_path / "a", server.base_url, **AS_JSON))
            run(stage(tmp_path / "b", server.base_url, max_failed_share=1))
        asked, texts = ([dict(call.body) for call in calls] for calls in (server.calls[:8], server.calls[8:]))
        assert {body.pop("response_format")["json_schema"]["name"] for body in asked} == {"rating"}
        assert sorted(map(str, asked)) == sorted(map(str, texts))
        rows = judge_stage.verdicts(tmp_path / "a", "DE")
        assert [(row["score"], row.get("rivals", False)) for row in rows] == [(8, False)] * 8
        assert rows[0]["text"] == rated(8)
        assert context.metrics == {"verdicts": 8, "failed": 0}

    def test_what_is_no_such_object_has_its_reason(self, tmp_path: Path) -> None:
        def script(call: js.Call) -> js.Step:
            if "DE 1 first?" in call.user:
                return js.reply(FINE)
            if "DE 2 first?" in call.user:
                return js.reply('{"explanation": "It is', finish="length")
            if "DE 3 first?" in call.user:
                return js.reply(None, refusal="I cannot")
            return js.reply(rated(11))

        with js.ScriptedJudge(script) as server:
            run(stage(tmp_path, server.base_url, max_failed_share=1, **AS_JSON))
        reasons = [row["reason"] for row in judge_stage.verdicts(tmp_path, "DE") if row["turn"] == 1]
        assert reasons == ["no-verdict", "truncated", "refused", "out-of-range"]

    def test_by_batches_too(self, tmp_path: Path) -> None:
        with BatchServer(answer=lambda line: answered(rated(6))) as server:
            run(stage(tmp_path, server.base_url, settings=BATCH, **AS_JSON))
        (batch,) = server.batches.values()
        assert {line["body"]["response_format"]["type"] for line in batch.lines} == {"json_schema"}
        assert {row["score"] for row in judge_stage.verdicts(tmp_path, "DE")} == {6}


class TestPairs:
    def test_verdicts_are_read_in_both_orders(self, tmp_path: Path) -> None:
        def script(call: js.Call) -> js.Step:
            a = call.user.split("[B]")[0] if "[B]" in call.user else call.user.split("<B>")[0]
            return js.reply(won("A" if "other answer" in a else "B"))

        with js.ScriptedJudge(script) as server:
            run(pairs(tmp_path, server.base_url, **AS_JSON))
        assert {(row["outcome"], row["consistent"]) for row in comparisons(tmp_path)} == {("second", True)}
        schema = server.calls[0].body["response_format"]["json_schema"]["schema"]
        assert schema["properties"]["verdict"]["enum"] == ["A", "B", "C"]

    @pytest.mark.parametrize(("offers", "outcome"), [(True, "both-bad"), (False, None)])
    def test_both_bad_is_a_verdict_where_the_prompt_offers_it(
        self, tmp_path: Path, offers: bool, outcome: str | None
    ) -> None:
        def given_prompts(root: Path) -> Path:
            path = judge_rows.prompt_file(root / "DE.jsonl")
            rows = [json.loads(line) for line in path.read_text().splitlines()]
            more = 'Say "[[A]]", "[[B]]", "[[C]]"' + (' or "[[D]]".' if offers else ".")
            text = "".join(json.dumps(row | {"system_prompt": more}) + "\n" for row in rows)
            path.write_text(text)
            return path

        questions = {"DE": judge_rows.questions("DE", 1)}
        answers = judge_rows.answers(questions["DE"])
        other = [row | {"turns": [judge_rows.spoken("other")] * 2} for row in answers]
        with js.ScriptedJudge(lambda call: js.reply(won("D"))) as server:
            judge_stage.build(
                tmp_path,
                questions=questions,
                answers={"DE": answers},
                against={"DE": other},
                prompts={"DE": given_prompts(tmp_path)},
                settings={"base_url": server.base_url},
                max_failed_share=1,
                **AS_JSON,
            )
            run(tmp_path)
        assert {row["outcome"] for row in comparisons(tmp_path)} == {outcome}
