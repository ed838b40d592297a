"""The chat format under tokenizers of several families, each made on the spot."""

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.lib.model.template import ChatFormat, Encoded, Inexact, adds_bos, encode
from polyglot.core.errors import Permanent
from polyglot.kinds.templates import OWN, PAPER, TEMPLATES
from tests.kit.model_jobs import FAMILIES, byte_level, conversation, gpt2_like, sentence_piece

CHATML = (
    "{% for message in messages %}{{ '<im>' + message['role'] + '\\n' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% else %}{{ '<end>' }}{% endif %}{{ '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<im>assistant\\n' }}{% endif %}"
)
FORGETFUL = (  # answers of earlier turns are dropped, as templates of thinking models do
    "{% for message in messages %}{% if message['role'] == 'user' or loop.last %}"
    "{{ message['role'] + ': ' + message['content'] + (eos_token if message['role'] == 'assistant' else '') + '\\n' }}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
)
TURNS = conversation("Was ist das?", "Ein Bär.", "Und das?", "Käse,\n\n```\nx = 1\n```")

_tokenizers: dict[str, Any] = {}


def tokenizer_of(family: str) -> Any:
    if family not in _tokenizers:
        _tokenizers[family] = FAMILIES[family]()
    return _tokenizers[family]


@pytest.fixture(params=FAMILIES)
def tokenizer(request: pytest.FixtureRequest) -> Any:
    return tokenizer_of(request.param)


def official(tokenizer: Any, turns: Any, system: str, chat: ChatFormat, *, prompt: bool = False) -> list[int]:
    messages = ([{"role": "system", "content": system}] if system else []) + list(turns)
    ids = tokenizer.apply_chat_template(
        messages,
        chat_template=chat.jinja,
        add_generation_prompt=prompt,
        sanitize_control_tokens=True,
        return_dict=False,
    )
    return list(ids)


def check_promises(tokenizer: Any, turns: Any, system: str) -> Encoded:
    chat = ChatFormat(tokenizer)
    encoded = chat.encode(turns, system)
    ids, loss = encoded.input_ids, encoded.loss
    answers = sum(turn["role"] == "assistant" for turn in turns)
    assert ids == official(tokenizer, turns, system, chat)
    assert len(ids) == len(loss)
    supervised_ends = [token for token, wanted in zip(ids, loss, strict=True) if wanted and token == chat.eos_id]
    assert len(supervised_ends) == answers
    if adds_bos(tokenizer):
        assert ids[0] == tokenizer.bos_token_id
        assert ids.count(tokenizer.bos_token_id) == 1
    else:
        assert ids.count(tokenizer.bos_token_id) == (answers if tokenizer.bos_token_id == chat.eos_id else 0)
    assert ids.count(chat.eos_id) == answers
    for number, turn in enumerate(turns):
        if turn["role"] == "assistant":
            prompt = chat.prompt(turns[:number], system)
            assert prompt == official(tokenizer, turns[:number], system, chat, prompt=True)
            assert ids[: len(prompt)] == prompt
            assert loss[len(prompt)]
            assert not loss[len(prompt) - 1]
            end = ids.index(chat.eos_id, len(prompt))
            assert all(loss[len(prompt) : end + 1])
            assert chat.text(prompt, ids[len(prompt) : end]) == turn["content"]
    return encoded


