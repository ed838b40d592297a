"""What a model thought is no part of what it said, whatever marks it."""

import pytest

from jobs.lib.chat.thinking import Said, answer, said

CLOSED = [
    "<think>a</think>ok",
    "a</think>ok",
    "<THINKING>a</THINKING>ok",
    "<thinking process>a</thinking process>ok",
    "<seed:think>a</seed:think>ok",
    "<reasoning effort='low'>a</reasoning>ok",
    "<inner_monologue>a</inner_monologue>ok",
    "<pensée>a</pensée>ok",
    "<razonamiento>a</razonamiento>ok",
    "<思考>a</思考>ok",
    "<विचार>a</विचार>ok",
    "<التفكير>a</التفكير>ok",
    "[THINK]a[/THINK]ok",
    "◁think▷a◁/think▷ok",
    "<|START_THINKING|>a<|END_THINKING|>ok",
    "<|begin_of_thought|>a<|end_of_thought|>ok",
    "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>ok",
    "analysisThe user asksassistantfinalok",
    "<|channel>thought\na<channel|>ok",
    "<unused94>thought\na<unused95>ok",
    '<details type="reasoning" done="true">a</details>ok',
    "Thinking...\na\n...done thinking.\nok",
    "<think>a<think>b</think>ok",
    "a<think>b</think>c</think>ok",
]


@pytest.mark.parametrize("text", CLOSED)
def test_a_block_that_ends_is_left_out(text: str) -> None:
    found = said(text)
    assert (found.text.strip(), found.unfinished) == ("ok", False)
    assert answer(text).text.endswith("ok")


@pytest.mark.parametrize(
    "text",
    ["<think>a", "  <think>\na", "<|channel|>analysis<|message|>a", "analysisThe user", "[THINK]a"],
)
def test_one_that_does_not_is_all_that_follows(text: str) -> None:
    found = said(text)
    assert (found.text.strip(), found.unfinished) == ("", True)
    assert answer(text) == Said("", unfinished=True)


@pytest.mark.parametrize(
    "text",
    [
        'It left a "<think>" tag open.',
        "The `</think>` is missing.",
        "It left a <think> tag open.",
        "<b>bold</b> and <p>thanks</p>",
        "[Reasoning] good\n[Rating] 7",
        "analysis: good",
        "<think/>ok",
    ],
)
def test_a_mention_is_a_part_of_the_text(text: str) -> None:
    assert said(text) == answer(text) == Said(text)


def test_an_answer_keeps_the_markers_inside_of_it() -> None:
    text = "Write this:\n<analysis>your notes</analysis>\nThen the rest."
    assert answer(text) == Said(text)
    assert answer(f"<think>So.</think>\n\n{text}") == Said(text)


@pytest.mark.parametrize(
    "text",
    [
        "<chain><link>a</link></chain> is the file.",
        "<pension>400</pension>",
        "<cottage>red</cottage>",
        "<reflector>x</reflector>",
        "analysis是一个英语单词",
    ],
)
def test_words_that_only_begin_like_thinking_are_text(text: str) -> None:
    assert said(text).text == text
    assert answer(text).text == text


@pytest.mark.parametrize("name", ["cot", "chain_of_thought", "pensée", "pensiero", "raisonnement", "reflection"])
def test_names_of_thinking_still_are(name: str) -> None:
    assert said(f"<{name}>[[3]]</{name}>[[8]]").text == "[[8]]"
