"""What one stage was answered another does not ask again: real jobs on one store, an endpoint that counts its calls."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from polyglot.attempts.reply_files import INDEX, REPLIES
from polyglot.core.errors import Interrupted, OverBudget, Permanent
from polyglot.core.stage import PlannedStage
from polyglot.engine.budget import within_budget
from tests.kit import ask_stage, judge_rows, judge_stage, quality_stage, reference_stage, translations
from tests.kit import judge_server as js
from tests.kit.batch_server import BatchServer, answered
from tests.kit.judge_small import FINE, QUICK, run

PRICES = {"price_usd_per_mtok_prompt": 10.0, "price_usd_per_mtok_completion": 30.0}


@pytest.fixture
def server() -> Iterator[js.ScriptedJudge]:
    with js.ScriptedJudge(lambda call: js.reply(FINE)) as found:
        yield found


def judge(root: Path, url: str, *languages: str, shares: Path | None = None, **params: Any) -> Path:
    """A stage of three questions in each language, two turns each: six calls a language."""
    root.mkdir(parents=True, exist_ok=True)
    if shares is not None:
        judge_stage.share_store(root, shares)
    questions = {language: judge_rows.questions(language, 3) for language in languages}
    settings = QUICK | PRICES | {"base_url": url} | params.pop("settings", {})
    return judge_stage.build(
        root,
        questions=questions,
        answers={language: judge_rows.answers(rows) for language, rows in questions.items()},
        prompts={language: judge_rows.prompt_file(root / f"{language}.jsonl") for language in languages},
        settings=settings,
        **params,
    )


def indexes(root: Path) -> list[Path]:
    return sorted((root / "store" / REPLIES).rglob(f"*{INDEX}"))


class TestAnotherStage:
    def test_a_language_more_is_all_that_is_asked_and_paid(
        self, tmp_path: Path, server: js.ScriptedJudge, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        first = run(judge(tmp_path / "a", server.base_url, "DE"))
        second = run(judge(tmp_path / "b", server.base_url, "DE", "EN", shares=tmp_path / "a"))
        assert len(server.calls) == 12
        assert len(set(server.ids)) == 12
        assert second.volatile["reused_calls"] == 6
        assert "reused_calls" not in first.volatile
        assert second.volatile["attempts"] == {"reply": 6}
        assert second.volatile["cost_usd"] == first.volatile["cost_usd"] > 0
        assert second.volatile["prompt_tokens"] == first.volatile["prompt_tokens"]
        assert judge_stage.verdicts(tmp_path / "b", "DE") == judge_stage.verdicts(tmp_path / "a", "DE")
        assert f"6 calls were answered for other stages and are reused (judge {first.stage.key[:12]}: 6)" in caplog.text
        third = run(judge(tmp_path / "c", server.base_url, "EN", shares=tmp_path / "a"))  # from the second one
        assert (len(server.calls), third.volatile["attempts"], third.volatile["cost_usd"]) == (12, {}, 0)
        assert second.volatile["reused_from"] == {f"judge/{first.stage.key}": 6}
        assert third.volatile["reused_from"] == {f"judge/{second.stage.key}": 6}

    def test_where_all_is_there_no_budget_is_needed_and_no_endpoint(
        self, tmp_path: Path, server: js.ScriptedJudge
    ) -> None:
        run(judge(tmp_path / "a", server.base_url, "DE", "EN"))
        settings = {"max_usd": 0.0, "base_url": "http://127.0.0.1:9/v1"}
        run(judge(tmp_path / "b", "", "EN", shares=tmp_path / "a", settings=settings))
        assert [row["score"] for row in judge_stage.verdicts(tmp_path / "b", "EN")] == [7] * 6

    @pytest.mark.parametrize("changed", [{"temperature": 0.5}, {"max_tokens": 100}, {"seed": 1}, {"model": "other"}])
    def test_another_judge_is_asked(self, tmp_path: Path, server: js.ScriptedJudge, changed: dict[str, Any]) -> None:
        run(judge(tmp_path / "a", server.base_url, "DE"))
        run(judge(tmp_path / "b", server.base_url, "DE", shares=tmp_path / "a", **changed))
        assert len(server.calls) == 12

    def test_the_first_of_a_retests_repeats_is_there_already(self, tmp_path: Path, server: js.ScriptedJudge) -> None:
        run(judge(tmp_path / "a", server.base_url, "DE"))
        again = run(judge(tmp_path / "b", server.base_url, "DE", shares=tmp_path / "a", repeats=3, items=2))
        assert len(server.calls) == 6 + 2 * 2
        assert again.volatile["reused_calls"] == 2

    def test_by_batches_only_the_rest_is_in_one(self, tmp_path: Path) -> None:
        batched = {"mode": "batch", "batch_poll_seconds": 0.02, "timeout_seconds": 20}
        with BatchServer(answer=lambda line: answered(FINE)) as server:
            run(judge(tmp_path / "a", server.base_url, "DE", settings=batched))
            second = run(judge(tmp_path / "b", server.base_url, "DE", "EN", shares=tmp_path / "a", settings=batched))
            run(judge(tmp_path / "c", server.base_url, "EN", shares=tmp_path / "a"))  # live, from what a batch answered
        assert (server.live, [len(batch.lines) for batch in server.batches.values()]) == (0, [6, 6])
        assert second.volatile["reused_calls"] == 6


class TestWhatIsNotTaken:
    def test_with_reuse_off_everything_is_asked_and_nothing_left(
        self, tmp_path: Path, server: js.ScriptedJudge
    ) -> None:
        run(judge(tmp_path / "a", server.base_url, "DE"))
        left = indexes(tmp_path / "a")
        run(judge(tmp_path / "b", server.base_url, "DE", "EN", shares=tmp_path / "a", settings={"reuse": False}))
        assert len(server.calls) == 6 + 12
        assert indexes(tmp_path / "a") == left

    def test_the_built_in_judge_takes_and_leaves_nothing(self, tmp_path: Path) -> None:
        run(judge(tmp_path / "a", "http://127.0.0.1:9/v1", "DE", endpoint="built-in", model=""))
        assert indexes(tmp_path / "a") == []

    def test_what_was_withheld_or_failed_is_asked_again_and_what_was_cut_is_not(self, tmp_path: Path) -> None:
        def script(call: js.Call) -> js.Step:
            if call.nth > 1:
                return js.reply(FINE)
            steps = {
                "DE 1": js.status(400, "it is bad"),
                "DE 2": js.reply("no", finish="content_filter"),
                "DE 3": js.reply("It is", finish="length"),
            }
            return next((step for begin, step in steps.items() if f"{begin} first?\n\n[A" in call.user), js.reply(FINE))

        with js.ScriptedJudge(script) as server:
            run(judge(tmp_path / "a", server.base_url, "DE", max_failed_share=1))
            run(judge(tmp_path / "b", server.base_url, "DE", shares=tmp_path / "a", max_failed_share=1))
            run(judge(tmp_path / "c", server.base_url, "DE", "EN", shares=tmp_path / "a", max_failed_share=1))
        firsts = [row["reason"] for row in judge_stage.verdicts(tmp_path / "a", "DE") if row["turn"] == 1]
        assert firsts == ["http-400", "content-filter", "truncated"]
        firsts = [row["reason"] for row in judge_stage.verdicts(tmp_path / "c", "DE") if row["turn"] == 1]
        assert firsts == [None, None, "truncated"]
        assert len(server.calls) == 6 + 2 + 6

    def test_a_damaged_index_costs_money_and_no_stage(
        self, tmp_path: Path, server: js.ScriptedJudge, caplog: pytest.LogCaptureFixture
    ) -> None:
        run(judge(tmp_path / "a", server.base_url, "DE"))
        run(judge(tmp_path / "b", server.base_url, "EN", shares=tmp_path / "a"))
        first = next(path for path in indexes(tmp_path / "a") if judge_stage.stage_of(tmp_path / "a").key in str(path))
        first.write_bytes(first.read_bytes()[:-5])
        run(judge(tmp_path / "c", server.base_url, "DE", "EN", shares=tmp_path / "a"))
        assert len(server.calls) == 12 + 6
        assert "an index of replies is passed over" in caplog.text


class TestKilled:
    def test_what_a_stage_that_failed_was_answered_is_there_for_others(
        self, tmp_path: Path, server: js.ScriptedJudge
    ) -> None:
        most = 4 * (100 * 10 + 20 * 30) / 1e6 + 1e-7  # of four calls
        settings = {"max_usd": most, "concurrency": 1}
        with pytest.raises(OverBudget):
            run(judge(tmp_path / "a", server.base_url, "DE", max_tokens=21, settings=settings))
        answered = len(server.calls)
        assert 0 < answered < 6
        second = run(judge(tmp_path / "b", server.base_url, "DE", "EN", shares=tmp_path / "a", max_tokens=21))
        assert second.volatile["reused_calls"] == answered
        assert len(server.calls) == 12

    def test_too_many_failures_end_a_stage_for_good_and_its_replies_are_left(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(lambda call: js.reply("no rating" if "DE" in call.user else FINE)) as server:
            with pytest.raises(Permanent):
                run(judge(tmp_path / "a", server.base_url, "DE", settings={"concurrency": 1}))
            assert len(server.calls) == 1
            run(judge(tmp_path / "b", server.base_url, "DE", "EN", shares=tmp_path / "a", max_failed_share=1))
        assert len(server.calls) == 12

    def test_a_start_that_goes_on_takes_nothing_twice_and_leaves_what_a_killed_one_had(
        self, tmp_path: Path, server: js.ScriptedJudge
    ) -> None:
        first = judge_stage.context(judge(tmp_path / "a", server.base_url, "DE"))
        first.replies = None  # as if it was killed before it could leave them
        judge_stage.job_of("judge").run(first)
        root = judge(tmp_path / "b", server.base_url, "DE", "EN", shares=tmp_path / "a")
        stopped = judge_stage.context(judge(tmp_path / "a", server.base_url, "DE"))
        judge_stage.job_of("judge").run(stopped)  # it goes on, and asks nothing
        assert len(server.calls) == 6
        halted = judge_stage.context(root)
        halted.stop = True
        with pytest.raises(Interrupted):
            judge_stage.job_of("judge").run(halted)
        ended = run(root)
        assert ended.volatile["resumed_calls"] >= ended.volatile["reused_calls"] == 6
        assert len(server.calls) == len(set(server.ids)) == 12
        records = [record for record in judge_stage.records(root) if record["outcome"] == "reused"]
        assert len(records) == 6
        assert {record["from"] for record in records} == {f"judge/{first.stage.key}"}

    def test_a_budget_does_not_count_what_is_reused(self, tmp_path: Path, server: js.ScriptedJudge) -> None:
        run(judge(tmp_path / "a", server.base_url, "DE"))
        here = run(judge(tmp_path / "b", server.base_url, "DE", shares=tmp_path / "a"))
        planned = PlannedStage(stage=here.stage, label="judge", settings=PRICES)
        (found,) = within_budget([planned], judge_stage.store_of(tmp_path / "a"), 5.0)
        assert found.settings["max_usd"] == 5.0


def one_language_more(tmp_path: Path, server: js.ScriptedJudge, stage: ModuleType, asked: Mapping[str, Any]) -> None:
    """Ask the German questions, two of two turns, and in a stage of its own the English ones as well."""
    for root, languages in ((tmp_path / "a", ("DE",)), (tmp_path / "b", ("DE", "EN"))):
        judge_stage.share_store(root, tmp_path / "a")
        given = {language: asked[language] for language in languages}
        stage.run(stage.build(root, given, settings={"base_url": server.base_url}))
        assert len(server.calls) == 4 * len(languages)


class TestOthersWhoAsk:
    def test_references_turn_by_turn(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(lambda call: js.reply(f"An answer to {call.user}")) as server:
            asked = {language: reference_stage.questions(language, 2) for language in ("DE", "EN")}
            one_language_more(tmp_path, server, reference_stage, asked)

    def test_answers_of_an_endpoint_by_the_temperature_of_each_category(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(lambda call: js.reply("An answer")) as server:
            asked = {
                language: reference_stage.questions(language, 1)
                + [row | {"id": "9"} for row in reference_stage.questions(language, 1, "writing")]
                for language in ("DE", "EN")
            }
            one_language_more(tmp_path, server, ask_stage, asked)

    def test_ratings_of_adequacy(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(lambda call: js.reply("Nothing is lost.\nScore: 93")) as server:
            for root, count in ((tmp_path / "a", 2), (tmp_path / "b", 3)):
                judge_stage.share_store(root, tmp_path / "a")
                settings = {"base_url": server.base_url}
                quality_stage.run(quality_stage.build(root, count, settings=settings))
                assert len(server.calls) == 2 * count

    def test_translations(self, tmp_path: Path) -> None:
        with js.ScriptedJudge(lambda call: js.reply(call.user.swapcase())) as server:
            rows = [translations.row(f"a-{number}", f"Ask {number}", f"Say {number}") for number in range(3)]
            given = {"engine": "openai", "model": "m-1", "prompt": 1, "max_tokens": 64}
            for root, count in ((tmp_path / "a", 2), (tmp_path / "b", 3)):
                judge_stage.share_store(root, tmp_path / "a")
                build = translations.build(root, rows[:count], settings=QUICK | {"base_url": server.base_url}, **given)
                ran = translations.run(build)
                assert len(server.calls) == 2 * count
            assert ran.volatile["reused_calls"] == 4
            assert translations.texts(tmp_path / "b")["a-0"] == ["aSK 0", "sAY 0"]
