"""Defects that the small stages, the check or a probe find: all before anything that trains has started."""

import gzip
import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from tests.kit.bad_studies import BadStudy, edit, lines_of, write_lines
from tests.kit.hub_server import REVISION
from tests.kit.judge_rows import prompt_file
from tests.kit.model_jobs import TEXTS, byte_level, config_of, write_base

# ---- files


def cut_gzip(folder: Path) -> None:
    data = gzip.compress((folder / "DE.jsonl").read_bytes(), mtime=0)
    (folder / "DE.jsonl.gz").write_bytes(data[: len(data) // 2])


def utf_16(folder: Path) -> None:
    path = folder / "DE.jsonl"
    path.write_bytes(path.read_text(encoding="utf-8").encode("utf-16"))


def one_id(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "id": "row-0"}


def other_ids(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "id": f"de-{row['id']}"}


def empty_outputs(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "output": ""}


def exchanged(folder: Path) -> None:
    (folder / "EN.jsonl").rename(folder / "other")
    (folder / "DE.jsonl").rename(folder / "EN.jsonl")
    (folder / "other").rename(folder / "DE.jsonl")


def three_turns(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "turns": [*row["turns"], "Noch etwas?"]}


def other_question_ids(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "question_id": 500 + int(row["question_id"])}


def long_question(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "turns": [" ".join([row["turns"][0]] * 12), row["turns"][1]]}


def no_math_prompt(folder: Path) -> None:
    prompt_file(folder / "p-DE.jsonl", without=("single-math-v1", "single-math-v1-multi-turn"))


def no_math_references(folder: Path) -> None:
    """German references of another category alone."""
    for language in ("EN", "DE"):
        rows = lines_of(folder / f"q-{language}.jsonl")
        write_lines(folder / f"q-{language}.jsonl", [*rows[:3], {**rows[3], "category": "coding"}])
    write_lines(folder / "r-DE.jsonl", [{**lines_of(folder / "r-DE.jsonl")[0], "question_id": 103}])


# ---- models


def small(folder: Path, tokenizer: Any = None, *, positions: int = 256, architecture: str = "llama") -> None:
    """Another model in place of the good one."""
    write_base(folder / "made", architecture, tokenizer, positions=positions)
    for old in (folder / "m").iterdir():
        old.unlink()
    for new in (folder / "made" / "model").iterdir():
        new.rename(folder / "m" / new.name)


def few_positions(folder: Path) -> None:
    small(folder, positions=96)


def own_template(source: str) -> Any:
    tokenizer = byte_level()
    tokenizer.chat_template = source
    return tokenizer


def deaf_template(folder: Path) -> None:
    source = (
        "{% for m in messages %}{% if m.role == 'user' %}[U]{{ m.content }}[A]"
        "{% elif m.role == 'assistant' %}{{ m.content }}{{ eos_token }}{% endif %}{% endfor %}"
    )
    small(folder, own_template(source))


def endless_template(folder: Path) -> None:
    small(folder, own_template("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"))


def latin_alone(folder: Path) -> None:
    """A tokenizer of whole characters that knows no Greek, and data in Greek."""
    trained = Tokenizer(models.BPE(unk_token="<unk>"))
    trained.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first")
    special = ["<unk>", "<s>", "</s>"]
    trained.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=300, special_tokens=special, show_progress=False))
    small(folder, PreTrainedTokenizerFast(tokenizer_object=trained, eos_token="</s>", unk_token="<unk>"))
    text = "Τι ξέρεις για το σπίτι στον κήπο με τον αριθμό {0};"
    data = [
        {"id": f"row-{n}", "instruction": text.format(n), "input": "", "output": "Το σπίτι είναι εκεί, όπως και πριν."}
        for n in range(24)
    ]
    write_lines(folder / "EL.jsonl", data)
    asked = [{**row, "turns": [text.format(n), "Και μετά;"]} for n, row in enumerate(lines_of(folder / "q-EN.jsonl"))]
    write_lines(folder / "q-EL.jsonl", asked)


def small_embedding(folder: Path) -> None:
    """Fewer rows than the tokenizer has pieces."""
    import torch
    from transformers import AutoModelForCausalLM

    tokenizer = byte_level()
    torch.manual_seed(0)
    config = config_of("llama", 280)
    config.bos_token_id, config.eos_token_id = tokenizer.bos_token_id, tokenizer.eos_token_id
    AutoModelForCausalLM.from_config(config).save_pretrained(folder / "m")


def missing_shard(folder: Path) -> None:
    (folder / "m" / "model.safetensors").rename(folder / "m" / "model-00001-of-00002.safetensors")
    names = {"model.embed_tokens.weight": "model-00001-of-00002.safetensors", "x": "model-00002-of-00002.safetensors"}
    (folder / "m" / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))


def asks_for_code(folder: Path) -> None:
    path = folder / "m" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "auto_map": {"AutoConfig": "modeling.C"}}))


def adapter(folder: Path) -> None:
    (folder / "m" / "adapter_config.json").write_text("{}")


def asked(model: str, more: str = "") -> dict[str, str]:
    return {"judge": f"{{endpoint: openai, model: {model}{more}}}"}


