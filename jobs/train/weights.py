"""A trained model's weights as safetensors that transformers and vLLM load, layer by layer.

No rank ever holds more than a layer and a file of them: all ranks put a layer together, the first one writes it, under
the names that published files have, and begins another file when one is full.
"""

import json
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import PreTrainedModel
from transformers.core_model_loading import revert_weight_conversion

from jobs.train.pulse import Pulse
from jobs.train.sharding import release, whole
from polyglot.kinds.train_forecast import EXPORT_FILE_BYTES

_LAYER = re.compile(r"(.*?\.\d+)\.")  # up to the number of a layer


def write_weights(
    model: PreTrainedModel,
    out: Path,
    dtype: torch.dtype,
    *,
    first: bool = True,
    file_bytes: int = EXPORT_FILE_BYTES,
    pulse: Pulse | None = None,
) -> None:
    """Write `model.safetensors`, or several files and their index, in a type. A collective; the first rank writes.

    Tied weights are written once, under the name of the one that others are tied to.
    """
    release(model)
    held: dict[str, torch.Tensor] = {}
    places: dict[str, int] = {}
    files = size = 0
    pulse = pulse or Pulse()
    for layer in _layers(model):
        pulse.at("exporting a layer", step=0, files=True)
        gathered = {name: whole(tensor).detach() for name, tensor in layer.items()}
        if not first:
            continue  # only who writes has a copy in the machine's memory
        made = {name: tensor.to("cpu", dtype) for name, tensor in gathered.items()}
        for name, tensor in revert_weight_conversion(model, made).items():
            if held and size + tensor.nbytes > file_bytes:
                save_file(held, out / _part(files), metadata={"format": "pt"})
                held, files, size = {}, files + 1, 0
            held[name], places[name] = tensor.contiguous(), files
            size += tensor.nbytes
    if not first:
        return
    if not files:
        save_file(held, out / "model.safetensors", metadata={"format": "pt"})
        return
    save_file(held, out / _part(files), metadata={"format": "pt"})
    names = [f"model-{number + 1:05d}-of-{files + 1:05d}.safetensors" for number in range(files + 1)]
    for number, name in enumerate(names):
        (out / _part(number)).rename(out / name)
    total = sum((out / name).stat().st_size for name in names)
    index = {"metadata": {"total_size": total}, "weight_map": {name: names[at] for name, at in sorted(places.items())}}
    (out / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def _layers(model: PreTrainedModel) -> Iterator[dict[str, torch.Tensor]]:
    """What is written, a layer at a time, as a name's conversion may need the whole of one."""
    tied = set(model.all_tied_weights_keys or {})
    ignored = set(model._keys_to_ignore_on_save or ())
    state = model.state_dict()
    names = [name for name in state if name not in tied | ignored]

    def of_layer(name: str) -> str:
        found = _LAYER.match(name)
        return found[1] if found else name

    for _, layer in groupby(names, key=of_layer):
        yield {name: state[name] for name in layer}


def _part(number: int) -> str:
    return f"part-{number:05d}"