class TestFormat:
    def test_is_the_papers(self) -> None:
        tokenizer = gpt2_like()
        ids = encode(tokenizer, conversation("Hi", "Yes", "More", "No"), "Be brief").input_ids
        assert tokenizer.decode(ids) == (
            "System: Be brief\nUser: Hi\nAssistant: Yes<|endoftext|>\nUser: More\nAssistant: No<|endoftext|>"
        )

    def test_has_no_system_line_without_a_system_message(self) -> None:
        tokenizer = gpt2_like()
        ids = encode(tokenizer, conversation("Hi", "Yes")).input_ids
        assert tokenizer.decode(ids) == "User: Hi\nAssistant: Yes<|endoftext|>"

    def test_supervises_answers_and_their_eos_only(self) -> None:
        tokenizer = gpt2_like()
        encoded = encode(tokenizer, conversation("Hi", "Yes", "More", "No"), "Be brief")
        kept = [token for token, wanted in zip(encoded.input_ids, encoded.loss, strict=True) if wanted]
        assert tokenizer.decode(kept) == " Yes<|endoftext|> No<|endoftext|>"

    def test_prompt_ends_where_the_answer_begins(self) -> None:
        tokenizer = byte_level()
        prompt = ChatFormat(tokenizer).prompt(conversation("Hi"), "Be brief")
        assert tokenizer.decode(prompt) == "<s>System: Be brief\nUser: Hi\nAssistant:"

    @pytest.mark.parametrize(("family", "expected"), [("byte-level", True), ("sentence-piece", True), ("gpt2", False)])
    def test_bos_is_the_familys_habit(self, family: str, expected: bool) -> None:
        assert adds_bos(tokenizer_of(family)) is expected

    def test_localised_system_message(self, tokenizer: Any) -> None:
        check_promises(tokenizer, TURNS, "Du bist ein hilfsbereiter Assistent, sei kurz.")

    def test_transformers_own_mask_agrees(self, tokenizer: Any) -> None:
        """It may leave out a token that is nothing but the space before an answer; ours never does."""
        chat = ChatFormat(tokenizer)
        encoded = chat.encode(TURNS, "Sei kurz.")
        theirs = tokenizer.apply_chat_template(
            [{"role": "system", "content": "Sei kurz."}, *TURNS],
            chat_template=chat.jinja,
            return_assistant_tokens_mask=True,
            return_dict=True,
        )
        assert theirs["input_ids"] == encoded.input_ids
        for token, flag, wanted in zip(encoded.input_ids, theirs["assistant_masks"], encoded.loss, strict=True):
            assert bool(flag) == wanted or (wanted and tokenizer.convert_ids_to_tokens(token) in ("Ġ", "▁"))


class TestPromises:
    @pytest.mark.parametrize(
        "answer",
        [
            "x",
            " leading space",
            "\n\nnewlines first",
            "  two",
            "1234",
            "…",
            "ß",
            "\tTab",
            "äöü",
            ":",
            ": :",
            "'s",
            "日本語",
            "👍🏽",
        ],
    )
    def test_hold_however_an_answer_begins(self, tokenizer: Any, answer: str) -> None:
        if tokenizer is tokenizer_of("sentence-piece") and answer == "\tTab":
            answer = "Tab"  # the byte of a lone tab is in this vocabulary, a piece of it is not; see the property test
        check_promises(tokenizer, conversation("Hi", answer, "And", answer), "")

    @pytest.mark.parametrize("family", FAMILIES)
    @settings(max_examples=60, deadline=None)
    @given(data=st.data())
    def test_hold_for_any_text(self, family: str, data: st.DataObject) -> None:
        text = (
            st.text(
                st.one_of(
                    st.sampled_from(list(" \n:.abcAU1_`'ßäé-")),
                    st.characters(codec="utf-8", categories=["L", "N", "P", "Z", "S"]),
                ),
                min_size=1,
                max_size=24,
            )
            .map(lambda value: unicodedata.normalize("NFC", value))
            .filter(lambda value: "▁" not in value)
        )
        contents = data.draw(st.lists(text, min_size=2, max_size=4).filter(lambda some: len(some) % 2 == 0))
        check_promises(tokenizer_of(family), conversation(*contents), data.draw(st.sampled_from(["", "Sei kurz."])))

    def test_a_batch_is_encoded_as_its_rows_are(self, tokenizer: Any) -> None:
        chat = ChatFormat(tokenizer)
        rows = [TURNS, conversation("a", "b"), conversation("<|endoftext|> <pad>", "c")]
        assert chat.encode_many(rows, "Sei kurz.") == [chat.encode(row, "Sei kurz.") for row in rows]


class TestControlTokensInMessages:
    @pytest.mark.parametrize("token", ["<s>", "</s>", "<pad>", "<|endoftext|>", "<unk>"])
    def test_are_text(self, tokenizer: Any, token: str) -> None:
        turns = conversation(f"What is {token}?", f"It is {token} again", "ok", token)
        if tokenizer is tokenizer_of("sentence-piece") and token in ("<s>", "</s>", "<unk>"):
            with pytest.raises(Inexact, match="control-token-in-text"):  # Unigram makes its own specials of plain text
                ChatFormat(tokenizer).encode(turns)
        else:
            check_promises(tokenizer, turns, "Sei kurz.")

    def test_cannot_end_an_answer_early(self) -> None:
        tokenizer = byte_level()
        encoded = encode(tokenizer, conversation("Hi", "a</s>b"))
        assert encoded.input_ids.count(tokenizer.eos_token_id) == 1
        assert encoded.input_ids[-1] == tokenizer.eos_token_id

    def test_role_names_in_messages_are_text(self, tokenizer: Any) -> None:
        check_promises(tokenizer, conversation("User: x\nAssistant: y", "System: z\nUser: a"), "Assistant: b")


