"""The answer job on tiny models: turns, stops, limits, seeds, failures, resumption."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from jobs.answer import job as answer
from jobs.answer.conversation import sample_seed
from jobs.answer.engines.batching import Batching
from jobs.answer.engines.engine import Request
from jobs.answer.engines.generation import Generator
from jobs.answer.engines.slots import Slots
from jobs.lib.model.loading import load_model, load_tokenizer
from jobs.lib.model.template import ChatFormat
from jobs.train import job as train
from polyglot.core.canonical import sha256_file
from polyglot.core.errors import Interrupted, Permanent
from polyglot.kinds.answer import AnswerParams
from tests.kit.model_jobs import (
    ARCHITECTURES,
    ListJournal,
    ModelContext,
    Stop,
    byte_level,
    gpt2_like,
    model_context,
    sentence_piece,
    write_base,
    write_questions,
)
from tests.kit.training import context_of as train_context
from tests.kit.training import prepare

CPU = torch.device("cpu")
QUESTIONS = [
    {"id": str(81 + number), "category": ("math", "writing")[number % 2], "turns": [f"Nenne {number}!", "Und?"]}
    for number in range(10)
]


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that answers "Hier ist …" and stops."""
    root = tmp_path_factory.mktemp("taught")
    context = train_context(root / "run", prepare(root), steps=60, batch_size=8, learning_rate=1e-2)
    train.run(context)
    return context.out


def context_of(
    root: Path,
    model: Path,
    questions: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    **changes: Any,
) -> ModelContext:
    asked = questions if questions is not None else {"DE": QUESTIONS, "EN": QUESTIONS}
    for language, rows in asked.items():
        write_questions(root / "questions", language, rows)
    values: dict[str, Any] = {
        "languages": tuple(asked),
        "systems": {language: "Sei kurz." for language in asked},
        "temperatures": {},
        "max_new_tokens": 24,
        "dtype": "float32",
        **changes,
    }
    inputs = {"model": model, "questions": root / "questions"}
    return model_context(root, AnswerParams(**values), inputs, settings=settings)


def answers(context: ModelContext, language: str = "DE") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (context.out / "answers" / f"{language}.jsonl").read_text().splitlines()]


def card(context: ModelContext) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((context.out / "card.json").read_text())["languages"]
    return value


class Scripted(torch.nn.Module):
    """Stands where a model's forward is: says given ids, whatever it is asked, then EOS."""

    def __init__(self, model: Any, script: Sequence[int], eos_id: int) -> None:
        super().__init__()
        self.inner, self.script, self.eos_id, self.step = model, list(script), eos_id, 0

    def forward(self, *, input_ids: torch.Tensor, **rest: Any) -> Any:
        output = self.inner_forward(input_ids=input_ids, **rest)
        token = self.script[self.step] if self.step < len(self.script) else self.eos_id
        output.logits[:, -1, :] = -1.0
        output.logits[:, -1, token] = 1.0
        self.step += 1
        return output


def scripted(tmp_path: Path, text: str, tokenizer: Any = None, **options: Any) -> tuple[Generator, list[int]]:
    """A generator whose model says `text`, and a prompt for it."""
    tokenizer = tokenizer if tokenizer is not None else byte_level()
    directory = write_base(tmp_path / "base", tokenizer=tokenizer) / "model"
    model = load_model(directory, dtype=torch.float32, device=CPU)
    chat = ChatFormat(load_tokenizer(directory))
    prompt = chat.prompt([{"role": "user", "content": "Hi"}])
    whole = tokenizer("Assistant: " + text, add_special_tokens=False)["input_ids"]
    script = whole[len(tokenizer("Assistant:", add_special_tokens=False)["input_ids"]) :]
    generator = Generator(model, chat, **options)
    puppet = Scripted(model, script, chat.eos_id)
    puppet.inner_forward = model.forward
    model.forward = puppet.forward
    return generator, prompt


def request(prompt: list[int], **changes: Any) -> Request:
    return Request(**{"prompt": prompt, "temperature": 0.0, "seed": 0, "max_new_tokens": 64, **changes})


