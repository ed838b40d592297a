"""Chat templates of publishers: where a turn ends, where a system message goes, what day it is."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from transformers.utils import chat_template_utils

from jobs.lib.model.own_template import examine, frozen_clock
from jobs.lib.model.template import ChatFormat
from polyglot.core.errors import Permanent
from polyglot.kinds.templates import OWN, TEMPLATE_DATE
from tests.kit.chat_templates import ENDLESS, SILENT, chatml, dated, gemma, with_template
from tests.kit.model_jobs import byte_level, conversation

TURNS = conversation("Hi", "Ja", "Und?", "Nein")


def supervised(chat: ChatFormat, turns: Any = TURNS, system: str = "") -> str:
    encoded = chat.encode(turns, system)
    kept = [token for token, wanted in zip(encoded.input_ids, encoded.loss, strict=True) if wanted]
    return str(chat.tokenizer.decode(kept))


class TestEnds:
    @pytest.mark.parametrize(("made", "end"), [(gemma, "<end_of_turn>"), (chatml, "<|im_end|>"), (dated, "<|eot|>")])
    def test_the_end_that_a_template_writes_is_learnt_once_a_turn(self, made: Any, end: str) -> None:
        tokenizer = made()
        chat = ChatFormat(tokenizer, OWN)
        assert supervised(chat) == f"Ja{end}Nein{end}"
        assert chat.end_ids == {tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids(end)}
        assert chat.name_of_end(chat.end_id) == end

    def test_eos_is_the_end_where_it_is_written_too(self) -> None:
        template = SILENT.replace("+ eos_token", "+ '<|eot|>' + eos_token")
        tokenizer = with_template(template, "<|eot|>")
        chat = ChatFormat(tokenizer, OWN)
        assert supervised(chat, TURNS[:2]) == "Ja<|eot|></s>"
        assert chat.end_ids == {tokenizer.eos_token_id}

    def test_prompts_are_prefixes_of_what_is_learnt(self) -> None:
        chat = ChatFormat(gemma(), OWN)
        prompt = chat.prompt(TURNS[:3], "Sei kurz.")
        encoded = chat.encode(TURNS, "Sei kurz.").input_ids
        assert encoded[: len(prompt)] == prompt
        assert chat.text(prompt, encoded[len(prompt) : -2]) == "Nein"


class TestSystemMessages:
    def test_one_that_is_refused_stands_before_the_first_user(self) -> None:
        chat = ChatFormat(gemma(), OWN)
        assert chat.unusual == {"system_role": "first-user"}
        assert chat.tokenizer.decode(chat.prompt(TURNS[:3], "Sei kurz.")) == (
            "<s><start_of_turn>user\nSei kurz.\n\nHi<end_of_turn>\n<start_of_turn>model\nJa<end_of_turn>\n"
            "<start_of_turn>user\nUnd?<end_of_turn>\n<start_of_turn>model\n"
        )

    def test_without_one_nothing_is_put_there(self) -> None:
        chat = ChatFormat(gemma(), OWN)
        assert chat.tokenizer.decode(chat.prompt(TURNS[:1])) == (
            "<s><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n"
        )

    def test_one_that_is_taken_stays_one(self) -> None:
        chat = ChatFormat(chatml(), OWN)
        assert chat.unusual == {}
        assert chat.tokenizer.decode(chat.prompt(TURNS[:1], "Sei kurz.")).startswith(
            "<|im_start|>system\nSei kurz.<|im_end|>"
        )

    def test_one_that_is_ignored_is_told(self) -> None:
        assert ChatFormat(with_template(SILENT), OWN).unusual == {"system_role": "ignored"}


class TestDays:
    def test_another_day_gives_the_same_tokens(self, monkeypatch: pytest.MonkeyPatch) -> None:
        made = [ChatFormat(dated(), OWN).encode(TURNS, "Sei kurz.").input_ids]

        class Tomorrow(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> "Tomorrow":
                later = datetime.now(tz) + timedelta(days=40)
                return cls(later.year, later.month, later.day)

        monkeypatch.setattr(chat_template_utils, "datetime", Tomorrow)
        made.append(ChatFormat(dated(), OWN).encode(TURNS, "Sei kurz.").input_ids)
        assert made[0] == made[1]

    def test_the_day_is_the_studys(self) -> None:
        for day, written in ((None, "26 Jul 2024"), (date(2025, 3, 1), "01 Mar 2025")):
            chat = ChatFormat(dated(), OWN, template_date=day)
            text = chat.tokenizer.decode(chat.prompt(TURNS[:1], "Sei kurz."))
            assert text == (
                f"<s><|header|>system\n\nToday Date: {written}\n\nSei kurz.<|eot|><|header|>user\n\nHi<|eot|>"
                "<|header|>assistant\n\n"
            )
            assert chat.unusual == {"date": str(day or TEMPLATE_DATE)}

    @pytest.mark.parametrize("form", ["%d %b %Y", "%A, %-d. %B %y", "100%% at %H:%M:%S", "%Y-%m-%d (%j)", "no day"])
    def test_every_form_of_a_day_is_the_clocks(self, form: str) -> None:
        day = date(2024, 7, 6)
        template = frozen_clock(day) + "{{ strftime_now('" + form + "') }}"
        tokenizer = byte_level()
        said = tokenizer.apply_chat_template(TURNS[:1], chat_template=template, tokenize=False)
        assert said == day.strftime(form.replace("%-d", "6"))

    def test_chance_is_refused(self) -> None:
        with pytest.raises(Permanent, match="draws at random"):
            examine(with_template(SILENT + "{{ ['a', 'b'] | random }}"), TEMPLATE_DATE)


def test_a_template_without_an_end_has_only_eos() -> None:
    chat = ChatFormat(with_template(ENDLESS), OWN)
    assert (chat.end_id, chat.end_ids) == (chat.eos_id, {chat.eos_id})
