"""A model whose weights, gradients and moments lie spread over the ranks of a training (torch's FSDP2).

Every decoder layer, the embedding and the output layer are units of their own: a rank holds a slice of each, fetches
the rest when the unit computes, and lets go of it afterwards. Each rank reads its own slices of the files, so that none
ever holds the whole model. All ranks must compute equally often, as each pass fetches from all.

With `offload` what a rank holds lies in the processor's memory, and its optimiser computes there; a unit is copied to
the GPU when it computes. One rank can do so too: its slice is the whole.
"""

from collections.abc import Iterable
from pathlib import Path

import torch
from torch import distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import CPUOffloadPolicy, FSDPModule, MixedPrecisionPolicy, OffloadPolicy, fully_shard
from torch.distributed.tensor import DTensor, Shard
from torch.distributed.tensor._utils import compute_local_shape_and_global_offset
from transformers import PreTrainedModel

from jobs.lib.model.layers import decoder_layers
from jobs.lib.model.loading import check_tied, load_model
from polyglot.core.errors import Permanent


def load_sharded(
    directory: Path, *, ranks: int, device: torch.device, attention: str | None, half: bool, offload: bool = False
) -> tuple[PreTrainedModel, torch.dtype]:
    """Load this rank's slices of a model in float32; return it and the type of its files. A collective.

    `half`: units are fetched, and compute, in bfloat16; gradients are summed in float32. Raises Permanent as
    `load_model` does, and for a model that cannot be cut into so many slices.
    """
    if ranks == 1:  # nothing is cut, so the whole is loaded where it is to lie
        model = load_model(directory, dtype=None, device=torch.device("cpu"), attention=attention)
        dtype = model.dtype
        model.to(torch.float32)  # type: ignore[arg-type]
        _shard(model, 1, device.type, half=half, offload=offload)
        return _offloaded(model, device) if offload else model, dtype
    outline = load_model(directory, dtype=None, device=torch.device("meta"))
    if getattr(outline.config, "layerdrop", 0):
        raise Permanent(
            "config.json: layerdrop leaves layers out at random, which ranks cannot do alike; take one rank"
        )
    check_tied(directory, outline)

    def shard(model: PreTrainedModel) -> None:
        _shard(model, ranks, device.type, half=half, offload=offload)

    model = load_model(directory, dtype=torch.float32, device=device, attention=attention, shard=shard)
    return _offloaded(model, device) if offload else model, outline.dtype


def _offloaded(model: PreTrainedModel, device: torch.device) -> PreTrainedModel:
    """The same with slices in the processor's memory; buffers, which no unit fetches, lie where it computes."""
    model.to("cpu")  # type: ignore[arg-type]
    for module in model.modules():
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = buffer.to(device)
    return model


def computes_on(model: PreTrainedModel) -> torch.device:
    """The device that a model's inputs must lie on: with `offload` its parameters lie elsewhere."""
    for parameter in model.parameters():
        if isinstance(parameter, DTensor):
            kind = parameter.device_mesh.device_type
            return torch.device(kind, torch.cuda.current_device()) if kind == "cuda" else torch.device(kind)
    return model.device


def _shard(model: PreTrainedModel, ranks: int, device: str, *, half: bool, offload: bool = False) -> None:
    policy = CPUOffloadPolicy(pin_memory=device == "cuda") if offload else OffloadPolicy()
    mesh = init_device_mesh(device, (ranks,))

    def unit(module: nn.Module, output: torch.dtype | None = torch.float32) -> None:
        fully_shard(
            module,
            mesh=mesh,
            mp_policy=_precision(output) if half else MixedPrecisionPolicy(),
            offload_policy=policy,
            shard_placement_fn=lambda tensor: _dimension(model, tensor, ranks),
        )

    for layer in _layers(model):
        unit(layer)
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()  # type: ignore[no-untyped-call]
    if head is not None and head.weight is not embedding.weight:  # else both are in the unit of the whole model
        unit(embedding)
        unit(head, None)
    unit(model)


def _precision(output: torch.dtype | None) -> MixedPrecisionPolicy:
    """Weights are fetched in bfloat16; what flows between units stays float32, as under autocast on one GPU, which
    casts what is multiplied. The output layer's logits are bfloat16 on both.
    """
    return MixedPrecisionPolicy(
        param_dtype=torch.bfloat16, reduce_dtype=torch.float32, output_dtype=output, cast_forward_inputs=False
    )


def _dimension(model: PreTrainedModel, tensor: nn.Parameter, ranks: int) -> Shard:
    """Along what a tensor is cut: rows; experts' matrices (experts, rows, columns) by columns if not by experts.

    The first matrices of a gated layer lie one after the other in rows, so that these are not cut.
    """
    dimension = _cut(tensor, ranks)
    if dimension == 0 or tensor.shape[dimension] % ranks == 0:
        return Shard(dimension)
    raise Permanent(
        f"{type(model).__name__}: its experts' matrices {tuple(tensor.shape)} cannot be cut for {ranks} ranks; take a "
        f"number that divides {tensor.shape[0]} experts or {tensor.shape[2]} columns"
    )


def _cut(tensor: torch.Tensor, ranks: int) -> int:
    return 2 if tensor.ndim == 3 and tensor.shape[0] % ranks else 0


def holders(tensor: torch.Tensor, ranks: int) -> set[int]:
    """Of so many ranks, those that would hold something of what this one holds of a tensor."""
    offset, size = place(tensor)
    if not all(size):
        return set()
    dimension = _cut(tensor, ranks)
    first, rows = offset[dimension], -(-tensor.shape[dimension] // ranks)
    return set(range(first // rows, (first + size[dimension] - 1) // rows + 1))


def is_slice(tensor: torch.Tensor) -> bool:
    """Whether ranks have a part of it each."""
    return isinstance(tensor, DTensor)


def release(model: nn.Module) -> None:
    """Let go of what was fetched and may still be held, so that parameters are slices again."""
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.reshard()


def exchange(parameters: Iterable[nn.Parameter]) -> None:
    """Average the gradients of those that are no slices, which every rank holds whole. A collective."""
    for parameter in parameters:
        if not isinstance(parameter, DTensor) and parameter.grad is not None:
            distributed.all_reduce(parameter.grad)
            parameter.grad /= distributed.get_world_size()


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor with the slices of all ranks. A collective where it has some."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def place(tensor: torch.Tensor) -> tuple[list[int], list[int]]:
    """Where in the whole tensor this rank's slice begins, and its size."""
    if not isinstance(tensor, DTensor):
        return [0] * tensor.ndim, list(tensor.shape)
    size, offset = compute_local_shape_and_global_offset(tensor.shape, tensor.device_mesh, tensor.placements)
    return list(offset), list(size)


def mine(tensor: torch.Tensor) -> torch.Tensor:
    """What of a tensor lies with this rank."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def _layers(model: PreTrainedModel) -> list[nn.Module]:
    found = decoder_layers(model)
    if not found:
        raise Permanent(f"{type(model).__name__} names no layers, so it cannot be spread over ranks; take one rank")
    return found
