"""SentencePiece models without a tokenizer.json: what transformers makes of them is held against SentencePiece itself.

Some publishers ship `tokenizer.model` alone. transformers converts it when it is loaded, for some families into another
tokenizer without an error: texts without their first space, or unknown tokens throughout.
"""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from polyglot.core.errors import Permanent

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

FILES = ("tokenizer.model", "sentencepiece.bpe.model", "spiece.model")
_PROBES = (
    "The word of the day",
    "Où est l'œuvre ? Ça va, merci.",
    "Bären mögen Käse: äöü ß!",
    "El niño comió 12 + 3 manzanas; ¿y tú?",
    "x = [1, 2]\n- Perché no",
)


def pieces_file(directory: Path) -> Path | None:
    """The SentencePiece model of a directory that has no tokenizer.json."""
    if (directory / "tokenizer.json").is_file():
        return None
    return next((directory / name for name in FILES if (directory / name).is_file()), None)


def check_pieces(file: Path, tokenizer: "PreTrainedTokenizerBase") -> None:
    """Refuse a tokenizer that cuts texts into other pieces than its SentencePiece model. Raises Permanent."""
    import sentencepiece

    try:
        model = sentencepiece.SentencePieceProcessor(model_file=str(file))
    except RuntimeError as error:
        raise Permanent(f"model/{file.name}: no SentencePiece model: {error}") from error
    for text in _PROBES:
        expected = _without_runs(
            [None if model.is_unknown(one) else str(model.id_to_piece(one)) for one in model.encode(text)]
        )
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        found = _without_runs(
            [None if one == tokenizer.unk_token_id else str(tokenizer.convert_ids_to_tokens(one)) for one in ids]
        )
        if found != expected:
            raise Permanent(
                f"model/{file.name}: transformers cuts {text!r} into {_shown(found)}, SentencePiece into "
                f"{_shown(expected)}. Put the publisher's tokenizer.json beside it, or one of a conversion that agrees"
            )


def _without_runs(pieces: Sequence[str | None]) -> list[str | None]:
    """Unknown pieces that follow each other are one, as either may count them."""
    found: list[str | None] = []
    for piece, run in groupby(pieces):
        found += [None] if piece is None else list(run)
    return found


def _shown(pieces: Sequence[str | None]) -> str:
    return " ".join(piece or "<unk>" for piece in pieces[:6]) + (" …" if len(pieces) > 6 else "")
