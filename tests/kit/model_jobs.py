"""A job's world for tests of the jobs with a model: tiny models and tokenizers of several families, made here."""

import json
import logging
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    Gemma3TextConfig,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    MistralConfig,
    MixtralConfig,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3MoeConfig,
    XGLMConfig,
)

from jobs.lib.context import Context
from polyglot.core.stage import Resources, Stage
from polyglot.kinds.kind import Params
from tests.kit.data_jobs import FolderInput
from tests.kit.list_journal import ListJournal, Stop

TEXTS = (
    "System: Be brief.\nUser: What is the first word of dog cat fish?\nAssistant: dog",
    "System: Sei kurz.\nUser: Schreibe über Bären und Käse: äöü ß!\nAssistant: Bären mögen Käse.",
    "System: Sois bref.\nUser: Où est l'œuvre ? Ça va bien, merci.\nAssistant: Là-bas, à côté.",
    "```python\ndef f(x):\n    return x * 2\n```\n- one\n- two\n\n1. three 2. four",
)


@dataclass
class FolderCheckpoints:
    """Checkpoints as numbered folders. `die_after` kills the run right after that many saves."""

    root: Path
    die_after: int | None = None
    saves: int = 0

    @property
    def _stored(self) -> Path:
        return self.root.with_name(f"{self.root.name}.stored")

    def save(self, directory: Path, step: int) -> None:
        self.record(step, self.put(directory))

    def put(self, directory: Path) -> list[dict[str, Any]]:
        stored = self._stored
        stored.mkdir(parents=True, exist_ok=True)
        shutil.copytree(directory, stored, dirs_exist_ok=True)
        return [{"path": path.name} for path in directory.iterdir()]

    def record(self, step: int, files: Sequence[Mapping[str, Any]]) -> None:
        target = self.root / f"{step:08d}"
        target.mkdir(parents=True)
        for row in files:
            (self._stored / row["path"]).rename(target / row["path"])
        self.saves += 1
        if self.saves == self.die_after:
            raise Stop(f"killed after the checkpoint of step {step}")

    def saved(self) -> Iterator[str]:
        yield from sorted((path.name for path in self.root.glob("0*")), reverse=True)

    def fetch(self, saved: str, target: Path, wanted: Callable[[str], bool] = lambda _: True) -> int:
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for path in (self.root / saved).iterdir():
            if wanted(path.name):
                shutil.copyfile(path, target / path.name)
        return int(saved)

    def newest(self, target: Path) -> int | None:
        return next((self.fetch(saved, target) for saved in self.saved()), None)


class ModelContext(Context):
    """A Context over folders. `stop_after` is the number of progress reports after which it says "stop"."""

    reports: list[tuple[int, int, str]]
    stop_after: int | None = None

    def progress(self, done: int, total: int, unit: str, **figures: float) -> None:
        assert 0 <= done <= total
        self.reports.append((done, total, unit))

    def give_up(self, error: Exception) -> NoReturn:
        print("".join(traceback.format_exception(error)), file=sys.stderr, flush=True)
        os._exit(1)

    def leave(self, trace: str, name: str, data: bytes) -> None:
        folder = self.out.parent / "left" / trace
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("xb") as file:
            file.write(data)

    def stopping(self) -> bool:
        return self.stop_after is not None and len(self.reports) >= self.stop_after


def model_context(
    root: Path,
    params: Params,
    inputs: Mapping[str, Path],
    *,
    seed: int | None = None,
    settings: Mapping[str, Any] | None = None,
) -> ModelContext:
    """A fresh attempt; `root/checkpoints` is shared by the attempts of one root."""
    for name in ("out", "work", "left"):
        shutil.rmtree(root / name, ignore_errors=True)
        (root / name).mkdir(parents=True)
    context = ModelContext(
        stage=Stage(kind=params.kind, version=params.version, params=params.document(), seed=seed),
        resources=Resources(),
        settings={"threads": 1, **(settings or {})},
        inputs={role: FolderInput(path) for role, path in inputs.items()},
        out=root / "out",
        work=root / "work",
        checkpoints=FolderCheckpoints(root / "checkpoints"),
        journal=ListJournal(),
        log=logging.getLogger("test"),
    )
    context.reports = []
    return context


# ---- tokenizers


