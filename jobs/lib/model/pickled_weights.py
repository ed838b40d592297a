"""Weights that a publisher has as pickles alone, as safetensors: read by a reader that runs no code of theirs.

`torch.load(weights_only=True)` takes tensors and plain containers, and refuses whatever else a pickle may ask for.
Shards are converted one by one and mapped from disk: the most that is held is one shard. Names of tensors stay, values
keep their type. Equal pickles give equal bytes.
"""

import json
import pickle
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file

from polyglot.core.errors import Permanent

_INDEX = "pytorch_model.bin.index.json"


def convert_pickles(pickles: Sequence[Path], model: Path) -> None:
    """Write the weights of `pickles` into a model's folder, and its index anew. Raises Permanent."""
    for path in sorted(pickles):
        save_file(_tensors(path), model / _renamed(path.name), metadata={"format": "pt"})
    index = model / _INDEX
    if index.is_file():
        document = json.loads(index.read_bytes())
        document["weight_map"] = {name: _renamed(str(file)) for name, file in document["weight_map"].items()}
        (model / "model.safetensors.index.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        index.unlink()


def _renamed(name: str) -> str:
    return name.replace("pytorch_model", "model", 1).removesuffix(".bin") + ".safetensors"


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file by name, mapped from disk; those that share memory or have gaps are copied."""
    try:
        loaded = _load(path)
    except pickle.UnpicklingError as error:
        said = str(error).partition("\n")[0]
        raise Permanent(
            f"{path.name}: asks for more than tensors, which may be code, and is refused ({said})"
        ) from None
    except (RuntimeError, EOFError, ValueError, KeyError) as error:
        raise Permanent(f"{path.name}: no weights that torch saved ({str(error).partition('.')[0]})") from None
    if not isinstance(loaded, dict) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in loaded.items()
    ):
        raise Permanent(f"{path.name}: got no plain mapping of names to tensors, so it is no model's weights")
    storages = Counter(tensor.untyped_storage().data_ptr() for tensor in loaded.values())
    return {
        name: tensor.detach().clone(memory_format=torch.contiguous_format)
        if storages[tensor.untyped_storage().data_ptr()] > 1 or not tensor.is_contiguous()
        else tensor.detach()
        for name, tensor in loaded.items()
    }


def _load(path: Path) -> object:
    """Whatever a file holds; of an old torch it is read whole, as it cannot be mapped."""
    mapped = zipfile.is_zipfile(path)
    return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
