"""What fine-tuning and pre-training hold and compute: formulas over a shape, shared by the kinds that train.

Weights, gradients and AdamW's two moments are float32: 16 bytes a parameter, over as many ranks as there are. A rank
holds besides what it has fetched of its peers: two layers, the embedding and the output layer, and the gradients of the
largest of these before they are summed. What is kept for the backward pass was counted in transformers' layers and
agrees with measured peaks (tests/bench/cost_estimate.py). Floating-point operations: 6 a weight and token (2 forwards,
4 backwards), and those of attention among the tokens. Frozen weights have no gradients and no moments, and no products
for the former.
"""

import math
from collections.abc import Sequence

from polyglot.kinds.device import THREAD_BYTES_PER_SECOND, Device
from polyglot.kinds.shape import Shape

GAPS = 0.1  # between what is kept, where freed blocks stay with the process: measured beyond what was counted
LOGITS_AT_ONCE = 2**27  # numbers that a training holds before it goes on with the next part
LEAST_TARGETS_AT_ONCE = 256
_FUSED = ("query_key_value", "c_attn", "qkv_proj", "Wqkv")  # queries, keys and values in one layer
_UPDATE_BYTES = 32  # a parameter and step, that the optimiser and the clipping read and write
_MOMENT_BYTES = {"adamw": 8.0, "adamw-8bit": 2 * (1 + 4 / 256)}  # a parameter; 8 bits, and a scale for 256 numbers
_LINK_REACHED = 0.7  # of a link's peak, by what torch's collectives reach; assumed
_HOST_BYTES_PER_SECOND = 100e9  # of a GPU machine's own memory, however many threads read it; assumed
_HOST_LINK_BYTES_PER_SECOND = 25e9  # between a GPU and its machine's memory: PCIe 4 with 16 lanes