def byte_level(vocabulary: int = 400, *, pad: str = "<pad>") -> PreTrainedTokenizerFast:
    """Llama-3-like: byte-level BPE, BOS put first by the post-processor. With pad="</s>" pad and EOS are one."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = list(dict.fromkeys(["<s>", "</s>", pad]))
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token=pad)


def pad_is_eos() -> PreTrainedTokenizerFast:
    """Byte-level BPE whose pad token is its EOS."""
    return byte_level(pad="</s>")


def sentence_piece(vocabulary: int = 300) -> PreTrainedTokenizerFast:
    """Llama-2-like: Unigram pieces over "▁", byte fallback, BOS added, no pad token, decoding drops the first space."""
    trained = Tokenizer(models.Unigram())
    trained.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first")
    trained.train_from_iterator(
        TEXTS,
        trainers.UnigramTrainer(
            vocab_size=vocabulary, unk_token="<unk>", special_tokens=["<unk>"], show_progress=False
        ),
    )
    pieces = json.loads(trained.to_str())["model"]["vocab"]
    table = [("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0), *((f"<0x{byte:02X}>", -20.0) for byte in range(256))]
    table += [(piece, score) for piece, score in pieces if piece != "<unk>"]
    tokenizer = Tokenizer(models.Unigram(table, unk_id=0, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(content=" ", left=1)]
    )
    tokenizer.add_special_tokens(
        [AddedToken(name, special=True, normalized=False) for name in ("<unk>", "<s>", "</s>")]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 1)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def llama2_like(vocabulary: int = 420) -> PreTrainedTokenizerFast:
    """As Llama 2 is converted: BPE with byte fallback, "▁" by a normaliser at the start of every piece of text."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    trained.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=vocabulary - 259, show_progress=False))
    state = json.loads(trained.to_str())["model"]
    names = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    names += [piece for piece in state["vocab"] if piece not in names]
    tokenizer = Tokenizer(
        models.BPE(
            {piece: number for number, piece in enumerate(names)},
            [tuple(pair) for pair in state["merges"]],
            unk_token="<unk>",
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(content=" ", left=1)]
    )
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in names[:3]])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def gpt2_like(vocabulary: int = 400) -> PreTrainedTokenizerFast:
    """GPT-2-like: byte-level BPE with one special token that is BOS, EOS and unknown; nothing is added to text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    end = "<|endoftext|>"
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=end, eos_token=end, unk_token=end)


FAMILIES = {
    "byte-level": byte_level,
    "pad-is-eos": pad_is_eos,
    "sentence-piece": sentence_piece,
    "llama-2": llama2_like,
    "gpt2": gpt2_like,
}


# ---- models


def config_of(architecture: str, vocabulary: int, *, positions: int = 256, heads: int = 2) -> PreTrainedConfig:
    """A tiny configuration of a named architecture."""
    if architecture == "gpt2":
        return GPT2Config(vocab_size=vocabulary, n_embd=32, n_layer=2, n_head=heads, n_positions=positions)
    common: dict[str, Any] = {
        "vocab_size": vocabulary,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": heads,
        "max_position_embeddings": positions,
    }
    if architecture == "gpt-neox":
        return GPTNeoXConfig(**common)
    if architecture == "mixtral":
        return MixtralConfig(**common, num_key_value_heads=heads, num_local_experts=2, num_experts_per_tok=1)
    if architecture in _OTHERS:
        kind, more = _OTHERS[architecture]
        return kind(**common, **more)
    return LlamaConfig(**common, tie_word_embeddings=architecture == "llama-tied")


_OTHERS: Mapping[str, tuple[type[PreTrainedConfig], Mapping[str, Any]]] = {
    "mistral": (MistralConfig, {"num_key_value_heads": 1}),
    "qwen3": (Qwen3Config, {"num_key_value_heads": 1, "head_dim": 16, "tie_word_embeddings": True}),
    "qwen3-moe": (
        Qwen3MoeConfig,
        {
            "num_key_value_heads": 1,
            "head_dim": 16,
            "num_experts": 4,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 16,
        },
    ),
    "mixtral-8": (MixtralConfig, {"num_key_value_heads": 1, "num_local_experts": 8, "num_experts_per_tok": 2}),
    "gemma3": (Gemma3TextConfig, {"num_key_value_heads": 1, "head_dim": 16, "pad_token_id": 0}),
    "bloom": (BloomConfig, {"n_head": 2}),
    "xglm": (
        XGLMConfig,
        {"d_model": 32, "ffn_dim": 64, "num_layers": 2, "attention_heads": 2, "dropout": 0.0, "attention_dropout": 0.0},
    ),
}


ARCHITECTURES = ("llama", "llama-tied", "gpt2", "gpt-neox", "mixtral")


def write_base(
    folder: Path,
    architecture: str = "llama",
    tokenizer: Any = None,
    *,
    positions: int = 256,
    heads: int = 2,
    seed: int = 0,
) -> Path:
    """Write a base artifact (`folder/model`) with random weights and the tokenizer (byte-level unless told)."""
    tokenizer = tokenizer if tokenizer is not None else byte_level()
    torch.manual_seed(seed)
    config = config_of(architecture, len(tokenizer), positions=positions, heads=heads)
    config.bos_token_id, config.eos_token_id = tokenizer.bos_token_id, tokenizer.eos_token_id
    AutoModelForCausalLM.from_config(config).save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    return folder


# ---- artifacts


def conversation(*contents: str) -> list[dict[str, str]]:
    """Alternating turns, the user's first."""
    return [{"role": ("user", "assistant")[i % 2], "content": content} for i, content in enumerate(contents)]


def write_rows(folder: Path, language: str, conversations: Iterable[Sequence[str]]) -> Path:
    """An ingest artifact with one language's rows; ids are "r0", "r1", …"""
    path = folder / "rows" / f"{language}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = (
        {
            "id": f"r{number}",
            "language": language,
            "turns": conversation(*contents),
            "origin": "test:x:1",
            "licence": "",
        }
        for number, contents in enumerate(conversations)
    )
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return folder


def write_mix(folder: Path, index: Iterable[tuple[str, int]]) -> Path:
    """A mix artifact: (language, row) pairs."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps({"id": f"r{row}", "language": language, "row": row}) + "\n" for language, row in index)
    (folder / "index.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


def write_questions(folder: Path, language: str, questions: Iterable[Mapping[str, Any]]) -> Path:
    """An ingest artifact with one language's questions."""
    path = folder / "questions" / f"{language}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps({"language": language, **question}, ensure_ascii=False) + "\n" for question in questions)
    path.write_text("".join(lines), encoding="utf-8")
    return folder
