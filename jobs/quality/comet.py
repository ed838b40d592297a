"""A learned metric without a reference (COMET-Kiwi, Rei et al. 2022), by its own library, which is not in the lock.

unbabel-comet pins old versions of what the trainer needs, so it is imported only where it is asked for. Its checkpoints
are pickles that torch loads: the study pins the commit, and whoever writes it trusts the owner.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from jobs.quality.pairs import Pair
from polyglot.core.errors import Permanent

CHECKPOINT = "checkpoints/model.ckpt"
REMEDY = "Install it beside the trainer (`uv pip install unbabel-comet`, in an image of your own), or remove `comet`"


def library() -> Any:
    """The library. Raises Permanent with the remedy when it is not installed."""
    try:
        return import_module("comet")
    except ImportError as error:
        raise Permanent(f"comet: the library is not installed ({error}). {REMEDY}") from None


def rate(pairs: Sequence[Pair], model: str, revision: str, *, gpus: int, batch: int = 8) -> list[float]:
    """Return the score of every turn, about 0 to 1."""
    comet = library()
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(model, revision=revision))
    except Exception as error:  # the hub client's errors are many, and each ends this stage
        raise Permanent(
            f"comet: {model} at {revision[:12]} could not be fetched: {type(error).__name__}: {error}"
        ) from None
    return score(comet.load_from_checkpoint(str(folder / CHECKPOINT)), pairs, gpus=gpus, batch=batch)


def score(loaded: Any, pairs: Sequence[Pair], *, gpus: int, batch: int) -> list[float]:
    """Ask a loaded model; one figure a turn, in order."""
    data = [{"src": pair.source, "mt": pair.target} for pair in pairs]
    found = [float(value) for value in loaded.predict(data, batch_size=batch, gpus=gpus, progress_bar=False).scores]
    if len(found) != len(pairs):
        raise Permanent(f"comet: got {len(found)} scores for {len(pairs)} turns")
    return [round(value, 4) for value in found]