def on_hub(name: str, more: str) -> dict[str, str]:
    """A data set of the loopback hub, which has one as JSON Lines in a folder a language."""
    source = f"hub: {name}, revision: '{REVISION}', format: bactrian-x, languages: [EN, DE]"
    return {"datasets": f"{{d: {{{source}, {more}}}}}"}


OWN = "{m: {directory: m, template: tokenizer}}"
STAGES = [
    BadStudy(
        name="a gzip file that is cut off",
        keys={"datasets": "{d: {format: bactrian-x, files: {EN: EN.jsonl, DE: DE.jsonl.gz}}}"},
        change=cut_gzip,
    ),
    BadStudy(name="rows in UTF-16", change=utf_16),
    BadStudy(name="one id in every row", change=edit("DE.jsonl", one_id)),
    BadStudy(name="languages without a common id", change=edit("DE.jsonl", other_ids)),
    BadStudy(name="rows without an output", change=edit("DE.jsonl", empty_outputs)),
    BadStudy(name="files of two languages exchanged", change=exchanged),
    BadStudy(
        name="another schema than the file has",
        keys={"datasets": "{d: {format: sharegpt, files: {EN: EN.jsonl, DE: DE.jsonl}}}"},
    ),
    BadStudy(name="questions of three turns", change=edit("q-DE.jsonl", three_turns)),
    BadStudy(name="an index that names a missing file", change=missing_shard),
    BadStudy(name="a configuration that asks for code", change=asks_for_code),
    BadStudy(name="an adapter in place of a model", change=adapter),
    BadStudy(name="a vocabulary beyond the embedding", change=small_embedding),
    BadStudy(name="the model's own template where it has none", keys={"models": OWN}),
    BadStudy(name="an own template that never ends an answer", keys={"models": OWN}, change=endless_template),
    BadStudy(name="max-tokens below every sample", keys={"training": "{steps: 2, batch-size: 4, max-tokens: 16}"}),
    BadStudy(name="an own template without system messages", keys={"models": OWN}, change=deaf_template),
    BadStudy(
        name="samples beyond the model's positions",
        keys={"answers": "{max-new-tokens: 4}", "training": "{steps: 2, batch-size: 4, max-tokens: 2048}"},
        change=few_positions,
    ),
    BadStudy(name="a question beyond the model's positions", change=edit("q-DE.jsonl", long_question)),
    BadStudy(name="max-new-tokens beyond the model's positions", keys={"answers": "{max-new-tokens: 1024}"}),
    BadStudy(
        name="a tokenizer without the language's script",
        keys={
            "datasets": "{d: {format: bactrian-x, files: {EN: EN.jsonl, EL: EL.jsonl}}}",
            "mixes": "[EN, ENEL]",
            "benchmark": "{format: mt-bench, questions: {EN: q-EN.jsonl, EL: q-EL.jsonl}, "
            "prompts: {EN: p-EN.jsonl, EL: p-DE.jsonl}}",
            "systems": "{EN: '', EL: ''}",
        },
        change=latin_alone,
    ),
    BadStudy(
        name="an adapter on layers that the model lacks",
        keys={"models": "{m: {directory: m, training: {method: lora, lora-modules: [c_attn, query]}}}"},
    ),
    BadStudy(
        name="the balance of routers of a model without experts",
        keys={"models": "{m: {directory: m, training: {router-loss: 0.01}}}"},
    ),
    BadStudy(name="epochs that come to no step", keys={"training": "{epochs: 0.001, batch-size: 4, max-tokens: 128}"}),
    BadStudy(name="a warm-up beyond the epochs", keys={"training": "{epochs: 1, batch-size: 4, warmup-steps: 500}"}),
    BadStudy(name="no judge prompt with references in one language", change=no_math_prompt),
    BadStudy(name="no references for a category in one language", change=no_math_references),
    BadStudy(name="questions without a common id", change=edit("q-DE.jsonl", other_question_ids)),
    BadStudy(name="references of other questions", change=edit("r-DE.jsonl", other_question_ids)),
    BadStudy(
        name="a gated repository without a token",
        keys={"models": f"{{m: {{hub: someone/gated, revision: '{REVISION}'}}}}"},
    ),
    BadStudy(
        name="a repository that is not there", keys=on_hub("someone/parralel", "data-files: '{language}/*.jsonl'")
    ),
    BadStudy(
        name="a pattern that fits no file", keys=on_hub("someone/parallel", "data-files: 'data/{language}.jsonl'")
    ),
    BadStudy(name="a key that is refused", keys=asked("wrong-key")),
    BadStudy(name="a model that the endpoint lacks", keys=asked("unknown")),
    BadStudy(name="a temperature that the endpoint refuses", keys=asked("no-temperature", ", temperature: 0.3")),
    BadStudy(name="max-tokens beyond the endpoint's", keys=asked("short", ", max-tokens: 100000")),
    BadStudy(name="an account without credit", keys=asked("no-money")),
    BadStudy(
        name="two defects of one study at once",
        keys={"answers": "{max-new-tokens: 1024}", **asked("wrong-key-too")},
        change=no_math_prompt,
    ),
]
