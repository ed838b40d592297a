"""One tiny model of each family in the files that its publisher ships: made on the spot, with random weights.

What decides is which tokenizer files there are: some publishers ship `tokenizer.json`, some only what their own tools
wrote, SentencePiece models or a vocabulary with merges, from which transformers makes the rest.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sentencepiece
import torch
from sentencepiece import sentencepiece_model_pb2
from tokenizers.implementations import ByteLevelBPETokenizer
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    Gemma2Config,
    GPT2Config,
    LlamaConfig,
    MistralConfig,
    MixtralConfig,
    OPTConfig,
    PreTrainedConfig,
    Qwen2Config,
    XGLMConfig,
    XGLMTokenizer,
)

from tests.kit.chat_templates import CHATML, GEMMA
from tests.kit.model_jobs import TEXTS, gpt2_like

SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}


@cache
def _trained_pieces(kind: str, specials: tuple[str, ...]) -> bytes:
    """A SentencePiece model of TEXTS: "bpe" as Llama, Mistral and Gemma have it, "unigram" as XGLM."""
    with TemporaryDirectory() as folder:
        text = Path(folder) / "text"
        text.write_text("\n".join(line for whole in TEXTS for line in whole.split("\n") if line) * 8, encoding="utf-8")
        sentencepiece.SentencePieceTrainer.train(
            input=str(text),
            model_prefix=f"{folder}/m",
            model_type=kind,
            vocab_size=360 if kind == "bpe" else 90,
            byte_fallback=kind == "bpe",
            character_coverage=1.0,
            normalization_rule_name="identity" if kind == "bpe" else "nmt_nfkc",
            remove_extra_whitespaces=kind != "bpe",
            add_dummy_prefix=not specials,
            user_defined_symbols=list(specials),
            hard_vocab_limit=False,
            minloglevel=2,
        )
        return (Path(folder) / "m.model").read_bytes()


def _pieces(data: bytes) -> int:
    return int(sentencepiece.SentencePieceProcessor(model_proto=data).get_piece_size())


def _write(folder: Path, config: PreTrainedConfig, files: Mapping[str, Any], *, shards: bool = False) -> Path:
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config)
    model.save_pretrained(folder, **({"max_shard_size": "40KB"} if shards else {}))
    for name, content in files.items():
        data = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
        (folder / name).write_bytes(data)
    return folder


def _byte_level(folder: Path, *specials: str) -> dict[str, Any]:
    """vocab.json and merges.txt, as GPT-2's own tools write them."""
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(TEXTS, vocab_size=400, special_tokens=list(specials), show_progress=False)
    scratch = folder.parent / f"{folder.name}-tokenizer"
    scratch.mkdir(parents=True)
    tokenizer.save_model(str(scratch))
    files = {name: (scratch / name).read_bytes() for name in ("vocab.json", "merges.txt")}
    shutil.rmtree(scratch)
    return files


def llama_2(folder: Path) -> Path:
    """tokenizer.model alone, two shards with an index."""
    pieces = _trained_pieces("bpe", ())
    config = LlamaConfig(vocab_size=_pieces(pieces), **SIZES, bos_token_id=1, eos_token_id=2)
    said = {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "add_eos_token": False, "legacy": False}
    tokens = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    files = {"tokenizer.model": pieces, "tokenizer_config.json": said | tokens, "special_tokens_map.json": tokens}
    return _write(folder, config, files, shards=True)


def teuken(folder: Path) -> Path:
    """tokenizer.model, read by code of the repository, and more rows in the embedding than it has pieces."""
    pieces = _trained_pieces("bpe", ())
    config = LlamaConfig(vocab_size=_pieces(pieces) + 200, **SIZES, bos_token_id=1, eos_token_id=2)
    said = {"tokenizer_class": "SPTokenizer", "auto_map": {"AutoTokenizer": ["gptx_tokenizer.SPTokenizer", None]}}
    tokens = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    code = b"raise SystemExit('repository code was run')\n"
    files = {"tokenizer.model": pieces, "tokenizer_config.json": said, "special_tokens_map.json": tokens}
    return _write(folder, config, files | {"gptx_tokenizer.py": code}, shards=True)


def mistral(folder: Path) -> Path:
    """The same files, another architecture."""
    made = llama_2(folder.parent / "llama")
    config = MistralConfig(vocab_size=360, **SIZES, sliding_window=None, bos_token_id=1, eos_token_id=2)
    return _write(folder, config, {name: (made / name).read_bytes() for name in _SENTENCE_PIECE})


def mixtral(folder: Path) -> Path:
    """The same files; the same weights lie beside as pickles."""
    made = llama_2(folder.parent / "llama")
    config = MixtralConfig(
        vocab_size=360, **SIZES, num_local_experts=2, num_experts_per_tok=1, bos_token_id=1, eos_token_id=2
    )
    files = {name: (made / name).read_bytes() for name in _SENTENCE_PIECE} | {"consolidated.00.pt": b"\x80\x04"}
    return _write(folder, config, files, shards=True)