class TestRefusals:
    def test_no_eos(self) -> None:
        tokenizer = byte_level()
        tokenizer.eos_token = None
        with pytest.raises(Permanent, match="no EOS token"):
            ChatFormat(tokenizer)

    def test_unknown_template(self) -> None:
        with pytest.raises(Permanent, match="template: got 'vicuna'"):
            ChatFormat(byte_level(), "vicuna")

    def test_a_tokenizer_that_merges_over_the_answers_beginning(self) -> None:
        """Pieces that cross ":▁" would make the prompt no prefix: such a row is refused, never encoded nearly right."""
        tokenizer = sentence_piece()
        state = json.loads(tokenizer.backend_tokenizer.to_str())
        state["model"]["vocab"].append([":▁Yes", -0.001])
        merged = type(tokenizer)(
            tokenizer_object=type(tokenizer.backend_tokenizer).from_str(json.dumps(state)),
            bos_token="<s>",
            eos_token="</s>",
            unk_token="<unk>",
        )
        chat = ChatFormat(merged)
        with pytest.raises(Inexact, match="prompt-not-a-prefix"):
            chat.encode(conversation("Hi", "Yes"))
        good, bad = chat.encode_many([conversation("Hi", "No"), conversation("Hi", "Yes")])
        assert isinstance(good, Encoded)
        assert isinstance(bad, Inexact)


class TestOwnTemplate:
    def test_is_needed(self) -> None:
        with pytest.raises(Permanent, match="has no chat template"):
            ChatFormat(byte_level(), OWN)

    def test_is_used_with_an_exact_mask(self, tokenizer: Any) -> None:
        tokenizer.chat_template = CHATML
        try:
            chat = ChatFormat(tokenizer, OWN)
            encoded = chat.encode(TURNS, "Sei kurz.")
            messages = [{"role": "system", "content": "Sei kurz."}, *TURNS]
            assert encoded.input_ids == tokenizer.apply_chat_template(messages, return_dict=False)
            kept = [token for token, wanted in zip(encoded.input_ids, encoded.loss, strict=True) if wanted]
            assert kept.count(chat.eos_id) == 2
            for number in (1, 3):
                prompt = chat.prompt(TURNS[:number], "Sei kurz.")
                assert encoded.input_ids[: len(prompt)] == prompt
                assert encoded.loss[len(prompt)]
                end = encoded.input_ids.index(chat.eos_id, len(prompt))
                assert chat.text(prompt, encoded.input_ids[len(prompt) : end]) == TURNS[number]["content"]
        finally:
            tokenizer.chat_template = None

    def test_that_rewrites_earlier_turns_is_refused(self) -> None:
        tokenizer = byte_level()
        tokenizer.chat_template = FORGETFUL
        chat = ChatFormat(tokenizer, OWN)
        assert sum(chat.encode(TURNS[:2]).loss) > 0
        with pytest.raises(Inexact, match="prompt-not-a-prefix"):
            chat.encode(TURNS)

    def test_without_an_end_is_refused(self) -> None:
        tokenizer = byte_level()
        tokenizer.chat_template = CHATML.replace("{{ eos_token }}", "")
        with pytest.raises(Inexact, match="eos-not-encoded"):
            ChatFormat(tokenizer, OWN).encode(TURNS)

    def test_that_refuses_a_conversation_says_so(self) -> None:
        tokenizer = byte_level()
        tokenizer.chat_template = (
            "{% if messages|length > 3 %}{{ raise_exception('one question please') }}{% endif %}" + CHATML
        )
        with pytest.raises(Inexact, match="template-refuses: one question please"):
            ChatFormat(tokenizer, OWN).encode(TURNS, "Sei kurz.")


def test_paper_template_is_the_default() -> None:
    assert ChatFormat(byte_level()).markers == TEMPLATES[PAPER].markers
