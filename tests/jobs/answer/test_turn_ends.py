"""Models under their publishers' chat templates: trained to end their turns, ended by any end, stopped by no other."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, GenerationConfig

from jobs.answer import job as answer
from jobs.answer.engines.engine import Request
from jobs.answer.engines.generation import Generator
from jobs.lib.model.loading import load_model, load_tokenizer
from jobs.lib.model.template import ChatFormat
from jobs.tokenize import job as tokenize
from jobs.train import job as train
from polyglot.core.errors import Permanent
from polyglot.kinds.answer import AnswerParams
from polyglot.kinds.templates import OWN, PAPER, TEMPLATES
from polyglot.kinds.tokenize import TokenizeParams
from tests.kit.chat_templates import ENDLESS, chatml, dated, gemma, with_template
from tests.kit.model_jobs import ModelContext, model_context, write_base, write_mix, write_questions, write_rows
from tests.kit.training import ROWS, context_of

QUESTIONS = [{"id": str(number), "category": "math", "turns": [f"Nenne {number}!", "Und?"]} for number in range(4)]


def tokenized(root: Path, tokenizer: Any, **changes: Any) -> ModelContext:
    values = {"language": "DE", "system": "Sei kurz.", "max_tokens": 200, "over_long": "drop", "template": OWN}
    base = write_base(root / "base", tokenizer=tokenizer)
    rows = write_rows(root / "rows", "DE", ROWS)
    context = model_context(root / "tokens", TokenizeParams(**{**values, **changes}), {"rows": rows, "base": base})
    tokenize.run(context)
    return context


def answered(root: Path, model: Path, **changes: Any) -> ModelContext:
    values = {"languages": ("DE",), "systems": {"DE": "Sei kurz."}, "temperatures": {}, "max_new_tokens": 24}
    values |= {"dtype": "float32", "template": OWN, "stops": TEMPLATES[OWN].stops, **changes}
    asked = write_questions(root / "questions", "DE", QUESTIONS)
    context = model_context(root / "answer", AnswerParams(**values), {"model": model, "questions": asked})
    answer.run(context)
    return context


def card(context: ModelContext) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((context.out / "card.json").read_text())
    return value


@pytest.mark.parametrize(
    ("made", "end", "unusual"),
    [
        (gemma, "<end_of_turn>", {"system_role": "first-user"}),
        (chatml, "<|im_end|>", {}),
        (dated, "<|eot|>", {"date": "2024-07-26"}),
    ],
)
def test_a_model_learns_to_end_its_turn_as_its_template_does(
    tmp_path: Path, made: Any, end: str, unusual: dict[str, str]
) -> None:
    tokens = tokenized(tmp_path, made())
    said = card(tokens)
    assert (said["rows"], said["turn_end"]) == (len(ROWS), end)
    assert {name: said.get(name) for name in unusual} == unusual

    mix = write_mix(tmp_path / "mix", [("DE", number) for number in range(len(ROWS))])
    inputs = {"base": tmp_path / "base", "mix": mix, "tokens:DE": tokens.out}
    run = context_of(tmp_path / "run", inputs, steps=60, batch_size=8, learning_rate=1e-2)
    train.run(run)
    tokenizer = load_tokenizer(run.out / "model")
    ends = sorted({tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids(end)})
    assert GenerationConfig.from_pretrained(run.out / "model").eos_token_id == ends
    AutoModelForCausalLM.from_pretrained(run.out / "model")

    context = answered(tmp_path, run.out)
    rows = [json.loads(line) for line in (context.out / "answers" / "DE.jsonl").read_text().splitlines()]
    turns = [turn for row in rows for turn in row["turns"]]
    assert {(turn["finish"], turn["end"], turn["stop"]) for turn in turns} == {("eos", end, None)}
    assert all(turn["text"].startswith(("Hier ist", "Gut.")) for turn in turns)
    counts = card(context)["languages"]["DE"]
    assert (counts["turns"], counts["ended"], counts["stopped"], counts["cut"]) == (8, {end: 8}, 0, 0)
    assert {name: value for name, value in card(context).items() if name != "languages"} == unusual


def test_a_template_that_ends_no_turn_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(
        Permanent, match=r'eos-not-encoded 12\. .* puts no control token .* Set the model.s template to "sys'
    ):
        tokenized(tmp_path, with_template(ENDLESS))


@pytest.mark.parametrize(
    ("template", "text", "finish"), [(OWN, "x = 1\nUser: Ada\n", "length"), (PAPER, "x = 1", "stop")]
)
def test_the_papers_stops_end_the_papers_answers_alone(tmp_path: Path, template: Any, text: str, finish: str) -> None:
    directory = write_base(tmp_path / "base", tokenizer=chatml()) / "model"
    model = load_model(directory, dtype=torch.float32, device=torch.device("cpu"))
    chat = ChatFormat(load_tokenizer(directory), template)
    prompt = chat.prompt([{"role": "user", "content": "Hi"}])
    script = chat.tokenizer(("" if template == OWN else " ") + "x = 1\nUser: Ada\n", add_special_tokens=False)[
        "input_ids"
    ]
    generator = Generator(model, chat, stops=TEMPLATES[template].stops)
    inner, said = model.forward, iter(script)

    def forward(**given: Any) -> Any:
        output = inner(**given)
        output.logits[:, -1, :] = -1.0
        output.logits[:, -1, next(said)] = 1.0
        return output

    model.forward = forward
    wanted = Request(prompt=prompt, temperature=0.0, seed=0, max_new_tokens=len(script))
    found = generator.answer([wanted])[0]
    assert (found.text, found.finish) == (text, finish)


def test_what_was_stopped_and_what_was_cut_is_counted_apart(tmp_path: Path) -> None:
    """An untuned model that only says "a" is cut, and stopped where "a" is a stop."""
    base = write_base(tmp_path / "base", tokenizer=chatml())
    model = AutoModelForCausalLM.from_pretrained(base / "model")
    with torch.no_grad():
        model.lm_head.weight.zero_()
        model.lm_head.weight[load_tokenizer(base / "model").convert_tokens_to_ids("a")] = 1.0
    model.save_pretrained(base / "model")
    turns = len(QUESTIONS) * 2
    for stops, cut, stopped in (((), turns, 0), (("a",), 0, turns)):
        context = answered(tmp_path / f"run{len(stops)}", base, stops=stops, template=PAPER)
        counts = card(context)["languages"]["DE"]
        assert (counts["cut"], counts["stopped"], counts["ended"], counts["turns"]) == (cut, stopped, {}, turns)
        assert context.metrics["stopped"] == stopped
