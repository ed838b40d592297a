"""Tiny translation models with random weights and tokenizers made on the spot: MarianMT, and NLLB (M2M100)."""

import json
from pathlib import Path

import sentencepiece
import torch
from transformers import M2M100Config, M2M100ForConditionalGeneration, MarianConfig, MarianMTModel, NllbTokenizer

TEXT = ["The house is large and the dog sleeps.", "La casa es grande y el perro duerme.", "Use the command now."]
TEXT += ["abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ .,"] * 3

_TINY = {
    "d_model": 16,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
}


def _pieces(folder: Path, name: str, *, kind: str, size: int) -> Path:
    corpus = folder / "corpus.txt"
    corpus.write_text("\n".join(TEXT * 5), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus),
        model_prefix=str(folder / name),
        vocab_size=size,
        model_type=kind,
        minloglevel=2,
        hard_vocab_limit=False,
    )
    corpus.unlink()
    (folder / f"{name}.vocab").unlink()
    return folder / f"{name}.model"


def marian(folder: Path, *, positions: int = 64, seed: int = 0) -> Path:
    """Files as a Marian repository on the hub has them."""
    folder.mkdir(parents=True, exist_ok=True)
    _pieces(folder, "source", kind="unigram", size=100).rename(folder / "source.spm")
    _pieces(folder, "target", kind="unigram", size=100).rename(folder / "target.spm")
    source = sentencepiece.SentencePieceProcessor(model_file=str(folder / "source.spm"))
    pieces = [source.id_to_piece(number) for number in range(3, source.get_piece_size())]
    vocabulary = {piece: number for number, piece in enumerate(["</s>", "<unk>", *pieces, "<pad>"])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "MarianTokenizer", "source_lang": "en", "target_lang": "es"}), encoding="utf-8"
    )
    pad = vocabulary["<pad>"]
    torch.manual_seed(seed)
    config = MarianConfig(
        vocab_size=len(vocabulary),
        **_TINY,
        max_position_embeddings=positions,
        pad_token_id=pad,
        eos_token_id=0,
        decoder_start_token_id=pad,
        forced_eos_token_id=0,
    )
    MarianMTModel(config).save_pretrained(folder, safe_serialization=True)
    return folder


def nllb(folder: Path, *, positions: int = 64, seed: int = 0) -> Path:
    """Files as an NLLB repository on the hub has them; its vocabulary knows eng_Latn, spa_Latn and others."""
    folder.mkdir(parents=True, exist_ok=True)
    _pieces(folder, "sentencepiece.bpe", kind="bpe", size=120)
    made = sentencepiece.SentencePieceProcessor(model_file=str(folder / "sentencepiece.bpe.model"))
    pieces = [made.id_to_piece(number) for number in range(3, made.get_piece_size())]
    vocabulary = {piece: number for number, piece in enumerate(["<s>", "<pad>", "</s>", "<unk>", *pieces])}
    ordinary = [piece for piece in pieces if len(piece) > 1]
    merges = [(piece[:cut], piece[cut:]) for piece in ordinary for cut in range(1, len(piece))]
    merges = [(left, right) for left, right in merges if left in vocabulary and right in vocabulary]
    tokenizer = NllbTokenizer(vocab=vocabulary, merges=merges)
    tokenizer.save_pretrained(folder)
    (folder / "sentencepiece.bpe.model").unlink(missing_ok=True)
    torch.manual_seed(seed)
    config = M2M100Config(
        vocab_size=len(tokenizer),
        **_TINY,
        max_position_embeddings=positions,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=tokenizer.eos_token_id,
    )
    M2M100ForConditionalGeneration(config).save_pretrained(folder, safe_serialization=True)
    return folder