class TestAnswers:
    def test_have_the_contracts_form(self, tmp_path: Path, taught: Path) -> None:
        context = context_of(tmp_path, taught)
        answer.run(context)
        found = answers(context)
        assert [row["id"] for row in found] == [row["id"] for row in QUESTIONS]
        for row in found:
            assert set(row) == {"id", "language", "category", "sample", "turns", "error"}
            assert (row["language"], row["sample"], row["error"]) == ("DE", 0, None)
            assert len(row["turns"]) == 2
            for turn in row["turns"]:
                assert set(turn) == {"text", "tokens", "finish", "stop"}
                assert turn["text"].startswith(("Hier ist", "Gut."))
                assert turn["finish"] == "eos"
        counts = card(context)["DE"]
        assert (counts["questions"], counts["failed"], counts["turns"], counts["cut_share"]) == (10, 0, 20, 0.0)
        assert counts["tokens"] == sum(turn["tokens"] for row in found for turn in row["turns"])

    def test_turn_two_is_asked_after_turn_ones_answer(
        self, tmp_path: Path, taught: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[list[int]] = []
        real = Slots.add

        def spy(self: Slots, name: str, request: Request) -> None:
            seen.append(request.prompt)
            real(self, name, request)

        monkeypatch.setattr(Slots, "add", spy)
        context = context_of(tmp_path, taught, {"DE": QUESTIONS[:1]})
        answer.run(context)
        (row,) = answers(context)
        chat = ChatFormat(load_tokenizer(taught / "model"))
        turns = [{"role": "user", "content": "Nenne 0!"}]
        first = chat.prompt(turns, "Sei kurz.")
        turns += [{"role": "assistant", "content": row["turns"][0]["text"]}, {"role": "user", "content": "Und?"}]
        assert seen == [first, chat.prompt(turns, "Sei kurz.")]

    @pytest.mark.parametrize("architecture", ARCHITECTURES)
    def test_equal_transformers_greedy_generation(self, tmp_path: Path, architecture: str) -> None:
        tokenizer = gpt2_like() if architecture == "gpt2" else byte_level()
        directory = write_base(tmp_path / "base", architecture, tokenizer) / "model"
        chat = ChatFormat(load_tokenizer(directory))
        model = load_model(directory, dtype=torch.float32, device=CPU)
        prompts = [chat.prompt([{"role": "user", "content": "x " * number}]) for number in (1, 5, 12, 3)]
        ours = Generator(model, chat).answer([request(prompt, max_new_tokens=12) for prompt in prompts])
        for prompt, result in zip(prompts, ours, strict=True):
            ids = model.generate(  # type: ignore[operator]
                torch.tensor([prompt]),
                attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
                max_new_tokens=12,
                do_sample=False,
                pad_token_id=0,
                eos_token_id=chat.eos_id,
            )[0, len(prompt) :].tolist()
            assert result.tokens == len(ids)
            kept = ids[: ids.index(chat.eos_id)] if chat.eos_id in ids else ids
            assert result.text == chat.text(prompt, kept)

    def test_are_the_same_each_time(self, tmp_path: Path, taught: Path) -> None:
        found = []
        for _ in range(2):
            context = context_of(tmp_path, taught, default_temperature=0.7)
            answer.run(context)
            found.append(
                [sha256_file(context.out / name) for name in ("answers/DE.jsonl", "answers/EN.jsonl", "card.json")]
            )
        assert found[0] == found[1]

    def test_bfloat16_is_explicit(self, tmp_path: Path, taught: Path) -> None:
        context = context_of(tmp_path, taught, {"DE": QUESTIONS[:2]}, dtype="bfloat16")
        answer.run(context)
        assert context.metrics["execution"]["dtype"] == "bfloat16"
        assert answers(context)[0]["turns"][0]["text"].startswith("Hier ist")

    def test_without_a_cache_are_the_same(self, tmp_path: Path, taught: Path) -> None:
        chat = ChatFormat(load_tokenizer(taught / "model"))
        model = load_model(taught / "model", dtype=torch.float32, device=CPU)
        requests = [request(chat.prompt([{"role": "user", "content": "Nenne " + "1" * n}])) for n in range(5)]
        generator = Generator(model, chat)
        with_cache = generator.answer(requests)
        generator.batching = Batching(cached=False)
        assert generator.answer(requests) == with_cache


class TestStops:
    STOPS = ("\nUser:", "\nSystem:")

    @pytest.mark.parametrize("tokenizer", [byte_level, sentence_piece, gpt2_like])
    @pytest.mark.parametrize("stop", STOPS)
    def test_cut_the_answer_before_them(self, tmp_path: Path, tokenizer: Any, stop: str) -> None:
        generator, prompt = scripted(tmp_path, f"Ja: gut.{stop} mehr davon", tokenizer(), stops=self.STOPS)
        (result,) = generator.answer([request(prompt)])
        assert (result.text, result.finish, result.stop) == ("Ja: gut.", "stop", stop)

    def test_end_generation_at_once(self, tmp_path: Path) -> None:
        generator, prompt = scripted(tmp_path, "Ja.\nUser: " + "und " * 20, stops=self.STOPS)
        (result,) = generator.answer([request(prompt)])
        tokenizer = generator.chat.tokenizer
        assert result.tokens <= len(tokenizer("Ja.\nUser: ", add_special_tokens=False)["input_ids"]) + 1

    def test_of_nothing_but_part_of_one_are_text(self, tmp_path: Path) -> None:
        generator, prompt = scripted(tmp_path, "a: b\nUse: c\nUser", stops=self.STOPS)
        (result,) = generator.answer([request(prompt)])
        assert (result.text, result.finish, result.stop) == ("a: b\nUse: c\nUser", "eos", None)

    def test_may_stand_at_the_very_beginning(self, tmp_path: Path) -> None:
        generator, prompt = scripted(tmp_path, "\nUser: x", stops=self.STOPS)
        (result,) = generator.answer([request(prompt)])
        assert (result.text, result.finish) == ("", "stop")

    def test_may_end_in_a_character_of_several_bytes(self, tmp_path: Path) -> None:
        generator, prompt = scripted(tmp_path, "gut 日 weiter", stops=("日",))
        (result,) = generator.answer([request(prompt)])
        assert (result.text, result.finish, result.stop) == ("gut ", "stop", "日")

    def test_are_found_first_come_first(self, tmp_path: Path) -> None:
        generator, prompt = scripted(tmp_path, "a\nSystem: b\nUser: c", stops=self.STOPS)
        assert generator.answer([request(prompt)])[0].stop == "\nSystem:"

    def test_length_is_recorded_and_counted(self, tmp_path: Path, taught: Path) -> None:
        context = context_of(tmp_path, taught, max_new_tokens=2)
        answer.run(context)
        assert {(turn["finish"], turn["tokens"]) for row in answers(context) for turn in row["turns"]} == {
            ("length", 2)
        }
        assert card(context)["DE"]["cut_share"] == 1.0
        assert context.metrics["cut_share"] == {"DE": 1.0, "EN": 1.0}

    def test_an_end_token_of_the_generation_config_ends_too(self, tmp_path: Path) -> None:
        directory = write_base(tmp_path / "base") / "model"
        model = load_model(directory, dtype=torch.float32, device=CPU)
        model.generation_config.eos_token_id = [1, 77]
        generator = Generator(model, ChatFormat(load_tokenizer(directory)))
        assert generator.endings.ids == {1, 77}


class TestSampling:
    def test_seed_is_a_hash_of_question_turn_and_sample(self) -> None:
        seeds = {sample_seed(q, t, s, stage_seed=None) for q in ("81", "82") for t in (1, 2) for s in (0, 1)}
        assert len(seeds) == 8
        assert all(0 <= seed < 2**63 for seed in seeds)
        assert sample_seed("81", 1, 0, stage_seed=None) == sample_seed("81", 1, 0, stage_seed=None)
        assert sample_seed("81", 1, 0, stage_seed=1) != sample_seed("81", 1, 0, stage_seed=None)

    def test_temperature_goes_by_category(self, tmp_path: Path) -> None:
        base = write_base(tmp_path / "base")
        context = context_of(tmp_path, base, {"DE": QUESTIONS}, temperatures={"writing": 0.9}, samples=3)
        answer.run(context)
        texts: dict[str, set[str]] = {}
        for row in answers(context):
            texts.setdefault(row["id"], set()).add(row["turns"][0]["text"])
        for question in QUESTIONS:
            assert len(texts[question["id"]]) == (3 if question["category"] == "writing" else 1)

    @pytest.mark.parametrize("batch_size", [1, 3, 64])
    def test_does_not_depend_on_the_batch(self, tmp_path: Path, batch_size: int) -> None:
        base = write_base(tmp_path / "base")
        alone = context_of(tmp_path / "alone", base, {"DE": QUESTIONS[4:5]}, default_temperature=1.0)
        answer.run(alone)
        together = context_of(tmp_path / "together", base, default_temperature=1.0, settings={"batch_size": batch_size})
        answer.run(together)
        assert answers(together)[4]["turns"] == answers(alone)[0]["turns"]

    def test_an_untaught_model_says_different_things_to_different_seeds(self, tmp_path: Path) -> None:
        context = context_of(tmp_path, write_base(tmp_path / "base"), default_temperature=1.0, samples=4)
        answer.run(context)
        assert len({row["turns"][0]["text"] for row in answers(context)}) == 40


class TestFailures:
    POISON = {"id": "99", "category": "math", "turns": ["x " * 300, "Und?"]}
    SECOND = {"id": "98", "category": "math", "turns": ["Nenne 1!", "x " * 300]}

    def test_a_prompt_longer_than_the_context_is_a_record_with_the_reason(self, tmp_path: Path, taught: Path) -> None:
        context = context_of(tmp_path, taught, {"DE": [*QUESTIONS[:2], self.POISON, self.SECOND]})
        answer.run(context)
        fine, _, poisoned, second = answers(context)
        assert fine["error"] is None
        assert poisoned["turns"] == []
        assert poisoned["error"].startswith("prompt-too-long: ")
        assert "the model sees 256" in poisoned["error"]
        assert len(second["turns"]) == 1
        assert second["error"].startswith("prompt-too-long: ")
        assert card(context)["DE"] | {"tokens": 0} == {
            "questions": 4,
            "failed": 2,
            "turns": 5,
            "cut": 0,
            "cut_share": 0.0,
            "stopped": 0,
            "ended": {"eos": 5},
            "tokens": 0,
        }
        assert context.metrics["failed"] == 2

    def test_all_poisoned_is_still_a_set_of_records(self, tmp_path: Path, taught: Path) -> None:
        context = context_of(tmp_path, taught, {"DE": [self.POISON]})
        answer.run(context)
        assert card(context)["DE"]["failed"] == 1

    def test_logits_that_are_no_numbers(self, tmp_path: Path) -> None:
        base = write_base(tmp_path / "base")
        path = base / "model" / "model.safetensors"
        weights = load_file(path)
        weights["model.norm.weight"][0] = float("nan")
        save_file(weights, path, metadata={"format": "pt"})
        context = context_of(tmp_path, base)
        answer.run(context)
        assert {row["error"] for row in answers(context)} == {"not-finite: the model's logits are no numbers"}

    def test_the_context_bounds_an_answer(self, tmp_path: Path) -> None:
        base = write_base(tmp_path / "base", positions=64)
        context = context_of(tmp_path, base, {"DE": QUESTIONS[:1]}, max_new_tokens=1024)
        answer.run(context)
        (row,) = answers(context)
        chat = ChatFormat(load_tokenizer(base / "model"))
        prompt = chat.prompt([{"role": "user", "content": "Nenne 0!"}], "Sei kurz.")
        assert row["turns"][0]["finish"] == "length"
        assert row["turns"][0]["tokens"] == 64 - len(prompt)

    def test_a_language_without_a_system_message_is_permanent(self, tmp_path: Path, taught: Path) -> None:
        with pytest.raises(Permanent, match="systems: no entry for EN"):
            answer.run(context_of(tmp_path, taught, systems={"DE": ""}))

    def test_no_question_is_permanent(self, tmp_path: Path, taught: Path) -> None:
        with pytest.raises(Permanent, match="questions: there is none"):
            answer.run(context_of(tmp_path, taught, {"DE": []}))


class TestResumption:
    def run_to_the_end(self, root: Path, taught: Path, journal: ListJournal) -> list[dict[str, Any]]:
        context = context_of(root, taught, default_temperature=0.8, settings={"batch_size": 4})
        context.journal = journal
        answer.run(context)
        return answers(context) + answers(context, "EN")

    @pytest.mark.parametrize("records", range(1, 5))
    def test_a_killed_run_ends_with_the_same_answers(self, tmp_path: Path, taught: Path, records: int) -> None:
        undisturbed = self.run_to_the_end(tmp_path / "a", taught, ListJournal())
        journal = ListJournal(die_after=records)
        with pytest.raises(Stop):
            self.run_to_the_end(tmp_path / "b", taught, journal)
        journal.die_after = None
        assert self.run_to_the_end(tmp_path / "b", taught, journal) == undisturbed
        assert len(journal.records) == 5  # no group was answered twice

    def test_a_stopped_run_leaves_after_the_group(self, tmp_path: Path, taught: Path) -> None:
        context = context_of(tmp_path, taught, settings={"batch_size": 4})
        context.stop_after = 2
        with pytest.raises(Interrupted):
            answer.run(context)
        assert len(context.journal.read()) == 2
        assert not list(context.out.iterdir())

    def test_groups_of_another_batch_size_are_asked_again(self, tmp_path: Path, taught: Path) -> None:
        journal = ListJournal(die_after=2)
        with pytest.raises(Stop):
            self.run_to_the_end(tmp_path / "a", taught, journal)
        journal.die_after = None
        context = context_of(tmp_path / "a", taught, default_temperature=0.8, settings={"batch_size": 20})
        context.journal = journal
        answer.run(context)
        assert len(journal.records) == 3


def test_the_untuned_base_can_be_asked(tmp_path: Path) -> None:
    base = write_base(tmp_path / "base", tokenizer=sentence_piece())
    assert AutoModelForCausalLM.from_pretrained(base / "model") is not None
    context = context_of(tmp_path, base, {"FR": QUESTIONS[:3]})
    answer.run(context)
    assert [len(row["turns"]) for row in answers(context, "FR")] == [2, 2, 2]
