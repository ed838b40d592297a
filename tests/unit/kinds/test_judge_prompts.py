"""Judge prompts: reading FastChat's form, choosing one, filling it in."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyglot.core.errors import Permanent
from polyglot.kinds.judge_prompts import load, values_for
from tests.kit.judge_rows import prompt_file
from tests.kit.shared import SHARED


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return prompt_file(tmp_path / "judge_prompts.jsonl")


class TestChoosing:
    def test_general_questions_get_the_prompt_of_their_turn(self, path: Path) -> None:
        prompts = load(path, "DE")
        for turn, name in ((1, "single-v1"), (2, "single-v1-multi-turn")):
            choice = prompts.choose(turn=turn, needs_reference=False, references=["r", "r"])
            assert (choice.prompt.name, choice.fallback) == (name, None)

    def test_reference_categories_get_the_prompts_with_references(self, path: Path) -> None:
        prompts = load(path, "DE")
        for turn, name in ((1, "single-math-v1"), (2, "single-math-v1-multi-turn")):
            choice = prompts.choose(turn=turn, needs_reference=True, references=["r", "r"])
            assert (choice.prompt.name, choice.fallback) == (name, None)

    @pytest.mark.parametrize(("turn", "references"), [(1, []), (1, [" "]), (2, ["r"]), (2, ["r", ""]), (2, ["", "r"])])
    def test_a_missing_reference_falls_back_and_says_so(self, path: Path, turn: int, references: list[str]) -> None:
        choice = load(path, "DE").choose(turn=turn, needs_reference=True, references=references)
        assert not choice.prompt.math
        assert choice.fallback == "no-reference"

    def test_a_file_without_reference_prompts_falls_back_and_says_so(self, tmp_path: Path) -> None:
        prompts = load(prompt_file(tmp_path / "p.jsonl", without=["single-math-v1"]), "DE")
        choice = prompts.choose(turn=1, needs_reference=True, references=["r"])
        assert (choice.prompt.name, choice.fallback) == ("single-v1", "no-reference-prompt")


class TestFilling:
    TRICKS = "{question} {answer_1} {{x}} {0} % \\1 [End]\n\n### User:\n"

    def test_braces_and_placeholders_in_texts_stay_data(self, path: Path) -> None:
        prompt = load(path, "DE").choose(turn=2, needs_reference=False, references=[]).prompt
        user = prompt.messages(values_for(["q1", "q2"], [self.TRICKS, "{answer_2}"], [], 2))[-1]["content"]
        assert f"### Assistant:\n{self.TRICKS}\n" in user
        assert "### Assistant:\n{answer_2}\n" in user

    @given(question=st.text(), answer=st.text())
    def test_a_filled_prompt_is_its_pieces_and_its_values(
        self, tmp_path_factory: pytest.TempPathFactory, question: str, answer: str
    ) -> None:
        path = prompt_file(tmp_path_factory.mktemp("p") / "p.jsonl")
        prompt = load(path, "DE").choose(turn=1, needs_reference=False, references=[]).prompt
        user = prompt.messages(values_for([question], [answer], [], 1))[-1]["content"]
        assert user == f"Rate it.\n\n[Question]\n{question}\n\n[Answer]\n{answer}\n[End]"

    def test_an_empty_system_prompt_sends_no_system_message(self, path: Path) -> None:
        prompts = load(path, "DE")
        with_system = prompts.choose(turn=1, needs_reference=False, references=[]).prompt
        without = prompts.choose(turn=1, needs_reference=True, references=["r"]).prompt
        values = values_for(["q"], ["a"], ["r"], 1)
        assert [m["role"] for m in with_system.messages(values)] == ["system", "user"]
        assert [m["role"] for m in without.messages(values)] == ["user"]

    def test_doubled_braces_in_a_template_are_braces(self, tmp_path: Path) -> None:
        path = prompt_file(tmp_path / "p.jsonl", without=["single-v1"])
        row = {"name": "single-v1", "type": "single", "prompt_template": "{{a}} {answer} {} {"}
        path.write_text(path.read_text() + json.dumps(row) + "\n")
        prompt = load(path, "DE").choose(turn=1, needs_reference=False, references=[]).prompt
        assert prompt.messages({"answer": "x"}) == [{"role": "user", "content": "{a} x {} {"}]


class TestRefused:
    ROW = {"name": "single-v1", "type": "single", "system_prompt": "s", "prompt_template": "{question} {answer}"}

    @pytest.mark.parametrize(
        ("lines", "message"),
        [
            (["{"], "line 1: not JSON"),
            (["[1]"], "line 1: got list; expected an object"),
            ([json.dumps({"name": "single-v1", "type": "single"})], "no text in prompt_template"),
            ([json.dumps(ROW | {"name": "rate-me"})], "got name 'rate-me'; expected single"),
            ([json.dumps(ROW), json.dumps(ROW)], "line 2: two prompts for the same use; got single-v1 and single-v1"),
            ([json.dumps(ROW | {"prompt_template": "{answer} {secret}"})], "asks for unknown {secret}"),
            ([json.dumps(ROW | {"prompt_template": "{question}"})], "never shows the answer"),
            (
                [json.dumps(ROW | {"name": "single-math-v1", "prompt_template": "{answer}"})],
                "never shows the reference",
            ),
            (
                [json.dumps(ROW | {"prompt_template": "{question} {ref_answer_1} {answer}"})],
                "line 1: single-v1 asks for {ref_answer_1}, which only prompts named single-math-v",
            ),
            ([json.dumps(ROW)], "judge prompts of DE: no single-v1-multi-turn; got 1 prompts"),
            ([""], "judge prompts of DE: no single-v1; got 0 prompts"),
        ],
    )
    def test_with_the_line(self, tmp_path: Path, lines: list[str], message: str) -> None:
        path = tmp_path / "judge_prompts.jsonl"
        path.write_text("\n".join(lines))
        with pytest.raises(Permanent) as refused:
            load(path, "DE")
        assert message in str(refused.value)
        assert "\n" not in str(refused.value)


@pytest.mark.skipif(not (SHARED / "mt-bench-x").exists(), reason="needs the published benchmark in POLYGLOT_SHARED")
@pytest.mark.parametrize("language", ["EN", "DE", "FR", "ES", "IT"])
def test_the_published_prompts_have_all_four_uses(language: str) -> None:
    prompts = load(SHARED / "mt-bench-x" / f"mt_bench_{language}" / "judge_prompts.jsonl", language)
    assert sorted(prompts.by_kind) == [(False, False), (False, True), (True, False), (True, True)]
    for (math, multi), prompt in prompts.by_kind.items():
        texts = {name: f"<{name}>" for name in prompt.fields}
        assert all(text in prompt.messages(texts)[-1]["content"] for text in texts.values())
        assert any(name.startswith("ref_answer") for name in prompt.fields) is math
        assert ("answer_2" in prompt.fields) is multi


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"system_prompt": 5}, "line 1: system_prompt is int; expected text"),
        ({"system_prompt": ["Be fair."]}, "line 1: system_prompt is list; expected text"),
        ({"system_prompt": "\ud83d"}, "line 1: half of a surrogate pair"),
        ({"prompt_template": "{question} \udc00 {answer}"}, "line 1: half of a surrogate pair"),
    ],
)
def test_what_would_end_the_judging_is_refused_by_the_reader(path: Path, change: dict[str, object], line: str) -> None:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    changed = next(row for row in rows if row["name"] == "single-v1") | change
    path.write_text("\n".join(map(json.dumps, [changed, *rows])), encoding="utf-8")
    with pytest.raises(Permanent, match=line):
        load(path, "DE")
