"""A tokenizer that comes as code of its repository, read without running it: from the SentencePiece model beside it.

The model is converted to a fast tokenizer by what it says itself: its pieces and scores, its normalisation, whether a
space is put first and what becomes of others, bytes in place of unknown characters, symbols that are never cut. Names
of special tokens are the configuration's. The code may do more than its model says, which nobody can know without
running it; where it visibly does (its ids are others), the tokenizer is refused.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from jobs.lib.model.sentence_pieces import pieces_file
from polyglot.core.errors import Permanent

_CONFIG, _SPECIALS = "tokenizer_config.json", "special_tokens_map.json"
_NAMES = ("bos_token", "eos_token", "unk_token", "pad_token")
_SPACE = "\u2581"
_NORMAL, _UNKNOWN, _SYMBOL, _BPE = 1, 2, 4, 2  # of SentencePiece's own schema

_Object = dict[str, Any]  # a publisher's file of JSON


class _Piece(Protocol):
    """Of a SentencePiece model, as its schema has it."""

    piece: str
    score: float
    type: int


class _Training(Protocol):
    """What its pieces were found by."""

    model_type: int
    byte_fallback: bool


class _Normalizing(Protocol):
    """What becomes of a text before it is cut."""

    precompiled_charsmap: bytes
    remove_extra_whitespaces: bool
    add_dummy_prefix: bool


def replace_code(directory: Path) -> str:
    """Convert the tokenizer of a directory whose configuration asks for code, in place.

    Returns the name of the SentencePiece model that it was read from, "" where there is nothing to convert. Raises
    Permanent for one whose special tokens have other ids than the configuration says.
    """
    config = _object(directory / _CONFIG)
    file = pieces_file(directory)
    if file is None or set(config.get("auto_map", {})) != {"AutoTokenizer"}:
        return ""
    from transformers import PreTrainedTokenizerFast

    tokenizer = convert(file)
    names = _special_names(directory, config)
    _check_ids(directory, tokenizer, names)
    if config.get("add_bos_token") and "bos_token" in names:
        bos = names["bos_token"]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, tokenizer.token_to_id(bos))]
        )
    kept = {name: config[name] for name in ("model_max_length", "chat_template") if config.get(name)}
    made = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, clean_up_tokenization_spaces=False, **names, **kept
    )
    for name in (_CONFIG, _SPECIALS, file.name):
        (directory / name).unlink(missing_ok=True)
    made.save_pretrained(directory)
    return file.name


def convert(file: Path) -> Tokenizer:
    """A SentencePiece model (BPE or unigram) as a fast tokenizer that cuts every text alike. Raises Permanent."""
    from sentencepiece import sentencepiece_model_pb2

    proto = vars(sentencepiece_model_pb2)["ModelProto"]()  # its module is made when it is imported
    try:
        proto.ParseFromString(file.read_bytes())
    except Exception as error:  # protobuf's DecodeError, whose library has no types
        raise Permanent(f"model/{file.name}: no SentencePiece model: {error}") from error
    pieces: list[_Piece] = list(proto.pieces)
    unknown = next((number for number, piece in enumerate(pieces) if piece.type == _UNKNOWN), None)
    if unknown is None:
        raise Permanent(f"model/{file.name}: no SentencePiece model: it has no piece for what is unknown")
    symbols = [piece.piece for piece in pieces if piece.type == _SYMBOL]
    tokenizer = Tokenizer(_model(pieces, unknown, proto.trainer_spec, has_symbols=bool(symbols)))
    prefix = bool(proto.normalizer_spec.add_dummy_prefix)
    tokenizer.normalizer = _normalizer(proto.normalizer_spec)
    if symbols:  # the longest first; each is one token, as the model takes what is whole in its vocabulary
        pattern = "|".join(re.escape(symbol) for symbol in sorted(symbols, key=len, reverse=True))
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), "isolated")
    spaces = [decoders.Replace(_SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = decoders.Sequence([*spaces, *([decoders.Strip(" ", 1, 0)] if prefix else [])])
    return tokenizer


def _model(pieces: Sequence[_Piece], unknown: int, spec: _Training, *, has_symbols: bool) -> models.Model:
    if spec.model_type != _BPE:
        scored = [(piece.piece, piece.score) for piece in pieces]
        return models.Unigram(scored, unk_id=unknown, byte_fallback=spec.byte_fallback)
    ids = {piece.piece: number for number, piece in enumerate(pieces)}
    scores = {piece.piece: piece.score for piece in pieces if piece.type == _NORMAL}
    merges: list[tuple[float, str, str]] = []
    for piece, score in scores.items():  # whichever two pieces make a third are merged when it is the best
        halves = ((piece[:at], piece[at:]) for at in range(1, len(piece)))
        known = [(left, right) for left, right in halves if left in scores and right in scores]
        merges += [(score, *pair) for pair in sorted(known, key=lambda pair: (ids[pair[0]], ids[pair[1]]))]
    merges.sort(key=lambda merge: -merge[0])
    return models.BPE(
        ids,
        [(left, right) for _, left, right in merges],
        unk_token=pieces[unknown].piece,
        fuse_unk=True,
        byte_fallback=spec.byte_fallback,
        ignore_merges=has_symbols,
    )


def _normalizer(spec: _Normalizing) -> normalizers.Normalizer:
    steps: list[normalizers.Normalizer] = []
    if spec.precompiled_charsmap:
        steps.append(normalizers.Precompiled(spec.precompiled_charsmap))
    if spec.remove_extra_whitespaces:
        steps += [normalizers.Replace(Regex(r"\A +| +\z"), ""), normalizers.Replace(Regex(" {2,}"), " ")]
    if spec.add_dummy_prefix:
        steps.append(normalizers.Prepend(_SPACE))
    return normalizers.Sequence([*steps, normalizers.Replace(" ", _SPACE)])


def _special_names(directory: Path, config: _Object) -> dict[str, str]:
    """bos_token and the like, each a text or an object with its content."""
    said = {**config, **_object(directory / _SPECIALS)}
    plain = {name: said[name].get("content") if isinstance(said.get(name), dict) else said.get(name) for name in _NAMES}
    return {name: value for name, value in plain.items() if isinstance(value, str)}


def _check_ids(directory: Path, tokenizer: Tokenizer, names: dict[str, str]) -> None:
    """Hold the model's ids of special tokens against those that the model's configuration has."""
    config = _object(directory / "config.json")
    for name, token in names.items():
        expected, found = config.get(f"{name}_id"), tokenizer.token_to_id(token)
        if found is None or (isinstance(expected, int) and expected != found):
            raise Permanent(
                f"model/{_CONFIG}: {name} {token!r} is number {found} of the SentencePiece model, and config.json says "
                f"{expected}: the repository's code, which is never run here, counts otherwise"
            )


def _object(path: Path) -> _Object:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # whoever needs it says what is wrong with it
    return value if isinstance(value, dict) else {}