def targets_at_once(vocabulary: int) -> int:
    """Targets whose logits are held at the same time, where a profile does not say."""
    return max(LEAST_TARGETS_AT_ONCE, LOGITS_AT_ONCE // vocabulary)


def samples_of_epochs(epochs: float, rows: float) -> int:
    """Samples of so many epochs over so many rows; the last epoch may be a part."""
    return round(epochs * rows)


def steps_of_epochs(epochs: float, rows: float, batch_size: int) -> int:
    """Steps of them; the last one may be smaller. 0: no sample."""
    return math.ceil(samples_of_epochs(epochs, rows) / batch_size)


def recomputed_layers(setting: object, layers: int) -> int:
    """How many layers' activations are computed again, by the setting `recompute`: all, none, or so many."""
    if isinstance(setting, bool):
        return layers if setting else 0
    return min(setting, layers) if isinstance(setting, int) else 0


def training_memory(
    shape: Shape,
    *,
    tokens: float,
    targets: float,
    half: bool,
    recompute: int,
    gaps: float = GAPS,
    ranks: int = 1,
    adapter: int | None = None,
    optimizer: str = "adamw",
    offload: bool = False,
) -> dict[str, int]:
    """Bytes of a rank by part; `tokens` of a forward pass, `targets` of them with logits at once.

    `half`: products in bfloat16 over float32 weights, which are then held cast too. `recompute`: so many layers keep
    their input alone. `gaps` as a share of activations. `adapter`: its parameters, where the model's own are frozen.
    `offload`: weights, gradients and moments lie in the machine's memory, and are not counted here.
    """
    count = shape.parameters + (adapter or 0)
    trained = count if adapter is None else adapter
    kept = _kept_by_layer(shape, half=half)
    layers = max(shape.layers - recompute, 1) * kept + recompute * shape.hidden * 4
    # logits, their float32 form, log-softmax, and the gradients of the last two
    logits = shape.vocabulary * (14 if half else 12)
    held = {
        "weights": count * 4 // ranks + (2 * count if half and ranks == 1 else 0),
        "gradients": 4 * trained // (ranks if adapter is None else 1),
        "optimiser": int(_MOMENT_BYTES[optimizer] * trained) // (ranks if adapter is None else 1),
        "activations": int(tokens * layers * (1 + gaps)),
        "logits": int(targets * logits),
    }
    if offload:
        held["weights"] = 4 * (adapter or 0)  # which lies whole on every rank
        held |= {} if adapter is not None else {"gradients": 0, "optimiser": 0}
    if ranks > 1 or offload:
        tables = shape.head * (1 if shape.tied else 2)
        layer = (shape.parameters - tables) // shape.layers
        held["fetched"] = (2 if half else 4) * (2 * layer + tables)
        if adapter is None:
            held["fetched"] += (12 if half else 4) * max(layer, shape.head)  # its gradient, whole; no GPU was measured
    if offload and ranks > 1:  # slices pass through the GPU when they are loaded
        held["loading"] = max(0, 4 * shape.parameters // ranks - sum(held.values()))
    return held


def _kept_by_layer(shape: Shape, *, half: bool) -> int:
    """Bytes a token that a layer keeps for its backward pass.

    Float32 always: the stream and its normed form before attention and before the feed-forward layer. In the type of
    the products: both normed inputs, queries, keys and values (these by their own heads), attention's result twice, the
    residual's part; of the feed-forward layer its gate before and after the activation, the other half, their product.
    """
    width, shared = shape.heads * shape.head_size, shape.kv_heads * shape.head_size
    inner = shape.intermediate * shape.experts_at_once * (4 if shape.gated else 2)
    return 4 * 4 * shape.hidden + (2 if half else 4) * (2 * shape.hidden + 3 * width + 2 * shared + inner)


def training_operations(
    shape: Shape, *, tokens: float, targets: float, length: float = 0, recomputed: float = 0, adapter: int | None = None
) -> float:
    """Floating-point operations of so many tokens, forwards and backwards; what they are told is as in the time's.

    Without `recomputed` those that the model asks for, whatever is computed twice: what MFU is counted by (PaLM, arXiv
    2204.02311, appendix B).
    """
    each = 6 if adapter is None else 4
    attention = 3 * _attention(shape, length)
    forward_and_back = tokens * (each * shape.multiplied + 6 * (adapter or 0) + attention) + targets * each * shape.head
    return forward_and_back + recomputed * reading_operations(
        shape, tokens=tokens, targets=0, length=length, adapter=adapter
    )


def reading_operations(
    shape: Shape, *, tokens: float, targets: float, length: float = 0, adapter: int | None = None
) -> float:
    """Floating-point operations of a forward pass alone, as rows held back need: with logits of `targets`."""
    each = 2 * (shape.multiplied + (adapter or 0)) + _attention(shape, length)
    return tokens * each + targets * 2 * shape.head


def _attention(shape: Shape, length: float) -> float:
    """Of a token, forwards: a causal half of the square."""
    return 2 * shape.layers * shape.heads * shape.head_size * length


def training_seconds(
    shape: Shape,
    device: Device,
    *,
    steps: float,
    tokens: float,
    targets: float,
    length: float = 0,
    recomputed: float = 0,
    adapter: int | None = None,
    updates: float | None = None,
) -> float:
    """Seconds of so many steps over `tokens` in all; `length` of a sequence.

    `recomputed`: the share of the layers whose activations are computed again.

    `adapter`: its parameters, where the model's own are frozen and their gradients are not computed. `updates`: bytes
    a second of the memory in which the optimiser works, where that is not the device's.
    """
    operations = training_operations(
        shape, tokens=tokens, targets=targets, length=length, recomputed=recomputed, adapter=adapter
    )
    trained = shape.parameters if adapter is None else adapter
    return operations / device.reached + steps * _UPDATE_BYTES * trained / (updates or device.bytes_per_second)


def host_bytes_per_second(*, processes: int, threads: int) -> float:
    """What each of a pod's processes reaches of the machine's memory when its optimiser works in it."""
    return min(_HOST_BYTES_PER_SECOND / processes, THREAD_BYTES_PER_SECOND * threads)


def exchange_seconds(
    shape: Shape,
    device: Device,
    *,
    passes: float,
    pods: int,
    processes: int,
    half: bool,
    offload: bool = False,
    frozen: bool = False,
    backwards: bool = True,
) -> float:
    """Seconds that so many passes of one rank take to fetch the weights, forwards and backwards, and sum the gradients.

    `frozen`: there are no gradients of these weights. `backwards` false: forward passes alone.

    Of a pod's processes over their link, of several pods over their network; the slower of both. Offloaded weights and
    gradients also pass between the GPU and its machine. What a device does not say is not counted.
    """
    ranks = pods * processes
    ways_through = 2 if backwards else 1
    fetched = ways_through * (2 if half else 4) * shape.parameters
    summed = 4 * shape.parameters if backwards and not frozen else 0
    ways = [
        (fetched + summed) * (among - 1) / among / (rate * _LINK_REACHED)
        for among, rate in ((processes, device.link_bytes_per_second), (pods, device.network_bytes_per_second))
        if among > 1 and rate
    ]
    if offload:
        ways.append((ways_through * 4 * shape.parameters + summed) / ranks / _HOST_LINK_BYTES_PER_SECOND)
    return passes * max(ways, default=0.0)


def adapter_parameters(shape: Shape, rank: int, modules: Sequence[str] | None) -> int:
    """Weights of a LoRA adapter on the named layers, or on all linear ones; of experts there are none.

    A name that is not known here counts as the widest layer does, and one that the model lacks as if it were there.
    """
    hidden, width, shared = shape.hidden, shape.heads * shape.head_size, shape.kv_heads * shape.head_size
    attention = {"q_proj": width, "k_proj": shared, "v_proj": shared, "o_proj": width}
    inner = {"gate_proj": shape.intermediate, "up_proj": shape.intermediate, "down_proj": shape.intermediate}
    if not shape.gated:
        inner.pop("gate_proj")
    known = attention | inner
    fused = width + 2 * shared
    if modules is None:
        other = known if shape.experts == 1 else attention
        sizes = list(other.values())
    else:
        names = [name.rpartition(".")[2] for name in modules]
        sizes = [known.get(name, fused if name in _FUSED else max(fused, shape.intermediate)) for name in names]
    return rank * shape.layers * sum(hidden + size for size in sizes)
