"""Writing a trained model so that transformers and vLLM load it: weights, config, tokenizer, template, end tokens."""

import json
import shutil
from copy import deepcopy
from pathlib import Path

import torch
from transformers import PreTrainedModel

from jobs.lib.model.loading import embedded, padding_id
from jobs.lib.model.template import ChatFormat
from jobs.train.pulse import Pulse
from jobs.train.weights import write_weights
from polyglot.core.canonical import Json, canonical

_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.model",
    "sentencepiece.bpe.model",
    "spiece.model",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "tekken.json",
    "chat_template.jinja",
)


def save_model(
    model: PreTrainedModel,
    base: Path,
    out: Path,
    *,
    chat: ChatFormat,
    dtype: torch.dtype,
    first: bool = True,
    pulse: Pulse | None = None,
) -> None:
    """Write `out` from a trained model and the directory of its base, whose tokenizer files are copied as they are.

    Only safetensors are written. The chat template is the one the model was trained with, generation ends at EOS, or
    at the token with which the template ends a turn. A collective of a sharded model's ranks; the first one writes.
    """
    if first:
        out.mkdir(parents=True)
    write_weights(model, out, dtype, first=first, pulse=pulse)
    if not first:
        return
    pad = padding_id(chat.tokenizer, embedded(model))  # EOS where there is none, as vLLM and transformers do
    end = {"bos_token_id": chat.tokenizer.bos_token_id, "eos_token_id": chat.eos_id, "pad_token_id": pad}
    config = deepcopy(model.config)
    for name, value in end.items():
        if name != "bos_token_id" or value is not None:
            setattr(config, name, value)
    config.dtype, config.architectures = dtype, [type(model).__name__.removeprefix("FSDP")]
    if hasattr(config, "distributed_config"):
        del config.distributed_config
    config.save_pretrained(out)
    generation: dict[str, Json] = {name: value for name, value in end.items() if value is not None}
    if len(chat.end_ids) > 1:
        generation["eos_token_id"] = sorted(chat.end_ids)
    (out / "generation_config.json").write_bytes(canonical(generation) + b"\n")
    for name in _TOKENIZER_FILES:
        if (base / name).is_file():
            shutil.copyfile(base / name, out / name)
    if chat.markers is not None:
        _set_template(out, chat.jinja)


def _set_template(out: Path, jinja: str) -> None:
    (out / "chat_template.jinja").write_text(jinja, encoding="utf-8", newline="\n")
    path = out / "tokenizer_config.json"
    config: dict[str, Json] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if config.pop("chat_template", None) is not None:  # a second template would be a second opinion
        path.write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