_SENTENCE_PIECE = ("tokenizer.model", "tokenizer_config.json", "special_tokens_map.json")


def gemma_2(folder: Path) -> Path:
    """tokenizer.model with the turns' marks among its pieces; the template stands in the configuration."""
    marks = ("<start_of_turn>", "<end_of_turn>")
    pieces = _trained_pieces("bpe", marks)
    config = Gemma2Config(vocab_size=_pieces(pieces), **SIZES, head_dim=16, bos_token_id=1, eos_token_id=2)
    tokens = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<unk>"}
    said = {"tokenizer_class": "GemmaTokenizer", "add_bos_token": True, "chat_template": GEMMA} | tokens
    said["additional_special_tokens"] = list(marks)
    return _write(folder, config, {"tokenizer.model": pieces, "tokenizer_config.json": said})


def bloom(folder: Path) -> Path:
    """tokenizer.json; the same weights in two other formats."""
    tokenizer = gpt2_like()
    config = BloomConfig(vocab_size=len(tokenizer), hidden_size=32, n_layer=2, n_head=2, eos_token_id=0, bos_token_id=0)
    said = {"tokenizer_class": "BloomTokenizerFast", "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}
    files = {"tokenizer.json": tokenizer.backend_tokenizer.to_str().encode(), "tokenizer_config.json": said}
    return _write(folder, config, files | {"pytorch_model.bin": b"\x80\x04", "flax_model.msgpack": b"\x80"})


def xglm(folder: Path) -> Path:
    """sentencepiece.bpe.model, and tokenizer.json, where its pieces are counted from another place."""
    pieces = _trained_pieces("unigram", ())
    model = sentencepiece.SentencePieceProcessor(model_proto=pieces)
    head = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    table = [(model.id_to_piece(one), model.get_score(one)) for one in range(3, model.get_piece_size())]
    proto = sentencepiece_model_pb2.ModelProto.FromString(pieces)
    charsmap = proto.normalizer_spec.precompiled_charsmap
    tokenizer = XGLMTokenizer(vocab=head + table, _spm_precompiled_charsmap=charsmap)
    config = XGLMConfig(
        vocab_size=len(tokenizer) + 1, d_model=32, ffn_dim=64, num_layers=2, attention_heads=2, bos_token_id=0,
        eos_token_id=2, pad_token_id=1, max_position_embeddings=256,
    )  # fmt: skip
    tokenizer.save_pretrained(folder)
    return _write(folder, config, {"sentencepiece.bpe.model": pieces})


def gpt_2(folder: Path) -> Path:
    """vocab.json and merges.txt alone."""
    files = _byte_level(folder, "<|endoftext|>")
    config = GPT2Config(vocab_size=400, n_embd=32, n_layer=2, n_head=2, n_positions=256, bos_token_id=0, eos_token_id=0)
    return _write(folder, config, files)


def opt(folder: Path) -> Path:
    """GPT-2's files, its own class named in the configuration; `</s>` is BOS and EOS."""
    files = _byte_level(folder, "<s>", "<pad>", "</s>", "<unk>")
    config = OPTConfig(
        vocab_size=400, hidden_size=32, ffn_dim=64, num_hidden_layers=2, num_attention_heads=2, word_embed_proj_dim=32,
        max_position_embeddings=256, bos_token_id=2, eos_token_id=2, pad_token_id=1,
    )  # fmt: skip
    said = {"tokenizer_class": "GPT2Tokenizer", "bos_token": "</s>", "eos_token": "</s>", "unk_token": "</s>"}
    return _write(
        folder, config, files | {"tokenizer_config.json": said | {"pad_token": "<pad>", "add_bos_token": True}}
    )


def qwen_2(folder: Path) -> Path:
    """vocab.json and merges.txt; control tokens are added behind them; EOS of the base is not what ends a turn."""
    files = _byte_level(folder)
    added = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
    first = len(json.loads(files["vocab.json"]))
    mark = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    said = {
        "tokenizer_class": "Qwen2Tokenizer",
        "added_tokens_decoder": {str(first + at): {"content": token, **mark} for at, token in enumerate(added)},
        "additional_special_tokens": list(added[1:]),
        "bos_token": None,
        "eos_token": added[0],
        "pad_token": added[0],
        "unk_token": None,
        "chat_template": CHATML,
    }
    config = Qwen2Config(
        vocab_size=first + 16, **SIZES, bos_token_id=first, eos_token_id=first, tie_word_embeddings=True
    )
    return _write(folder, config, files | {"tokenizer_config.json": said})


FAMILIES: dict[str, Callable[[Path], Path]] = {
    "llama-2": llama_2,
    "mistral": mistral,
    "mixtral": mixtral,
    "gemma-2": gemma_2,
    "bloom": bloom,
    "xglm": xglm,
    "gpt-2": gpt_2,
    "opt": opt,
    "qwen-2": qwen_2,
}
