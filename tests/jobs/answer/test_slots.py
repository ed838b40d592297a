"""Conversations in slots: what each says is what it says alone, whoever comes, goes and goes on beside it."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from jobs.answer.engines import batch
from jobs.answer.engines.engine import Generated, Request
from jobs.answer.engines.generation import Generator
from jobs.answer.engines.slot_cache import Joining, SlotCache
from jobs.answer.engines.slots import Slots
from jobs.lib.model.loading import load_model, load_tokenizer
from jobs.lib.model.template import ChatFormat
from tests.kit.model_jobs import byte_level, gpt2_like, write_base

ARCHITECTURES = ("llama", "gpt2", "gpt-neox", "mixtral", "gemma3", "bloom", "xglm")
FIRST = ("Hi", "Nenne eins zwei drei!", "x " * 20, "Und?", "Wo ist der Käse, bitte?", "Hallo", "y " * 9)
LENGTHS = ((5, 9), (12, 3), (1, 1), (7, 14), (3, 20), (16, 2), (9, 9))


def generator_of(root: Path, architecture: str = "llama", **changes: Any) -> Generator:
    tokenizer = gpt2_like() if architecture == "gpt2" else byte_level()
    directory = write_base(root / architecture, architecture, tokenizer) / "model"
    config = directory / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | changes))
    model = load_model(directory, dtype=torch.float32, device=torch.device("cpu"))
    generator = Generator(model, ChatFormat(load_tokenizer(directory)))
    generator.endings.ids.clear()  # so that an answer ends where the test says
    return generator


def asked(generator: Generator, number: int, *answers: str) -> Request:
    """The next turn of a conversation; every second one is drawn."""
    said = [{"role": "user", "content": FIRST[number]}]
    for text in answers:
        said += [{"role": "assistant", "content": text}, {"role": "user", "content": "Und weiter?"}]
    return Request(
        prompt=generator.chat.prompt(said),
        temperature=1.0 * (number % 2),
        seed=100 * number + len(answers),
        max_new_tokens=LENGTHS[number][len(answers)],
    )


def converse(generator: Generator, slots: Slots) -> list[list[Generated]]:
    """Both turns of every conversation."""
    found: list[list[Generated]] = [[] for _ in FIRST]
    for number in range(len(FIRST)):
        slots.add(str(number), asked(generator, number))
    while not all(len(turns) == 2 for turns in found):
        for name, result in slots.step():
            found[int(name)].append(result)
            if len(found[int(name)]) == 1:
                slots.add(name, asked(generator, int(name), result.text))
    return found


@pytest.mark.parametrize(
    ("architecture", "size"), [*((name, 3) for name in ARCHITECTURES), ("llama", 1), ("llama", 64)]
)
def test_each_says_what_it_says_alone(tmp_path: Path, architecture: str, size: int) -> None:
    generator = generator_of(tmp_path, architecture)
    assert generator.slotted
    for number, turns in enumerate(converse(generator, Slots(generator, size))):
        assert batch.answer(generator, [asked(generator, number)]) == turns[:1]
        assert batch.answer(generator, [asked(generator, number, turns[0].text)]) == turns[1:]


def test_a_window_is_kept(tmp_path: Path) -> None:
    """What is put beside longer conversations sees its last eight tokens, no more and no less."""
    generator = generator_of(tmp_path, "mistral", sliding_window=8)
    assert generator.slotted
    said = converse(generator, Slots(generator, 3))
    for number, turns in enumerate(said):
        assert batch.answer(generator, [asked(generator, number, turns[0].text)]) == turns[1:]
    whole = generator_of(tmp_path, "mistral")
    assert converse(whole, Slots(whole, 3)) != said


def shapes(generator: Generator) -> list[tuple[int, ...]]:
    """What will be put into the model."""
    found: list[tuple[int, ...]] = []
    forward: Any = generator.model.forward

    def seen(**given: Any) -> Any:
        found.append(tuple(given["input_ids"].shape))
        return forward(**given)

    generator.model.forward = seen
    return found


def test_a_slot_is_taken_at_once_and_a_prefix_computed_once(tmp_path: Path) -> None:
    generator = generator_of(tmp_path)
    seen = shapes(generator)
    turns = converse(generator, Slots(generator, 2))
    decoded = [rows for rows, width in seen if width == 1]
    assert sum(decoded) == sum(map(sum, LENGTHS)) - 2 * len(FIRST)  # a prompt gives the first token
    assert decoded[: -max(map(sum, LENGTHS))] == [2] * (len(decoded) - max(map(sum, LENGTHS)))
    first = sum(len(asked(generator, number).prompt) for number in range(len(FIRST)))
    second = sum(
        len(asked(generator, number, one.text).prompt) - len(asked(generator, number).prompt)
        for number, (one, _) in enumerate(turns)
    )
    assert sum(rows * width for rows, width in seen if width > 1) <= first + second


def test_prompts_of_similar_lengths_are_computed_a_few_at_a_time(tmp_path: Path) -> None:
    generator = generator_of(tmp_path)
    seen = shapes(generator)
    slots = Slots(generator, 64)
    for number, length in enumerate((10, 40, 10, 11, 12, 39, 10)):
        slots.add(str(number), Request(prompt=[3] * length, temperature=0.0, seed=0, max_new_tokens=2))
    slots.step()
    assert seen == [(2, 40), (4, 12), (1, 10), (7, 1)]


def test_what_is_no_number_stays_in_its_line(tmp_path: Path) -> None:
    generator = generator_of(tmp_path)
    one, two, three = ([5 + place] * length for place, length in enumerate((30, 8, 6)))

    def behind(spoilt: bool) -> list[torch.Tensor]:
        cache = SlotCache(generator)
        cache.join([Joining(ids=one), Joining(ids=two), Joining(ids=two)])
        if spoilt:
            for layer in cache._layers:
                layer.keys[0], layer.values[0] = torch.nan, torch.nan
        cache.leave(0)  # the last one takes its line
        cache.join([Joining(ids=three)])
        return [*cache.step([3, 3, 3])]

    with torch.inference_mode():
        assert all(torch.equal(a, b) for a, b in zip(behind(spoilt=True), behind(spoilt=False), strict=True))


def test_who_would_answer_otherwise_in_slots_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example: lines that are mixed up when one of them leaves."""
    assert generator_of(tmp_path).joins
    monkeypatch.setattr(SlotCache, "leave", lambda cache, line: cache.lengths.pop(line))
    assert not generator_of(tmp_path).joins
